import fc from "fast-check";
import { expect, test } from "vitest";
import type { GapPacket, Packet } from "../contract";
import { filtered, History, indexAt, speakersIn, timeIn, timeText, type Entry } from "./history";
import { laidOut, wrapped } from "./file-layout";
import { fileOf } from "./history-files";
import { paragraphsOf } from "./paragraphs";
import { hitsIn, searchFor } from "./search";
import { emptyState, reduce, type CaptionState } from "../cues/state";
import { strings } from "../strings/strings";
import { captionOf, deletionOf } from "../testing";
import { parseCueBlock } from "../vtt";

const take = (state: CaptionState, ...packets: Packet[]) => packets.reduce((before, packet) => reduce(before, { type: "packet", packet }), state);
const gap: GapPacket = { type: "gap", session: "s", start_ms: 5_000, end_ms: 17_000, reason: "connection-lost" };
const historyOf = (...packets: Packet[]) => {
  const history = new History();
  history.update(take(emptyState, ...packets), []);
  return history.entries;
};
const said = (id: string, start_ms: number, text: string, more: Partial<Parameters<typeof captionOf>[0]> = {}) => captionOf({ id, start_ms, text, state: "closed", ...more });

const change = fc.record({ id: fc.constantFrom("a", "b", "c", "d"), start_ms: fc.integer({ min: 0, max: 9 }), deletes: fc.boolean() });

test("kept up to date step by step, it is what it is when made anew", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const stepwise = new History();
      let state = emptyState;
      changes.forEach(({ id, start_ms, deletes }, index) => {
        state = take(state, deletes ? deletionOf({ id, rev: index + 1 }) : captionOf({ id, start_ms: start_ms * 1000 + id.charCodeAt(0), rev: index + 1 }));
        stepwise.update(state, [["s", id]]);
      });
      const anew = new History();
      anew.update(state, []);
      expect(stepwise.entries).toEqual(anew.entries);
    }),
  );
});

test("a gap stands where time is missing", () => {
  expect(historyOf(said("b", 18_000, "after"), gap, said("a", 1_000, "before")).map((entry) => (entry.kind === "gap" ? "gap" : entry.cue.text))).toEqual(["before", "gap", "after"]);
});

test("one speaker's words, with the gaps", () => {
  const entries = historyOf(said("a", 0, "one", { speaker: "A", name: "Ann" }), said("b", 1_000, "two", { speaker: "B", name: "Bob" }), gap);
  expect(filtered(entries, { speaker: "A" })).toHaveLength(2);
  expect([...speakersIn(entries)].sort()).toEqual([["A", "Ann"], ["B", "Bob"]]);
});

test("times of a session whose clock is known are those of the day", () => {
  const origin_ms = new Date(2026, 10, 22, 14, 0, 0).getTime();
  const state = reduce(take(emptyState, said("a", 65_000, "one")), { type: "clock", session: "s", now_ms: 65_000, origin_ms });
  const history = new History();
  history.update(state, []);
  expect(timeText(history.entries[0]?.at_ms ?? 0)).toBe("14:01:05");
  expect(timeText(65_000)).toBe("0:01:05");
});

test("a time that somebody writes is found", () => {
  const near = new Date(2026, 10, 22, 14, 30).getTime();
  expect(timeIn("14:05", near, true)).toBe(new Date(2026, 10, 22, 14, 5).getTime());
  expect(timeIn("23:59", new Date(2026, 10, 23, 0, 10).getTime(), true)).toBe(new Date(2026, 10, 22, 23, 59).getTime());
  expect([timeIn("5:30", 0, false), timeIn("1:02:03", 0, false)]).toEqual([330_000, 3_723_000]);
  expect(["", "5", "5:99", "25:00", "x:10", "-1:00"].map((text) => timeIn(text, near, true))).toEqual([null, null, null, null, null, null]);
  const entries = historyOf(said("a", 1_000, "x"), said("b", 9_000, "y"));
  expect([indexAt(entries, 0), indexAt(entries, 2_000), indexAt(entries, 99_000)]).toEqual([0, 1, 1]);
});

test("search does not mind case and accents, and says where the hits are", () => {
  expect(hitsIn("L’École élémentaire, l'ecole", "ecole")).toEqual([[2, 7], [23, 28]]);
  expect(hitsIn("un cœur, un coeur", "COEUR")).toEqual([[3, 7], [12, 17]]);
  expect(hitsIn("e\u0301cole 🙂 ok", "école")).toEqual([[0, 6]]);
  expect(hitsIn("🙂🙂 a", "a")).toEqual([[5, 6]]);
  expect(hitsIn("anything", "  ")).toEqual([]);
});

test("hits are found exactly where something is said to be in", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "É", "e\u0301", "œ", " ", "🙂", "İ", "ß", "’") });
  fc.assert(
    fc.property(text, text, (whole, query) => {
      fc.pre(query.trim() !== "");
      expect(searchFor(query)({ text: whole })).toBe(hitsIn(whole, query).length > 0);
    }),
  );
});

const hard = ["<b>", "a & b", "--> x", "</v>", "one\ntwo", "nul\u0000", "a\u2028b", "\u200frtl", "🙂", " ", "<i>x</i> {\\an8}", "x".repeat(300)];

