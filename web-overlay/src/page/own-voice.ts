import type { LiveCaptionsElement } from "../captions-element";
import { setText } from "../dom";
import type { Wish } from "../service/facts";
import type { Consent } from "./consent";
import { make } from "./page-dom";
import type { PageKey, PageWords } from "../strings/page-strings";
import { CaptionsRefused, type Refusal } from "../service/rpc";
import { say, type Language } from "../strings/strings";
import { choiceName, choices, setOptions } from "./languages";

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

/** The choice whether one's own voice is captioned and kept, and what one speaks, for every participant with a microphone. */
export class VoiceChoice {
  readonly element = make("fieldset", "panel-section");
  readonly #captions: LiveCaptionsElement;
  readonly #consent: Consent;
  readonly #words: PageWords;
  readonly #options: readonly Option[];
  readonly #spoken: OwnLanguage;
  readonly #error = make("p", "error");
  readonly #busy = make("p", "hint");

  constructor(captions: LiveCaptionsElement, consent: Consent, words: PageWords, language: Language) {
    this.#captions = captions;
    this.#consent = consent;
    this.#words = words;
    this.#options = wishes.map(([key, wish]) => this.#option(key, wish));
    this.#spoken = new OwnLanguage(captions, words, language);
    this.#error.setAttribute("role", "alert");
    this.#busy.setAttribute("role", "status");
    this.element.append(make("legend", "panel-heading", words["voice.title"]), ...this.#options.map(({ row }) => row), this.#busy, this.#error, this.#spoken.element);
  }

  draw(hasMicrophone: boolean): void {
    const { facts, you } = this.#captions.captions;
    const { isBusy, isStored, refusal } = this.#consent;
    this.element.hidden = !hasMicrophone || !facts || !you;
    if (!facts || !you) return;
    this.#spoken.draw();
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

/** "I speak …", for every participant with a microphone. */
class OwnLanguage {
  readonly element: HTMLElement;
  readonly #captions: LiveCaptionsElement;
  readonly #words: PageWords;
  readonly #language: Language;
  readonly #select = make("select", "select");
  readonly #error = make("p", "error");
  #refusal: Refusal | null = null;

  constructor(captions: LiveCaptionsElement, words: PageWords, language: Language) {
    this.#captions = captions;
    this.#words = words;
    this.#language = language;
    const label = make("label", "field-name", words["voice.language"]);
    this.#select.id = label.htmlFor = "own-language";
    this.#select.addEventListener("change", () => void this.#choose(this.#select.value));
    this.#error.setAttribute("role", "alert");
    this.element = make("div", "own-language", make("div", "field", label, this.#select), this.#error);
  }

  draw(): void {
    const { facts, you } = this.#captions.captions;
    const chosen = you?.language ?? null;
    // A bot of an earlier version knows no languages of people.
    this.element.hidden = !facts || chosen === null || facts.languages.length < 2;
    if (!facts || chosen === null) return;
    const nameOf = (choice: string) => choiceName(choice, this.#language, this.#words);
    const asRoom = say(this.#words["language.room"], { language: nameOf(facts.spoken) });
    setOptions(this.#select, ["", ...new Set([...choices(facts, this.#language), ...(chosen === "" ? [] : [chosen])])], (choice) => (choice === "" ? asRoom : nameOf(choice)));
    if (this.#select.value !== chosen && this.#select.ariaBusy !== "true") this.#select.value = chosen;
    setText(this.#error, this.#refusal ? this.#captions.words[`refused.${this.#refusal}`] : "");
  }

  async #choose(choice: string): Promise<void> {
    this.#refusal = null;
    this.#select.ariaBusy = "true";
    try {
      await this.#captions.captions.speak(choice);
    } catch (error) {
      this.#refusal = error instanceof CaptionsRefused ? error.reason : "no-answer";
    }
    this.#select.ariaBusy = "false";
    this.draw();
  }
}
