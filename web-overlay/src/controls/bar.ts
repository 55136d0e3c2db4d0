import { icon, iconButton, part, relabel, setText } from "../dom";
import type { Words } from "../strings/strings";
import { say } from "../strings/strings";

export interface BarActions {
  readonly hold: () => void;
  readonly history: () => void;
  readonly settings: () => void;
  readonly popOut: () => void;
}

export interface BarState {
  readonly held: boolean;
  /** How many captions have arrived since the hold began. */
  readonly waiting: number;
  readonly poppedOut: boolean;
  readonly movable: boolean;
  /** The open panel. */
  readonly panel: string | null;
}

/** The captions' toolbar, visible while a pointer, a finger or the focus is on the captions. */
export class Bar {
  readonly element = part("div", "bar");
  readonly grip: HTMLButtonElement;
  readonly #hold: HTMLButtonElement;
  readonly #holdText = part("span", "bar-text");
  readonly #history: HTMLButtonElement;
  readonly #settings: HTMLButtonElement;
  readonly #popOut: HTMLButtonElement;
  #drawn = "";

  constructor(actions: BarActions) {
    this.#hold = iconButton("tool hold", "hold", "", actions.hold);
    this.#hold.append(this.#holdText);
    this.#history = iconButton("tool", "history", "", actions.history);
    this.#settings = iconButton("tool", "settings", "", actions.settings);
    this.#popOut = iconButton("tool", "out", "", actions.popOut);
    this.grip = iconButton("tool grip", "move", "", () => undefined);
    this.element.setAttribute("role", "toolbar");
    this.element.append(this.#hold, this.#history, this.#settings, this.#popOut, this.grip);
  }

  draw(state: BarState, words: Words): void {
    const { held, waiting, poppedOut, movable, panel } = state;
    const key = [held, waiting, poppedOut, movable, panel, words["bar.label"]].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.element.ariaLabel = words["bar.label"];
    const news = held && waiting > 0 ? ` · ${say(words["bar.waiting"], { count: waiting })}` : "";
    setText(this.#holdText, `${held ? words["bar.live"] : words["bar.hold"]}${news}`);
    this.#hold.classList.toggle("primary", held);
    this.#hold.querySelector("svg")?.replaceWith(icon(held ? "live" : "hold"));
    this.#history.ariaExpanded = String(panel === "history");
    this.#settings.ariaExpanded = String(panel === "settings");
    relabel(this.#history, words["bar.history"]);
    relabel(this.#settings, words["bar.settings"]);
    relabel(this.#popOut, words[poppedOut ? "bar.pop-in" : "bar.pop-out"]);
    this.#popOut.querySelector("svg")?.replaceWith(icon(poppedOut ? "in" : "out"));
    relabel(this.grip, words["bar.move"]);
    this.grip.hidden = !movable;
  }
}
