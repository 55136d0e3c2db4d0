import type { LiveCaptionsElement } from "../captions-element";
import { setText } from "../dom";
import type { Wish } from "../service/facts";
import type { Consent } from "./consent";
import { make } from "./page-dom";
import type { PageKey, PageWords } from "../strings/page-strings";

const wishes: readonly (readonly [PageKey, Wish])[] = [
  ["voice.all", { captioned: true, kept: true }],
  ["voice.not-kept", { captioned: true, kept: false }],
  ["voice.none", { captioned: false, kept: false }],
];

interface Option {
  readonly wish: Wish;
  readonly input: HTMLInputElement;
  readonly row: HTMLElement;
  readonly text: HTMLElement;
}

/** The choice whether one's own voice is captioned and kept, for every participant with a microphone. */
export class VoiceChoice {
  readonly element = make("fieldset", "panel-section");
  readonly #captions: LiveCaptionsElement;
  readonly #consent: Consent;
  readonly #words: PageWords;
  readonly #options: readonly Option[];
  readonly #error = make("p", "error");
  readonly #busy = make("p", "hint");

  constructor(captions: LiveCaptionsElement, consent: Consent, words: PageWords) {
    this.#captions = captions;
    this.#consent = consent;
    this.#words = words;
    this.#options = wishes.map(([key, wish]) => this.#option(key, wish));
    this.#error.setAttribute("role", "alert");
    this.#busy.setAttribute("role", "status");
    this.element.append(make("legend", "panel-heading", words["voice.title"]), ...this.#options.map(({ row }) => row), this.#busy, this.#error);
  }

  draw(hasMicrophone: boolean): void {
    const { facts, you } = this.#captions.captions;
    const { isBusy, isStored, refusal } = this.#consent;
    this.element.hidden = !hasMicrophone || !facts || !you;
    if (!facts || !you) return;
    const [all, notKept] = this.#options;
    if (all) setText(all.text, this.#words[facts.transcript ? "voice.all.kept" : "voice.all"]);
    // Without a transcript this choice changes nothing, so it is shown only to those who have already made it.
    if (notKept) notKept.row.hidden = !facts.transcript && (you.kept || !you.captioned);
    for (const { wish, input } of this.#options) {
      if (!isBusy) input.checked = wish.captioned === you.captioned && (!you.captioned || wish.kept === you.kept);
    }
    setText(this.#busy, isBusy ? this.#words["voice.saving"] : "");
    setText(this.#error, refusal ? this.#captions.words[`refused.${refusal}`] : isStored ? "" : this.#words["voice.not-stored"]);
  }

  #option(key: PageKey, wish: Wish): Option {
    const input = make("input", "radio");
    input.type = "radio";
    input.name = "voice";
    input.value = key;
    input.addEventListener("change", () => {
      if (input.checked) void this.#consent.choose(wish);
    });
    const text = make("span", "", this.#words[key]);
    const explained = key === "voice.none" ? [make("span", "hint", this.#words["voice.none.hint"])] : [];
    return { wish, input, text, row: make("label", "option", input, make("span", "option-words", text, ...explained)) };
  }
}
