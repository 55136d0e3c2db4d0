import { LiveCaptionsElement } from "./captions-element";
import { startBroadcast, startTranscript } from "./page/broadcast";
import { keyIn } from "./room/encryption";
import { MeetingPage } from "./page/meeting-page";
import { byId } from "./page/page-dom";
import { RoomJoining } from "./room/joining";
import { pageStrings } from "./strings/page-strings";
import { languageFor } from "./strings/strings";

const query = new URLSearchParams(location.search);

function start(): void {
  const captions = document.querySelector("live-captions");
  if (!(captions instanceof LiveCaptionsElement)) throw new Error("the page has no <live-captions>");
  const language = languageFor(query.get("lang") ?? navigator.language);
  document.documentElement.lang = language;
  document.title = pageStrings[language].title;
  captions.setAttribute("locale", language);
  captions.toggleAttribute("measure", query.has("measure"));
  const view = query.get("view");
  document.body.dataset["view"] = view === "broadcast" || view === "transcript" ? view : "meeting";

  let page: MeetingPage | null = null;
  const visitor = { name: query.get("name"), role: view === "broadcast" || view === "transcript" ? "guest" : query.get("role") };
  const joining = new RoomJoining(visitor, keyIn(location.hash), () => page?.draw());
  captions.room = joining.meeting.room;
  if (view === "broadcast") startBroadcast(captions, query, pageStrings[language]);
  else if (view === "transcript") startTranscript(captions, query, pageStrings[language]);
  else {
    page = new MeetingPage(captions, joining, language);
    followTheme(captions);
    placeCaptions(captions);
  }
  void joining.enter();
}

/** Gives the page the theme that its reader chose for the caption panels. */
function followTheme(captions: LiveCaptionsElement): void {
  const follow = () => {
    const { theme, position } = captions.settings;
    document.documentElement.dataset["theme"] = theme ?? "auto";
    byId("stage").dataset["position"] = position ?? "bottom";
  };
  captions.addEventListener("settings", follow);
  follow();
}

/** Puts the captions into the flow of the page when the window is too small to show them over the tiles. */
function placeCaptions(captions: LiveCaptionsElement): void {
  const low = matchMedia("(max-height: 22.5rem), (max-width: 14rem)");
  const place = () => {
    captions.mode = low.matches ? "beside" : "over";
  };
  low.addEventListener("change", place);
  place();
}

start();
