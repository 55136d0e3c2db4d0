import { expect, test } from "vitest";
import fc from "fast-check";
import type { CaptionFacts, You } from "../service/facts";
import { keyIn } from "../room/encryption";
import { choiceName, choices } from "./languages";
import { delaySentences, noticeFor, statusOf, whyNot } from "./host-status";
import type { Person } from "../room/meeting";
import { fit } from "./tile-grid";
import { entriesIn, usedOf } from "./vocabulary";
import { pageStrings } from "../strings/page-strings";

const words = pageStrings.en;
const facts: CaptionFacts = {
  ...{ session: "s", state: "on", language: "en", spoken: "en", engine: "kyutai", standsIn: "", engines: [], languages: [], by: "" },
  ...{ transcript: false, consent: "unless-refused", delay_ms: 480 },
};
const you: You = { host: false, why: "not-host", captioned: true, kept: true, said: false, stored: true, language: "" };
const person: Person = { identity: "alice", name: "Alice", isLocal: false, isSpeaking: false, hasVoice: true, isMuted: false };

test.each([
  ["", null],
  ["#", null],
  ["#key=", null],
  ["#key=s3cret", "s3cret"],
  ["#lang=fr&key=a%2Bb%20c", "a+b c"],
  ["#key=a+b/c==", "a+b/c=="],
])("of the fragment %j the key is %j", (fragment, key) => {
  expect(keyIn(fragment)).toBe(key);
});

test("every sentence of the page is there in both languages, with the same gaps to fill", () => {
  expect(Object.keys(pageStrings.fr)).toEqual(Object.keys(pageStrings.en));
  const gaps = (sentence: string) => [...sentence.matchAll(/\{\w+\}/g)].map(String).sort();
  for (const [key, sentence] of Object.entries(pageStrings.en)) {
    expect(gaps(pageStrings.fr[key as keyof typeof words]), key).toEqual(gaps(sentence));
    if (!key.endsWith(".advice")) expect(sentence, key).not.toBe("");
  }
});

test("languages are offered by name, after what is spoken and what can be found by voice", () => {
  const offered = (spoken: string, languages = ["en", "fr", "de"]) => choices({ ...facts, language: "fr", spoken, languages }, "fr");
  expect(offered("fr")).toEqual(["fr", "auto:fr,en", "de", "en"]);
  expect(offered("auto:fr,de")).toEqual(["auto:fr,de", "de", "en", "fr"]);
  expect(offered("fr", ["fr"])).toEqual(["fr"]);
  const named = ["fr", "auto:fr,en", "auto"].map((choice) => choiceName(choice, "fr", pageStrings.fr));
  expect(named).toEqual(["français", "Reconnue à la voix\u00a0: français ou anglais", "Reconnue à la voix, parmi toutes"]);
});

test("tiles always fit into their box", () => {
  const size = fc.integer({ min: 60, max: 3000 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), size, size, (count, width, height) => {
      const grid = fit(count, { width, height }, 12);
      const rows = Math.ceil(count / grid.columns);
      expect(grid.columns * grid.width + (grid.columns - 1) * 12).toBeLessThanOrEqual(Math.max(width, (grid.columns - 1) * 12));
      expect(rows * grid.height + (rows - 1) * 12).toBeLessThanOrEqual(Math.max(height, (rows - 1) * 12));
    }),
  );
});

test("one person fills the room there is, two share it", () => {
  expect(fit(1, { width: 1600, height: 900 }, 12)).toEqual({ columns: 1, width: 1600, height: 900 });
  expect(fit(2, { width: 1600, height: 600 }, 12).columns).toBe(2);
  expect(fit(2, { width: 320, height: 600 }, 12).columns).toBe(1);
});

test("the gravest state of a person's microphone and shared sound is told", () => {
  const on = { speaker: "alice", track: "TR_1", state: "on", lag_ms: 0 } as const;
  const late = { speaker: "alice", track: "TR_2", state: "delayed", lag_ms: 3_400 } as const;
  expect(statusOf(person, [on], "on", words).kind).toBe("on");
  expect(statusOf(person, [on, late], "on", words).sentence).toBe("Captions 3 s late");
  expect(statusOf(person, [{ ...late, speaker: "bob" }], "on", words).kind).toBe("waiting");
  expect(statusOf({ ...person, hasVoice: false }, [on], "on", words).kind).toBe("silent");
  expect(statusOf(person, [on], "off", words).kind).toBe("off");
  expect(statusOf(person, [{ ...on, state: "refused" }], "off", words).kind).toBe("refused");
});

test("somebody with a microphone is told what happens to their words", () => {
  expect(noticeFor("on", facts, you)).toBe("on");
  expect(noticeFor("on", { ...facts, transcript: true }, you)).toBe("kept");
  expect(noticeFor("on", { ...facts, transcript: true }, { ...you, kept: false })).toBe("not-kept");
  expect(noticeFor("on", facts, { ...you, captioned: false })).toBe("refused");
  expect(noticeFor("on", { ...facts, consent: "if-agreed" }, { ...you, captioned: false })).toBe("asks");
});

test("nobody is bothered while nothing is captioned, unless a transcript is kept", () => {
  expect(noticeFor("off", facts, you)).toBeNull();
  expect(noticeFor("none", null, null)).toBeNull();
  expect(noticeFor("on", facts, null)).toBeNull();
  expect(noticeFor("off", { ...facts, transcript: true }, you)).toBe("kept");
});

test("who cannot switch learns why", () => {
  expect(whyNot({ ...you, host: true })).toBeNull();
  expect(whyNot(you)).toBe("room.why.not-host");
  expect(whyNot({ ...you, why: "unsigned" })).toBe("room.why.unsigned");
  expect(whyNot(null)).toBe("room.why.unknown");
});

test("the engine that stands in is named, and how far behind words are", () => {
  expect(delaySentences(facts, words, "en")).toEqual(["Words appear about 0.5 s behind the voice."]);
  const [first] = delaySentences({ ...facts, standsIn: "embedded" }, words, "en");
  expect(first).toBe("Standing in: the built-in recogniser, because the Kyutai server does not answer.");
});

test("names and terms are one a line, or between commas, and as many as the service takes", () => {
  expect(entriesIn(" Zoé Martin\n\nÉtretat, Yport;")).toEqual(["Zoé Martin", "Étretat", "Yport"]);
  expect(entriesIn(`${"x".repeat(61)}\n${"y\n".repeat(300)}`)).toHaveLength(200);
});

test.each([
  [0, 0, "vocabulary.none"],
  [3, 0, "vocabulary.unused"],
  [3, 2, "vocabulary.some"],
  [3, 3, "vocabulary.all"],
])("of %i names %i are used: %s", (count, used, sentence) => {
  expect(usedOf(count, used)).toBe(sentence);
});