test("the WebVTT file is one that a strict reader reads, whatever was said", () => {
  const packets = hard.map((text, n) => said(`i-${n}`, n * 1_000, text, { name: text.trim() || "A", lang: n % 2 ? "fr" : "" }));
  const file = fileOf("vtt", historyOf(...packets, gap), strings.en);
  const [head, note, ...blocks] = file.trimEnd().split("\n\n");
  expect([head, note]).toEqual(["WEBVTT", "NOTE Live captions"]);
  const cues = blocks.filter((block) => !block.startsWith("NOTE")).map((block) => parseCueBlock(block.replace(/<lang fr>|<\/lang>/g, "")));
  expect(cues).toHaveLength(hard.length - 1); // one is empty
  for (const cue of cues) expect(typeof cue).toBe("object");
  expect(blocks.filter((block) => block.startsWith("NOTE"))).toEqual(["NOTE 12 s are missing here (the connection was lost)"]);
});

test("ids in a file are unique, ends come after starts, starts do not decrease", () => {
  const file = fileOf("vtt", historyOf(said("a", 5_000, "one", { end_ms: 5_000 }), said("a", 1_000, "two", { session: "t" }), said("b", 2_000, "three")), strings.en);
  const cues = file.trimEnd().split("\n\n").slice(2).map((block) => parseCueBlock(block));
  expect(cues).toMatchObject([{ id: "a", start_ms: 1_000 }, { id: "b", start_ms: 2_000 }, { id: "a.2", start_ms: 5_000, end_ms: 6_000 }]);
});

test("text in an .srt file is neither markup nor a time", () => {
  const file = fileOf("srt", historyOf(...hard.map((text, n) => said(`i-${n}`, n * 9_000, text, { name: "A" }))), strings.en);
  expect(file).toContain("1\n00:00:00,000 --> 00:00:01,000\nA: <\u2060b>\n");
  expect(file.split("\n").filter((line) => line.includes("-->") && !/^\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}$/.test(line))).toEqual([]);
  expect(file).not.toMatch(/<[a-z/]|\{\\/);
});

const long = "it was the best that we could do with all of the money there was";

test("files keep the rules of captions: lines that fit, and no cue too short to read", () => {
  const file = fileOf("vtt", historyOf(said("a", 0, "It was the", { end_ms: 600 }), said("b", 1_500, "best that we could do.", { end_ms: 3_500 }), said("c", 9_000, long, { end_ms: 16_000 })), strings.en);
  const blocks = file.trimEnd().split("\n\n").slice(2).map((block) => block.split("\n").slice(1));
  expect(blocks).toEqual([
    ["00:00:00.000 --> 00:00:03.500", "<v Alice>It was the best that we could do."],
    ["00:00:09.000 --> 00:00:16.000", "<v Alice>it was the best that we could do", "with all of the money there was"],
  ]);
});

test("in files no word is lost, whatever was said, and nothing is longer than the rules allow", () => {
  const word = fc.constantFrom("a", "the", "budget", "considerably", "is", "good.", "so,", "x".repeat(30));
  const spoken = fc.array(fc.tuple(fc.array(word, { minLength: 1, maxLength: 14 }), fc.integer({ min: 1, max: 7_000 }), fc.integer({ min: 0, max: 3_000 })), { maxLength: 12 });
  fc.assert(
    fc.property(spoken, (cues) => {
      let at = 0;
      const entries = historyOf(...cues.map(([words, length, gap], n) => {
        const cue = said(`c-${n}`, at, words.join(" "), { end_ms: at + length });
        at += length + gap;
        return cue;
      }));
      const done = laidOut(entries).flatMap((entry) => (entry.kind === "cue" ? [entry.cue] : []));
      expect(done.map(({ text }) => text).join(" ")).toBe(cues.map(([words]) => words.join(" ")).join(" "));
      for (const [index, cue] of done.entries()) {
        expect(cue.end_ms - cue.start_ms).toBeLessThanOrEqual(7_000);
        expect(cue.end_ms).toBeLessThanOrEqual(done[index + 1]?.start_ms ?? Infinity);
        for (const line of wrapped(cue.text)) expect(line.length <= 40 || !line.includes(" ")).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test("a paragraph is what one person says, for a minute at most, and no fragment stands alone", () => {
  const cues = (count: number, text: (n: number) => string) => Array.from({ length: count }, (_, n) => said(`p-${n}`, n * 4_000, text(n)));
  const times = (entries: readonly Entry[]) => paragraphsOf(entries).map(({ at_ms }) => at_ms / 1000);
  expect(times(historyOf(...cues(10, () => "and then")))).toEqual([0]);
  expect(times(historyOf(...cues(40, () => "and then we went on")))).toEqual([0, 60, 120]);
  expect(times(historyOf(...cues(30, (n) => (n % 6 === 5 ? "and we went home." : "and then we went on"))))).toEqual([0, 48, 96]);
  expect(times(historyOf(...cues(13, (n) => (n === 11 ? "that is all." : n === 12 ? "Thank you." : "and then we went on"))))).toEqual([0]);
  expect(times(historyOf(said("a", 0, "one"), said("b", 1_000, "two", { speaker: "bob", name: "Bob" }), said("c", 2_000, "three")))).toEqual([0, 1, 2]);
});

test("the text file has one line for each paragraph", () => {
  expect(fileOf("txt", historyOf(said("a", 65_000, "bonjour\nà tous", { name: "Ann" }), gap), strings.fr)).toBe("[0:00:05] — Il manque 12 s ici (la connexion a été perdue)\n[0:01:05] Ann: bonjour à tous\n");
});
