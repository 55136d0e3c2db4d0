import type { LiveCaptionsElement } from "../captions-element";
import { setText } from "../dom";
import { offerFile } from "../panels/files";
import { CaptionsRefused } from "../service/rpc";
import type { KeptTranscript } from "../service/transcript";
import { say } from "../strings/strings";
import type { PageWords } from "../strings/page-strings";
import { button, make } from "./page-dom";

/** Where the transcript is kept, for how long, and its download: for hosts, while it is kept and after. */
export class KeptFile {
  readonly element = make("div", "kept-file");
  readonly #captions: LiveCaptionsElement;
  readonly #words: PageWords;
  readonly #where = make("p", "hint");
  readonly #error = make("p", "error");
  readonly #save: HTMLButtonElement;
  #known: KeptTranscript | null = null;
  /** What was the case when the bot was asked last. */
  #asked = "";

  constructor(captions: LiveCaptionsElement, words: PageWords) {
    this.#captions = captions;
    this.#words = words;
    this.#error.setAttribute("role", "alert");
    this.#save = button("button", words["kept.download"], () => void this.#download());
    this.element.append(this.#where, this.#save, this.#error);
    this.element.hidden = true;
  }

  draw(): void {
    const { facts, you } = this.#captions.captions;
    const now = facts && you?.host === true ? `${facts.session} ${facts.transcript}` : "";
    if (now !== this.#asked) {
      this.#asked = now;
      this.#known = null;
      if (now !== "") void this.#ask();
    }
    this.element.hidden = this.#known === null;
    if (!this.#known) return;
    const { file, days } = this.#known;
    setText(this.#where, say(this.#words[days === null ? "kept.where" : "kept.where.days"], { file, days: days ?? 0 }));
  }

  async #ask(): Promise<void> {
    const asked = this.#asked;
    const known = await this.#captions.captions.transcript().catch(() => null);
    if (asked !== this.#asked) return;
    this.#known = known;
    this.draw();
  }

  async #download(): Promise<void> {
    this.#save.ariaBusy = "true";
    setText(this.#error, "");
    try {
      const kept = await this.#captions.captions.transcript();
      offerFile(kept.file, "text/vtt", await kept.text(), this.element);
    } catch (error) {
      setText(this.#error, this.#captions.words[`refused.${error instanceof CaptionsRefused ? error.reason : "no-answer"}`]);
    }
    this.#save.ariaBusy = "false";
  }
}
