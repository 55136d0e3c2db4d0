import { part, setText } from "../dom";
import { colours, rules, type Choices, type Settings } from "../settings/settings";
import { say, type StringKey, type Words } from "../strings/strings";

/** The form control of one setting. */
export interface Field {
  readonly element: HTMLElement;
  /** Shows the current value, in the reader's language. */
  draw(settings: Settings, words: Words): void;
}

type Choose = (change: Choices) => void;
type Name = keyof Settings;
let made = 0;

export function fieldFor(name: Name, choose: Choose): Field {
  const rule = rules[name];
  if ("from" in rule) return slider(name, rule, choose);
  if (typeof rule.among[0] === "boolean") return tick(name, choose);
  return rule.among.length > 5 && !name.endsWith("Colour") ? menu(name, choose) : name === "font" ? menu(name, choose) : radios(name, choose);
}

function slider(name: Name, range: { readonly from: number; readonly to: number; readonly step: number }, choose: Choose): Field {
  const input = part("input", "slider");
  Object.assign(input, { type: "range", min: String(range.from), max: String(range.to), step: String(range.step) });
  const label = part("label", "label");
  const value = part("output", "value");
  tie(label, input);
  input.addEventListener("input", () => choose({ [name]: input.valueAsNumber }));
  return {
    element: part("div", "field", part("div", "field-head", label, value), input),
    draw(settings, words) {
      setText(label, words[`settings.${name}` as StringKey]);
      const now = settings[name] as number;
      if (input.valueAsNumber !== now) input.value = String(now);
      input.style.setProperty("--_part", `${(100 * (now - range.from)) / (range.to - range.from)}%`);
      const shown = numberText(name, now, words);
      setText(value, shown);
      input.ariaValueText = shown;
    },
  };
}

function numberText(name: Name, value: number, words: Words): string {
  if (name === "lines" || name === "lineLength") return String(value);
  return say(words["settings.percent"], { percent: name === "x" || name === "y" ? Math.round(value / 10) : value });
}

function tick(name: Name, choose: Choose): Field {
  const input = part("input", "tick");
  input.type = "checkbox";
  const text = part("span", "tick-text");
  input.addEventListener("change", () => choose({ [name]: input.checked }));
  return {
    element: part("label", "field tick-field", input, text),
    draw(settings, words) {
      setText(text, words[`settings.${name}` as StringKey]);
      input.checked = settings[name] as boolean;
    },
  };
}

function menu(name: Name, choose: Choose): Field {
  const select = part("select", "menu");
  const label = part("label", "label");
  tie(label, select);
  const options = amongOf(name).map((value) => ({ value, option: part("option", "option") }));
  options.forEach(({ option }, index) => (option.value = String(index)));
  select.append(...options.map(({ option }) => option));
  select.addEventListener("change", () => choose({ [name]: options[select.selectedIndex]?.value }));
  return {
    element: part("div", "field", label, select),
    draw(settings, words) {
      setText(label, words[`settings.${name}` as StringKey]);
      for (const { value, option } of options) setText(option, wordFor(name, value, words));
      select.selectedIndex = options.findIndex(({ value }) => value === settings[name]);
    },
  };
}

function radios(name: Name, choose: Choose): Field {
  const isColour = name.endsWith("Colour");
  const group = `${name}-${(made += 1)}`;
  const legend = part("legend", "label");
  const options = amongOf(name).map((value) => ({ value, ...radio(group, isColour ? colours[value as keyof typeof colours] : null, () => choose({ [name]: value })) }));
  const list = part("div", isColour ? "swatches" : "segments", ...options.map(({ element }) => element));
  return {
    element: part("fieldset", "field group", legend, list),
    draw(settings, words) {
      setText(legend, words[`settings.${name}` as StringKey]);
      for (const { value, input, element, text } of options) {
        input.checked = settings[name] === value;
        const word = isColour ? words[`colour.${value as keyof typeof colours}`] : wordFor(name, value, words);
        setText(text, word);
        if (isColour) element.title = word;
      }
    },
  };
}

function radio(group: string, colour: string | null, chosen: () => void) {
  const input = part("input", "radio");
  input.type = "radio";
  input.name = group;
  input.addEventListener("change", chosen);
  const text = part("span", colour === null ? "segment-text" : "unseen");
  const element = part("label", colour === null ? "segment" : "swatch", input, text);
  if (colour !== null) {
    const patch = part("span", "patch");
    patch.style.background = colour;
    element.append(patch);
  }
  return { input, text, element };
}

function amongOf(name: Name): readonly Settings[Name][] {
  const rule = rules[name];
  return "among" in rule ? rule.among : [];
}

function wordFor(name: Name, value: unknown, words: Words): string {
  if (name !== "hold") return words[`settings.${name}.${String(value)}` as StringKey];
  return value === 0 ? words["settings.hold.never"] : say(words["settings.hold.seconds"], { seconds: Number(value) });
}

function tie(label: HTMLLabelElement, input: HTMLElement): void {
  input.id = `field-${(made += 1)}`;
  label.htmlFor = input.id;
}
