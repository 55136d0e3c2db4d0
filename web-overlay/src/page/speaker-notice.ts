import { setText } from "../dom";
import type { Wish } from "../service/facts";
import type { Consent } from "./consent";
import { noticeFor, type Notice } from "./host-status";
import { button, make } from "./page-dom";
import type { PageKey, PageWords } from "../strings/page-strings";
import type { LiveCaptionsElement } from "../captions-element";

const all: Wish = { captioned: true, kept: true };
const notKept: Wish = { captioned: true, kept: false };
const none: Wish = { captioned: false, kept: false };

type Choice = readonly [PageKey, Wish | "remove" | "leave" | null];

/** `null` stands for no change: the notice is dismissed. */
const choices: Readonly<Record<Notice, readonly Choice[]>> = {
  on: [["notice.dismiss", null], ["notice.refuse", none]],
  kept: [["notice.dismiss", null], ["notice.keep-not", notKept], ["notice.refuse", none]],
  "not-kept": [["notice.dismiss", null], ["notice.refuse", none]],
  refused: [["notice.stay", null], ["notice.agree", all]],
  asks: [["notice.agree", all], ["notice.keep-not", notKept], ["notice.stay", null]],
  said: [["notice.leave", "leave"], ["notice.remove", "remove"]],
};

/** Tells participants with a microphone that they are captioned, and lets them refuse. It covers and blocks nothing. */
export class SpeakerNotice {
  readonly #element: HTMLElement;
  readonly #captions: LiveCaptionsElement;
  readonly #consent: Consent;
  readonly #words: PageWords;
  readonly #text = make("p", "notice-text");
  readonly #error = make("p", "error");
  readonly #actions = make("div", "notice-actions");
  #dismissed: Notice | null = null;
  #drawn = "";

  constructor(element: HTMLElement, captions: LiveCaptionsElement, consent: Consent, words: PageWords) {
    this.#element = element;
    this.#captions = captions;
    this.#consent = consent;
    this.#words = words;
    this.#text.setAttribute("role", "status");
    this.#error.setAttribute("role", "alert");
    element.ariaLabel = words["notice.title"];
    element.append(make("div", "notice-words", this.#text, this.#error), this.#actions);
  }

  get isShown(): boolean {
    return !this.#element.hidden;
  }

  draw(hasMicrophone: boolean): void {
    const { state, facts, you } = this.#captions.captions;
    const standing = hasMicrophone ? noticeFor(state, facts, you) : null;
    const notice = standing !== null && this.#consent.mayRemove ? "said" : standing;
    if (this.#dismissed !== notice && !this.#consent.isBusy) this.#dismissed = null;
    this.#element.hidden = notice === null || notice === this.#dismissed;
    if (notice === null) return;
    const { isBusy, isStored, refusal } = this.#consent;
    setText(this.#text, this.#words[`notice.${notice}`]);
    setText(this.#error, refusal ? this.#captions.words[`refused.${refusal}`] : isStored ? "" : this.#words["voice.not-stored"]);
    this.#actions.ariaBusy = String(isBusy);
    if (this.#drawn === notice) return;
    this.#drawn = notice;
    const focused = this.#actions.contains(document.activeElement);
    this.#actions.replaceChildren(...choices[notice].map(([key, choice], index) => this.#button(key, choice, notice, index === 0)));
    // Keeps the focus here for somebody who has just chosen by keyboard.
    if (focused) this.#actions.querySelector("button")?.focus();
  }

  #button(key: PageKey, choice: Choice[1], notice: Notice, isFirst: boolean): HTMLButtonElement {
    return button(isFirst ? "button primary" : "button", this.#words[key], () => {
      if (choice !== null) {
        if (this.#consent.isBusy) return;
        void (typeof choice === "string" ? this.#consent.removeSaid(choice === "remove") : this.#consent.choose(choice));
        return;
      }
      this.#dismissed = notice;
      this.#element.hidden = true;
      document.getElementById("microphone")?.focus();
    });
  }
}
