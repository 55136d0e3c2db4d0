import { isFields } from "../contract";

/** The eight colours of 47 CFR 79.103. */
export const colours = {
  white: "#ffffff",
  yellow: "#ffff00",
  cyan: "#00ffff",
  green: "#00ff00",
  red: "#ff0000",
  blue: "#0000ff",
  magenta: "#ff00ff",
  black: "#000000",
} as const;
export type Colour = keyof typeof colours;
const colourNames = Object.keys(colours) as Colour[];

/** How a reader wants captions shown. Every value has a field in the settings panel. */
export interface Settings {
  /** In percent of the page's caption size. */
  readonly size: number;
  readonly font: "sans" | "serif" | "mono" | "atkinson" | "dyslexic";
  readonly edge: "none" | "raised" | "depressed" | "outline" | "shadow";
  readonly textColour: Colour;
  /** Opacities are in percent. */
  readonly textOpacity: number;
  readonly backgroundColour: Colour;
  readonly backgroundOpacity: number;
  readonly windowColour: Colour;
  readonly windowOpacity: number;
  readonly position: "bottom" | "top" | "side" | "free";
  /** For a free position: the horizontal centre and the lower edge, in thousandths of the containing box. */
  readonly x: number;
  readonly y: number;
  readonly lines: number;
  /** In characters. */
  readonly lineLength: number;
  readonly align: "start" | "center";
  readonly partial: "shown" | "finished";
  /** Seconds of silence after which captions are cleared; 0 means never. */
  readonly hold: number;
  readonly speakerColours: boolean;
  /** Whether initials, or a picture, stand before each speaker's name. */
  readonly initials: boolean;
  /** Whether swear words are masked on the screen. */
  readonly maskProfanity: boolean;
  readonly theme: "auto" | "dark" | "light";
  /** Whether single-key shortcuts, without Ctrl or Alt, are on. */
  readonly singleKeys: boolean;
  /** Whether finished captions are announced to screen readers. */
  readonly readingLog: boolean;
}

/** The settings that a reader chose; the page decides those that are absent. */
export type Choices = Partial<Settings>;

export const defaults: Settings = {
  size: 100,
  font: "sans",
  edge: "none",
  textColour: "white",
  textOpacity: 100,
  backgroundColour: "black",
  backgroundOpacity: 80,
  windowColour: "black",
  windowOpacity: 0,
  position: "bottom",
  x: 500,
  y: 1_000,
  lines: 3,
  lineLength: 40,
  align: "start",
  partial: "shown",
  hold: 15,
  speakerColours: false,
  initials: true,
  maskProfanity: false,
  theme: "auto",
  singleKeys: true,
  readingLog: false,
};

type Rule<T> = { readonly among: readonly T[] } | { readonly from: number; readonly to: number; readonly step: number };

/** The valid values of each setting. */
export const rules = {
  size: { from: 50, to: 400, step: 10 },
  font: { among: ["sans", "serif", "mono", "atkinson", "dyslexic"] },
  edge: { among: ["none", "raised", "depressed", "outline", "shadow"] },
  textColour: { among: colourNames },
  textOpacity: { from: 10, to: 100, step: 5 },
  backgroundColour: { among: colourNames },
  backgroundOpacity: { from: 0, to: 100, step: 5 },
  windowColour: { among: colourNames },
  windowOpacity: { from: 0, to: 100, step: 5 },
  position: { among: ["bottom", "top", "side", "free"] },
  x: { from: 0, to: 1_000, step: 1 },
  y: { from: 0, to: 1_000, step: 1 },
  lines: { from: 2, to: 6, step: 1 },
  lineLength: { from: 32, to: 50, step: 1 },
  align: { among: ["start", "center"] },
  partial: { among: ["shown", "finished"] },
  hold: { among: [3, 5, 8, 15, 30, 60, 0] },
  speakerColours: { among: [false, true] },
  initials: { among: [true, false] },
  maskProfanity: { among: [false, true] },
  theme: { among: ["auto", "dark", "light"] },
  singleKeys: { among: [true, false] },
  readingLog: { among: [false, true] },
} as const satisfies { readonly [K in keyof Settings]: Rule<Settings[K]> };

export const names = Object.keys(rules) as (keyof Settings)[];

export const presets = {
  standard: {},
  large: { size: 160, lines: 2, lineLength: 32 },
  contrast: { textColour: "yellow", backgroundColour: "black", backgroundOpacity: 100, size: 130 },
  paper: { textColour: "black", backgroundColour: "white", backgroundOpacity: 100 },
  clear: { backgroundOpacity: 0, edge: "outline", size: 120 },
  calm: { partial: "finished", lines: 4, hold: 0 },
} as const satisfies Record<string, Choices>;
export type Preset = keyof typeof presets;

/** The settings that a preset leaves alone: they are about using the page, not about the look of captions. */
const kept: readonly (keyof Settings)[] = ["theme", "singleKeys", "readingLog", "initials", "maskProfanity", "position", "x", "y"];

export function withPreset(choices: Choices, preset: Preset): Choices {
  const own = Object.fromEntries(Object.entries(choices).filter(([name]) => kept.includes(name as keyof Settings)));
  return { ...own, ...presets[preset] };
}

/** The preset that these choices equal; null if they were changed since, or are of no preset. */
export function presetOf(choices: Choices): Preset | null {
  const look = (of: Choices) => names.filter((name) => !kept.includes(name)).map((name) => resolved(of)[name]).join();
  return (Object.keys(presets) as Preset[]).find((preset) => look(presets[preset]) === look(choices)) ?? null;
}

/** The valid settings in `value`, and the names of invalid ones; null if it is no object. Unknown names are ignored. */
export function readChoices(value: unknown): { readonly choices: Choices; readonly bad: readonly string[] } | null {
  if (!isFields(value)) return null;
  const known = names.filter((name) => value[name] !== undefined);
  const good = known.filter((name) => isAllowed(name, value[name]));
  return {
    choices: Object.fromEntries(good.map((name) => [name, value[name]])),
    bad: known.filter((name) => !good.includes(name)),
  };
}

export function isAllowed(name: keyof Settings, value: unknown): boolean {
  const rule: Rule<unknown> = rules[name];
  if ("among" in rule) return rule.among.includes(value);
  return typeof value === "number" && Number.isInteger(value) && value >= rule.from && value <= rule.to;
}

/** The value after `steps` steps, within the range of the setting. */
export function stepped(name: "size" | "lines" | "lineLength", value: number, steps: number): number {
  const { from, to, step } = rules[name];
  return Math.min(to, Math.max(from, value + steps * step));
}

/** The choices completed with the defaults. */
export function resolved(choices: Choices): Settings {
  return { ...defaults, ...choices };
}

const fileKind = "live-captions-settings";

/** The text of a settings file, which another device can load. */
export function settingsFile(choices: Choices): string {
  return `${JSON.stringify({ kind: fileKind, v: 1, settings: choices }, null, 2)}\n`;
}

/** Reads a settings file; null if it is not one. */
export function readSettingsFile(text: string): ReturnType<typeof readChoices> {
  try {
    const file: unknown = JSON.parse(text);
    return isFields(file) && file["kind"] === fileKind ? readChoices(file["settings"]) : null;
  } catch {
    return null;
  }
}
