import type { GapRow, TurnRow } from "../cues/rows";
import type { CueRecord } from "../cues/state";
import { Pictures } from "../service/pictures";
import { speakerColour } from "../settings/looks";
import { defaults, type Settings } from "../settings/settings";
import { hueOf, initials, type BadgeFacts } from "./badge";
import type { Decoration } from "./caption-view";
import { Masking } from "./masking";

/** What is drawn besides the captions' own text, as the reader has chosen. */
export class ChosenDecoration implements Decoration {
  readonly gapText: (gap: GapRow) => string;
  readonly #addressOf: (speaker: string) => string | null;
  readonly #pictures: Pictures;
  readonly #masking: Masking;
  #settings: Settings = defaults;

  /** `addressOf` returns the address of a participant's picture; `changed` is called when something drawn or `failed` is another. */
  constructor(addressOf: (speaker: string) => string | null, gapText: (gap: GapRow) => string, changed: () => void) {
    this.gapText = gapText;
    this.#addressOf = addressOf;
    this.#pictures = new Pictures(changed);
    this.#masking = new Masking(changed);
  }

  /** Whether the list of masked words could not be loaded. */
  get failed(): boolean {
    return this.#masking.failed;
  }

  follow(settings: Settings): void {
    this.#settings = settings;
    this.#masking.turn(settings.maskProfanity);
  }

  textOf(cue: CueRecord): string {
    return this.#masking.of(cue);
  }

  badgeOf({ speaker, name }: TurnRow): BadgeFacts | null {
    if (!this.#settings.initials) return null;
    const address = this.#addressOf(speaker);
    return { initials: initials(name), hue: hueOf(speaker), picture: address === null ? null : this.#pictures.of(address) };
  }

  colourOf(speaker: string): string | null {
    return this.#settings.speakerColours ? speakerColour(speaker, this.#settings) : null;
  }
}
