import { relabel, setText } from "../dom";
import { byId } from "./page-dom";
import type { PageKey, PageWords } from "../strings/page-strings";

const tools = ["microphone", "captions", "settings", "history", "room", "sound"] as const;
export type Tool = (typeof tools)[number];

/** The toolbar of the meeting. Each button shows a word, and has a longer accessible name where the word alone is not clear. */
export class Toolbar {
  readonly #words: PageWords;

  constructor(words: PageWords, pressed: Readonly<Record<Tool, () => void>>) {
    this.#words = words;
    byId("toolbar").ariaLabel = words.toolbar;
    for (const name of tools) {
      const tool = byId(name === "captions" ? "toggle" : name);
      setText(tool.querySelector(".tool-label") ?? tool, words[`tool.${name}`]);
      const label = (words as Readonly<Partial<Record<string, string>>>)[`tool.${name}.label`];
      if (label !== undefined) relabel(tool, label);
      tool.addEventListener("click", pressed[name]);
    }
  }

  draw(facts: { readonly microphone: boolean | null; readonly captions: boolean; readonly panel: string | null; readonly sound: boolean }): void {
    const microphone = byId("microphone");
    microphone.hidden = facts.microphone === null;
    microphone.ariaPressed = String(facts.microphone === true);
    relabel(microphone, this.#words[`tool.microphone.${facts.microphone === true ? "on" : "off"}` satisfies PageKey]);
    byId("toggle").ariaPressed = String(facts.captions);
    for (const panel of ["settings", "history"]) byId(panel).ariaExpanded = String(facts.panel === panel);
    byId("sound").hidden = !facts.sound;
  }
}
