import type { LiveCaptionsElement } from "./captions-element";

/** The whole session on a second screen: history fills the page and stays open. */
export function startTranscript(captions: LiveCaptionsElement): void {
  captions.mode = "window";
  captions.openHistory();
}
