import { loadChoices, saveChoices, watchChoices } from "./settings-store";
import { resolved, type Choices, type Settings } from "./settings";

/** The reader's settings on this device. */
export class Preferences {
  choices: Choices = loadChoices();
  /** Whether the device could store them. */
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

  /** Sets whether settings are read from this device and stored on it. */
  useDevice(use: boolean): void {
    if (use === this.#usesDevice) return;
    this.#usesDevice = use;
    this.choices = use ? loadChoices() : {};
    this.#changed();
  }

  /** Replaces the choices. `keep` is false while a change is still in progress, as during a drag. */
  choose(choices: Choices, keep = true): void {
    this.choices = choices;
    if (keep && this.#usesDevice) this.areKept = saveChoices(choices);
    this.#changed();
  }

  change(change: Choices, keep = true): void {
    this.choose({ ...this.choices, ...change }, keep);
  }

  /** Follows changes made in other pages on this device. */
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
