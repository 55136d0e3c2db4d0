import type { LiveCaptionsElement } from "../captions-element";
import { setText } from "../dom";
import { CaptionsRefused } from "../service/rpc";
import type { HostChange } from "../service/facts";
import { say } from "../strings/strings";
import type { PageWords } from "../strings/page-strings";
import { button, make } from "./page-dom";

const most = { entries: 200, characters: 60 };

/** The names and terms that may be said in the meeting: for hosts, where the service takes them. */
export class Vocabulary {
  readonly element = make("div", "vocabulary");
  readonly #captions: LiveCaptionsElement;
  readonly #words: PageWords;
  readonly #list = make("textarea", "vocabulary-list");
  readonly #used = make("p", "hint");
  readonly #error = make("p", "error");
  readonly #save: HTMLButtonElement;
  /** Of which session the bot was asked last, by a host. */
  #asked = "";
  /** What this page has set: a bot that was started again has it from here. */
  #own: readonly string[] = [];

  constructor(captions: LiveCaptionsElement, words: PageWords) {
    this.#captions = captions;
    this.#words = words;
    const label = make("label", "field-name", words["vocabulary.label"]);
    this.#used.id = "room-vocabulary-used";
    this.#used.setAttribute("role", "status");
    this.#list.id = label.htmlFor = "room-vocabulary";
    this.#list.rows = 4;
    this.#list.spellcheck = false;
    this.#list.setAttribute("aria-describedby", this.#used.id);
    this.#error.setAttribute("role", "alert");
    this.#save = button("button", words["vocabulary.save"], () => void this.#send({ vocabulary: entriesIn(this.#list.value) }));
    this.element.append(label, this.#list, this.#used, this.#save, this.#error);
    this.element.hidden = true;
  }

  draw(): void {
    const { facts, you } = this.#captions.captions;
    const now = facts && you?.host === true ? facts.session : "";
    if (now === this.#asked) return;
    this.#asked = now;
    this.element.hidden = true;
    if (now !== "") void this.#send({});
  }

  /** Shows what the service has after this change, the entries that count. */
  async #send(change: HostChange): Promise<void> {
    const asked = this.#asked;
    this.#save.ariaBusy = "true";
    setText(this.#error, "");
    try {
      const { vocabulary, used } = await this.#captions.captions.set(change);
      if (asked !== this.#asked) return;
      if (change.vocabulary) this.#own = change.vocabulary;
      else if (vocabulary?.length === 0 && this.#own.length > 0) return void this.#send({ vocabulary: this.#own });
      this.element.hidden = vocabulary === null;
      this.#list.value = (vocabulary ?? []).join("\n");
      const sentence = this.#words[usedOf(vocabulary?.length ?? 0, used)];
      setText(this.#used, say(sentence, { used, last: vocabulary?.[used - 1] ?? "" }));
    } catch (error) {
      setText(this.#error, this.#captions.words[`refused.${error instanceof CaptionsRefused ? error.reason : "no-answer"}`]);
    }
    this.#save.ariaBusy = "false";
  }
}

/** What to say of `count` entries of which the first are used. */
export function usedOf(count: number, used: number): "vocabulary.none" | "vocabulary.unused" | "vocabulary.some" | "vocabulary.all" {
  if (count === 0) return "vocabulary.none";
  if (used === 0) return "vocabulary.unused";
  return used < count ? "vocabulary.some" : "vocabulary.all";
}

/** One entry a line, or between commas. */
export function entriesIn(text: string): string[] {
  const all = text.split(/[\n,;]/).map((entry) => entry.trim());
  return all.filter((entry) => entry !== "" && entry.length <= most.characters).slice(0, most.entries);
}
