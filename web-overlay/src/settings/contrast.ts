export interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

const black: Rgb = { r: 0, g: 0, b: 0 };
const white: Rgb = { r: 255, g: 255, b: 255 };

/** Parses `#rrggbb`. */
export function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16);
  return { r: (value >> 16) & 255, g: (value >> 8) & 255, b: value & 255 };
}

export function hexOf({ r, g, b }: Rgb): string {
  return `#${[r, g, b].map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/** The colour of `top` with an opacity of 0–1 over an opaque `under`. */
export function over(top: Rgb, opacity: number, under: Rgb): Rgb {
  const mix = (a: number, b: number) => a * opacity + b * (1 - opacity);
  return { r: mix(top.r, under.r), g: mix(top.g, under.g), b: mix(top.b, under.b) };
}

/** The WCAG 2.2 contrast ratio, 1–21. See https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

export interface Layer {
  readonly colour: string;
  readonly opacity: number;
}

/** The contrast of text on its layers, listed from the lowest up, over black, white or grey video, whichever is worst. */
export function worstContrast(text: Layer, layers: readonly Layer[]): number {
  const ratios = [black, white, { r: 128, g: 128, b: 128 }].map((video) => {
    const ground = layers.reduce((under, layer) => over(rgbOf(layer.colour), layer.opacity, under), video);
    return contrast(over(rgbOf(text.colour), text.opacity, ground), ground);
  });
  return Math.min(...ratios);
}

/** Black or white, whichever contrasts more with the colour. */
export function opposite(hex: string): string {
  return contrast(rgbOf(hex), black) >= contrast(rgbOf(hex), white) ? "#000000" : "#ffffff";
}

function luminance({ r, g, b }: Rgb): number {
  const [red, green, blue] = [r, g, b].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
