import type { CueRecord } from "../cues/state";
import type { masked } from "./profanity";

/** The reader's profanity filter. It masks what is drawn; cues, history and files stay as they are. */
export class Masking {
  readonly #changed: () => void;
  #masked: typeof masked | null = null;
  #on = false;
  /** Whether the word lists could not be loaded. */
  failed = false;

  /** `changed` is called when the lists have arrived, or have not. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Switches the filter. Its lists are loaded when it is first on. */
  turn(on: boolean): void {
    if (on === this.#on) return;
    this.#on = on;
    this.failed = false;
    if (on && !this.#masked) void this.#load();
  }

  /** What is shown of a cue's text. */
  of({ text, lang }: Pick<CueRecord, "text" | "lang">): string {
    return this.#on && this.#masked ? this.#masked(text, lang) : text;
  }

  async #load(): Promise<void> {
    try {
      this.#masked = (await import("./profanity")).masked;
    } catch {
      this.failed = true;
    }
    this.#changed();
  }
}
