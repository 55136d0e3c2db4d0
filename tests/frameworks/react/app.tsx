import type { LiveCaptionsElement } from "live-captions-overlay";
import { Room } from "livekit-client";
import { StrictMode, useState, type DetailedHTMLProps, type HTMLAttributes } from "react";
import { createRoot } from "react-dom/client";

type Captions = DetailedHTMLProps<HTMLAttributes<LiveCaptionsElement>, LiveCaptionsElement> & { fonts?: string; onpanel?: (event: Event) => void };

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "live-captions": Captions;
    }
  }
}

const room = new Room();
Object.assign(window, { room });

function prepare(captions: LiveCaptionsElement | null): void {
  if (captions) Object.assign(captions, { room, settings: { size: 150 } });
}

function Meeting() {
  const [isHere, setHere] = useState(true);
  const [panel, setPanel] = useState("");
  return (
    <>
      <button onClick={() => setHere(!isHere)}>{isHere ? "Leave" : "Come back"}</button>
      <output>{panel}</output>
      {isHere && <live-captions ref={prepare} fonts="fonts/" onpanel={(event) => setPanel((event.target as LiveCaptionsElement).panel ?? "none")} />}
    </>
  );
}

createRoot(document.querySelector("#app")!).render(<StrictMode><Meeting /></StrictMode>);
