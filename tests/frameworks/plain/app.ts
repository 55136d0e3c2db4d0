import type { LiveCaptionsElement } from "live-captions-overlay";
import { Room } from "livekit-client";

const room = new Room();
const button = document.createElement("button");
const output = document.createElement("output");
let captions: LiveCaptionsElement | null = null;

function change(): void {
  if (captions) {
    captions.remove();
    captions = null;
  } else {
    captions = document.createElement("live-captions");
    captions.setAttribute("fonts", "fonts/");
    Object.assign(captions, { room, settings: { size: 150 } });
    captions.addEventListener("panel", () => (output.textContent = captions?.panel ?? "none"));
    document.querySelector("#app")?.append(captions);
  }
  button.textContent = captions ? "Leave" : "Come back";
}

button.addEventListener("click", change);
document.querySelector("#app")?.append(button, output);
Object.assign(window, { room });
change();
