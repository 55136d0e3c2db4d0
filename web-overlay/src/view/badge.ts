import { part } from "../dom";

/** What tells a speaker at a glance: initials in the colour of their tile, or a picture. */
export interface BadgeFacts {
  readonly initials: string;
  /** In degrees. */
  readonly hue: number;
  /** In place of the initials; null if there is none. */
  readonly picture: CanvasImageSource | null;
}

/** The width and height of a picture, in px. */
export const picture_px = 96;

/** The first letters of the first and the last word of a name; "" if no word begins with a letter that is seen. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^(?!\p{Default_Ignorable_Code_Point})\p{L}/u.test(word));
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => Array.from(word ?? "")[0] ?? "").join("").toUpperCase();
}

/** A participant's colour, the same on every page: a hue in degrees. */
export function hueOf(identity: string): number {
  return Array.from(identity).reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
}

/** A badge before a name. Its initials are generated content, so that they are neither read out nor copied with the name. */
export class Badge {
  readonly element = part("span", "badge");
  #picture: CanvasImageSource | null = null;

  constructor() {
    this.element.ariaHidden = "true";
  }

  /** `facts` is null for no badge. */
  draw(facts: BadgeFacts | null): void {
    const { dataset, style } = this.element;
    const text = facts?.initials ?? "";
    if (dataset["initials"] !== text) dataset["initials"] = text;
    const hue = String(facts?.hue ?? 0);
    if (style.getPropertyValue("--_hue") !== hue) style.setProperty("--_hue", hue);
    const picture = facts?.picture ?? null;
    if (picture === this.#picture) return;
    this.#picture = picture;
    this.element.replaceChildren(...(picture ? [drawn(picture)] : []));
  }
}

function drawn(picture: CanvasImageSource): HTMLCanvasElement {
  const canvas = part("canvas", "picture");
  canvas.width = canvas.height = picture_px;
  canvas.getContext("2d")?.drawImage(picture, 0, 0, picture_px, picture_px);
  return canvas;
}
