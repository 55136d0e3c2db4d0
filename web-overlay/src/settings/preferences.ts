import { loadChoices, saveChoices, watchChoices } from "./settings-store";
import { resolved, type Choices, type Settings } from "./settings";

/** What the reader chose on this device. */
export class Preferences {
  choices: Choices = loadChoices();
  /** Whether the device keeps them. */
  areKept = true;
  readonly #changed: () => void;
  #usesDevice = true;
  #end: (() => void) | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get settings(): Settings {
    return resolved(this.choices);
  }

  /** Whether what this device keeps counts, and what is chosen here is kept on it. */
  useDevice(use: boolean): void {
    if (use === this.#usesDevice) return;
    this.#usesDevice = use;
    this.choices = use ? loadChoices() : {};
    this.#changed();
  }

  /** Takes choices over; `keep` false while they are still being tried, as when dragging. */
  choose(choices: Choices, keep = true): void {
    this.choices = choices;
    if (keep && this.#usesDevice) this.areKept = saveChoices(choices);
    this.#changed();
  }

  change(change: Choices, keep = true): void {
    this.choose({ ...this.choices, ...change }, keep);
  }

  /** Follows what other pages of this device choose. */
  watch(): void {
    this.#end = watchChoices((choices) => {
      if (!this.#usesDevice) return;
      this.choices = choices;
      this.#changed();
    });
  }

  unwatch(): void {
    this.#end?.();
    this.#end = null;
  }
}
