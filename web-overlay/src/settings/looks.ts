import { colours, resolved, type Choices, type Settings } from "./settings";
import { contrast, hexOf, opposite, over, rgbOf, worstContrast } from "./contrast";

/** The custom properties that the reader's choices set; null where the page decides. */
export type Looks = Readonly<Record<string, string | null>>;

export const least_contrast = 4.5;

const families = {
  sans: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif',
  serif: 'Georgia, "Noto Serif", "DejaVu Serif", "Times New Roman", serif',
  mono: '"Noto Sans Mono", "DejaVu Sans Mono", Consolas, monospace',
  atkinson: '"Atkinson Hyperlegible", system-ui, sans-serif',
  dyslexic: '"OpenDyslexic", system-ui, sans-serif',
} as const;

/** The contrast of the text with what lies behind it, over the worst video: 1–21. */
export function ratioOf(settings: Settings): number {
  const { textColour, textOpacity, backgroundColour, backgroundOpacity, windowColour, windowOpacity } = settings;
  return worstContrast({ colour: colours[textColour], opacity: textOpacity / 100 }, [
    { colour: colours[windowColour], opacity: windowOpacity / 100 },
    { colour: colours[backgroundColour], opacity: backgroundOpacity / 100 },
  ]);
}

/** The edge of the letters: the chosen one, or an outline where the contrast is poor without any. */
export function edgeOf(settings: Settings): Settings["edge"] {
  return settings.edge === "none" && ratioOf(settings) < least_contrast ? "outline" : settings.edge;
}

export function looksOf(choices: Choices): Looks {
  const settings = resolved(choices);
  const chose = (...names: (keyof Settings)[]) => names.some((name) => choices[name] !== undefined);
  const isColoured = chose("textColour", "textOpacity", "backgroundColour", "backgroundOpacity", "windowColour", "windowOpacity");
  const tail = tailOf(settings);
  return {
    "--_scale": String(settings.size / 100),
    "--_user-font": chose("font") ? families[settings.font] : null,
    "--_user-lines": chose("lines") ? String(settings.lines) : null,
    "--_user-line-length": chose("lineLength") ? String(settings.lineLength) : null,
    "--_user-align": chose("align") ? settings.align : null,
    "--_user-color": isColoured ? translucent(settings.textColour, settings.textOpacity) : null,
    "--_user-tail": isColoured ? tail : null,
    "--_user-name": isColoured ? nameOf(settings) : null,
    "--_user-background": chose("backgroundColour", "backgroundOpacity") ? translucent(settings.backgroundColour, settings.backgroundOpacity) : null,
    "--_user-window": chose("windowColour", "windowOpacity") ? translucent(settings.windowColour, settings.windowOpacity) : null,
    "--_edge": edges(settings),
    "--_x": String(settings.x),
    "--_y": String(settings.y),
  };
}

/** Name colours that most colour-blind readers can tell apart (Okabe and Ito, lightened). */
const onDark = ["#ffe08a", "#7cc9f5", "#7be0b8", "#f7b0d2", "#ffb46b", "#d3c2ff", "#c8e06a", "#ffffff"];
const onLight = ["#6b4a00", "#004a76", "#005c43", "#8a1f5a", "#8a3a00", "#4a2f91", "#4a5a00", "#000000"];

/** A speaker's colour, the same on every page, that contrasts with the chosen background. */
export function speakerColour(identity: string, settings: Settings): string {
  const palette = isDark(settings) ? onDark : onLight;
  const hash = Array.from(identity).reduce((sum, letter) => (Math.imul(sum, 31) + (letter.codePointAt(0) ?? 0)) | 0, 7);
  return palette[(hash >>> 0) % palette.length] ?? "";
}

function isDark(settings: Settings): boolean {
  const { backgroundColour, backgroundOpacity, windowColour, windowOpacity } = settings;
  const colour = backgroundOpacity >= windowOpacity ? backgroundColour : windowColour;
  return opposite(colours[colour]) === "#ffffff";
}

/** Yellowish on dark, dark on light; the text's own colour where these are hard to read. */
function nameOf(settings: Settings): string {
  const ground = rgbOf(colours[settings.backgroundColour]);
  const name = isDark(settings) ? "#ffe08a" : "#5a3d00";
  const isSafe = settings.backgroundOpacity >= 50 && contrast(rgbOf(name), ground) >= least_contrast;
  return isSafe ? name : colours[settings.textColour];
}

/** The colour of unsettled text: a little closer to the background, if it stays readable. */
function tailOf(settings: Settings): string {
  const text = rgbOf(colours[settings.textColour]);
  const nearer = hexOf(over(text, 0.8, rgbOf(colours[settings.backgroundColour])));
  const { windowColour, windowOpacity, backgroundColour, backgroundOpacity } = settings;
  const ratio = worstContrast({ colour: nearer, opacity: settings.textOpacity / 100 }, [
    { colour: colours[windowColour], opacity: windowOpacity / 100 },
    { colour: colours[backgroundColour], opacity: backgroundOpacity / 100 },
  ]);
  return ratio >= least_contrast ? rgba(nearer, settings.textOpacity) : translucent(settings.textColour, settings.textOpacity);
}

function edges(settings: Settings): string | null {
  const colour = opposite(colours[settings.textColour]);
  switch (edgeOf(settings)) {
    case "none":
      return null;
    case "raised":
      return `0.04em 0.04em 0 ${colour}, 0.08em 0.08em 0 ${colour}`;
    case "depressed":
      return `-0.04em -0.04em 0 ${colour}, -0.08em -0.08em 0 ${colour}`;
    case "outline":
      return outline(colour);
    case "shadow":
      return `0.07em 0.07em 0.12em ${colour}, 0.07em 0.07em 0.12em ${colour}`;
  }
}

function outline(colour: string): string {
  const steps = [-0.06, 0, 0.06];
  const around = steps.flatMap((x) => steps.map((y) => [x, y] as const)).filter(([x, y]) => x !== 0 || y !== 0);
  return around.map(([x, y]) => `${x}em ${y}em 0.02em ${colour}`).join(", ");
}

function translucent(colour: keyof typeof colours, percent: number): string {
  return rgba(colours[colour], percent);
}

function rgba(hex: string, percent: number): string {
  const { r, g, b } = rgbOf(hex);
  return `rgb(${r} ${g} ${b} / ${percent / 100})`;
}
