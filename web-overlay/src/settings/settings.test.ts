import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { contrast, rgbOf, worstContrast } from "./contrast";
import { edgeOf, least_contrast, looksOf, ratioOf, speakerColour } from "./looks";
import { colours, defaults, isAllowed, names, presets, readChoices, readSettingsFile, resolved, rules, settingsFile, stepped, withPreset, type Preset } from "./settings";

test("every default and every preset is allowed", () => {
  for (const choices of [defaults, ...Object.values(presets)]) {
    for (const [name, value] of Object.entries(choices)) expect([name, isAllowed(name as (typeof names)[number], value)]).toEqual([name, true]);
  }
});

test("the ranges are those that readers were promised", () => {
  expect([rules.size.from, rules.size.to, rules.lines.from, rules.lines.to, rules.lineLength.from, rules.lineLength.to]).toEqual([50, 400, 2, 6, 32, 50]);
  expect(Object.keys(colours)).toHaveLength(8);
  expect(rules.hold.among).toEqual([3, 5, 8, 15, 30, 60, 0]);
});

test("what is out of its range or of the wrong kind is left out and named; unknown names are ignored", () => {
  expect(readChoices({ size: 9_000, font: "comic", lines: 4, textColour: "yellow", readingLog: "yes", later: 1 })).toEqual({
    choices: { lines: 4, textColour: "yellow" },
    bad: ["size", "font", "readingLog"],
  });
});

test.each([[null], ["x"], [[1]], [3]])("%j is no settings", (value) => {
  expect(readChoices(value)).toBeNull();
});

test("a settings file comes back as it went", () => {
  const choices = { size: 200, font: "dyslexic", hold: 0, singleKeys: false } as const;
  expect(readSettingsFile(settingsFile(choices))).toEqual({ choices, bad: [] });
});

test.each(["", "{", "[]", "{}", '{"kind":"other","settings":{}}', '{"kind":"live-captions-settings"}'])("%j is no settings file", (text) => {
  expect(readSettingsFile(text)).toBeNull();
});

test("a preset keeps where the captions stand and how the page is used", () => {
  expect(withPreset({ size: 400, position: "top", readingLog: true }, "contrast")).toEqual({ position: "top", readingLog: true, ...presets.contrast });
});

test("a step stays within the range", () => {
  expect([stepped("size", 390, 3), stepped("size", 50, -1), stepped("size", 100, 1)]).toEqual([400, 50, 110]);
});

test("contrast is WCAG's", () => {
  expect(contrast(rgbOf("#000000"), rgbOf("#ffffff"))).toBeCloseTo(21);
  expect(contrast(rgbOf("#777777"), rgbOf("#ffffff"))).toBeCloseTo(4.48, 2);
});

test.each(["white", "yellow", "cyan", "green"] as const)("%s on a black box of 0.75 stays above 7 : 1 over a white video", (textColour) => {
  expect(ratioOf({ ...defaults, textColour, backgroundOpacity: 75 })).toBeGreaterThan(7);
});

test("white on a box of 0.5 is poor, and letters get an outline", () => {
  const settings = { ...defaults, backgroundOpacity: 50 };
  expect(worstContrast({ colour: "#ffffff", opacity: 1 }, [{ colour: "#000000", opacity: 0.5 }])).toBeLessThan(least_contrast);
  expect(edgeOf(settings)).toBe("outline");
  expect(looksOf({ backgroundOpacity: 50 })["--_edge"]).toContain("#000000");
  expect(edgeOf({ ...settings, edge: "shadow" })).toBe("shadow");
});

test("still-changing text can be read wherever settled text can", () => {
  for (const textColour of Object.keys(colours) as (keyof typeof colours)[]) {
    for (const backgroundColour of Object.keys(colours) as (keyof typeof colours)[]) {
      const settings = { ...defaults, textColour, backgroundColour, backgroundOpacity: 100 };
      if (ratioOf(settings) < least_contrast) continue;
      const [r, g, b] = (looksOf({ textColour, backgroundColour, backgroundOpacity: 100 })["--_user-tail"] ?? "").match(/\d+/g)?.map(Number) ?? [];
      expect(contrast({ r: r ?? 0, g: g ?? 0, b: b ?? 0 }, rgbOf(colours[backgroundColour]))).toBeGreaterThanOrEqual(least_contrast);
    }
  }
});

test("a speaker's colour is always the same and can be read on the background", () => {
  for (const backgroundColour of ["black", "white"] as const) {
    const settings = { ...defaults, backgroundColour, backgroundOpacity: 100 };
    for (const who of ["alice", "bob", "carol", "dan", "eve", "🙂", ""]) {
      expect(contrast(rgbOf(speakerColour(who, settings)), rgbOf(colours[backgroundColour]))).toBeGreaterThan(7);
      expect(speakerColour(who, settings)).toBe(speakerColour(who, settings));
    }
  }
});

test("what nobody chose follows the page", () => {
  const decided = Object.entries(looksOf({})).filter(([name, value]) => name.startsWith("--_user") && value !== null);
  expect(decided).toEqual([]);
  expect(resolved({})).toEqual(defaults);
});

test.each(Object.keys(presets) as Preset[])("the preset %s has a contrast that can be read, or an edge", (preset) => {
  const settings = resolved(presets[preset]);
  expect(ratioOf(settings) >= least_contrast || edgeOf(settings) !== "none").toBe(true);
});

test("the table of rules names every setting, and tests that exist", () => {
  const table = readFileSync("../docs/captions-settings.md", "utf8");
  expect(names.filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
  const files = ["overlay/test_settings_panel", "overlay/test_reading", "overlay/test_everybody", "overlay/test_contrast", "overlay/test_choices", "integration/test_readers", "integration/test_meeting_page", "integration/test_page_access"];
  const tests = files.map((file) => readFileSync(`../tests/${file}.py`, "utf8")).join("");
  const named = [...table.matchAll(/`(test_[a-z0-9_]+)[…`]/g)].map(([, start]) => start ?? "");
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((start) => !tests.includes(`def ${start}`))).toEqual([]);
});
