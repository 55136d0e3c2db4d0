import { part, setText } from "../dom";
import { offerFile } from "./files";
import { least_contrast, ratioOf } from "../settings/looks";
import { Panel } from "./panel";
import type { Preferences } from "../settings/preferences";
import { fieldFor, type Field } from "./settings-fields";
import { presetOf, presets, readSettingsFile, settingsFile, withPreset, type Preset, type Settings } from "../settings/settings";
import { Badge, hueOf, initials } from "../view/badge";
import { say, type StringKey, type Words } from "../strings/strings";

const groups: readonly (readonly [title: StringKey, names: readonly (keyof Settings)[]])[] = [
  ["settings.group.text", ["size", "font", "textColour", "textOpacity", "edge"]],
  ["settings.group.background", ["backgroundColour", "backgroundOpacity", "windowColour", "windowOpacity"]],
  ["settings.group.place", ["position", "x", "y", "lines", "lineLength", "align"]],
  ["settings.group.reading", ["partial", "hold", "speakerColours", "initials", "maskProfanity", "readingLog", "singleKeys"]],
  ["settings.group.device", ["theme"]],
];
const fileLimit = 100_000; // bytes; a settings file has fewer than a thousand

/** The panel in which readers set how captions look. Changes apply at once, in its preview and in the captions. */
export class SettingsPanel {
  readonly panel: Panel;
  readonly #preferences: Preferences;
  readonly #fields = new Map<keyof Settings, Field>();
  readonly #headings: (readonly [HTMLElement, StringKey])[] = [];
  readonly #presets = new Map<Preset, HTMLButtonElement>();
  readonly #ratio = part("p", "ratio");
  readonly #notice = part("p", "notice");
  readonly #sample = { badge: new Badge(), name: part("span", "speaker"), settled: part("span", "settled"), tail: part("span", "tail") };
  #words: Words | null = null;

  constructor(preferences: Preferences, closed: () => void) {
    this.#preferences = preferences;
    this.panel = new Panel("settings", closed);
    this.#notice.setAttribute("role", "status");
    this.panel.body.append(this.#preview(), this.#presetButtons(), ...groups.map(([title, names]) => this.#group(title, names)), this.#actions(), this.#notice);
  }

  /** `failed` says what could not be loaded for a setting. */
  draw(words: Words, failed: StringKey | null): void {
    this.#words = words;
    const { settings, areKept } = this.#preferences;
    this.panel.name(words["settings.title"], words["bar.close"]);
    for (const [element, key] of this.#headings) setText(element, words[key]);
    for (const [name, field] of this.#fields) {
      field.draw(settings, words);
      if (name === "x" || name === "y") field.element.hidden = settings.position !== "free";
    }
    const chosen = presetOf(this.#preferences.choices);
    for (const [preset, button] of this.#presets) {
      setText(button, words[`settings.preset.${preset}`]);
      button.ariaPressed = String(preset === chosen);
    }
    const name = words["settings.preview.name"];
    this.#sample.badge.draw(settings.initials ? { initials: initials(name), hue: hueOf(name), picture: null } : null);
    setText(this.#sample.name, name);
    setText(this.#sample.settled, words["settings.preview.text"]);
    setText(this.#sample.tail, words["settings.preview.tail"]);
    this.#drawRatio(settings, words);
    if (!areKept) setText(this.#notice, words["settings.not-kept"]);
    else if (failed) setText(this.#notice, words[failed]);
  }

  #drawRatio(settings: Settings, words: Words): void {
    const ratio = ratioOf(settings);
    const isPoor = ratio < least_contrast;
    const number = new Intl.NumberFormat(this.panel.element.closest<HTMLElement>("[lang]")?.lang ?? "en", { maximumFractionDigits: 1 }).format(Math.floor(ratio * 10) / 10);
    setText(this.#ratio, `${say(words["settings.contrast"], { ratio: number })} · ${words[isPoor ? "settings.contrast.poor" : "settings.contrast.good"]}`);
    this.#ratio.toggleAttribute("data-poor", isPoor);
  }

  #preview(): HTMLElement {
    const { badge, name, settled, tail } = this.#sample;
    const text = part("div", "text", part("p", "paragraph", settled, " ", tail));
    const box = part("div", "preview", part("div", "preview-window", part("div", "row", part("div", "name", badge.element, name), text)));
    box.ariaHidden = "true";
    return part("div", "preview-field", box, this.#ratio);
  }

  #presetButtons(): HTMLElement {
    const list = part("div", "presets");
    for (const preset of Object.keys(presets) as Preset[]) {
      const button = this.#button(null, () => this.#preferences.choose(withPreset(this.#preferences.choices, preset)));
      this.#presets.set(preset, button);
      list.append(button);
    }
    return part("section", "settings-group", this.#heading("settings.presets"), list);
  }

  #group(title: StringKey, names: readonly (keyof Settings)[]): HTMLElement {
    const section = part("section", "settings-group", this.#heading(title));
    for (const name of names) {
      const field = fieldFor(name, (change) => this.#preferences.change(change));
      this.#fields.set(name, field);
      section.append(field.element);
    }
    return section;
  }

  #actions(): HTMLElement {
    const file = part("input", "file");
    file.type = "file";
    file.accept = ".json,application/json";
    file.hidden = true;
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      if (chosen) void this.#load(chosen);
      file.value = "";
    });
    const actions = part("div", "actions");
    actions.append(
      this.#button("settings.export", () => offerFile("live-captions-settings.json", "application/json", settingsFile(this.#preferences.choices), actions)),
      this.#button("settings.import", () => file.click()),
      this.#button("settings.reset", () => this.#preferences.choose({})),
      file,
    );
    return actions;
  }

  async #load(file: File): Promise<void> {
    const read = file.size > fileLimit ? null : readSettingsFile(await file.text());
    const words = this.#words;
    if (!words) return;
    if (read) this.#preferences.choose(read.choices);
    const bad = read?.bad.map((name) => words[`settings.${name}` as StringKey]).join(", ");
    setText(this.#notice, !read ? words["settings.import.bad"] : bad ? say(words["settings.import.some"], { names: bad }) : words["settings.imported"]);
  }

  #heading(key: StringKey): HTMLElement {
    const heading = part("h3", "settings-heading");
    this.#headings.push([heading, key]);
    return heading;
  }

  #button(key: StringKey | null, pressed: () => void): HTMLButtonElement {
    const button = part("button", "button");
    button.type = "button";
    button.addEventListener("click", pressed);
    if (key) this.#headings.push([button, key]);
    return button;
  }
}
