import { closeButton, make } from "./page-dom";
import type { PageWords } from "../strings/page-strings";

const key = "live-captions.tip";

/** Says on the first visit, once, where readers find size and history. */
export class FirstTip {
  readonly #element: HTMLElement;
  #isDone = wasShown();

  constructor(element: HTMLElement, words: PageWords) {
    this.#element = element;
    element.append(make("p", "", words.tip), closeButton(words["note.close"], () => {
      this.dismiss();
    }));
  }

  draw(isInRoom: boolean): void {
    if (!isInRoom || this.#isDone || !this.#element.hidden) return;
    this.#element.hidden = false;
    try {
      localStorage.setItem(key, "shown");
    } catch {
      // Without storage the next visit counts as a first one.
    }
  }

  dismiss(): void {
    this.#isDone ||= !this.#element.hidden;
    this.#element.hidden = true;
  }
}

function wasShown(): boolean {
  try {
    return localStorage.getItem(key) !== null;
  } catch {
    return false;
  }
}
