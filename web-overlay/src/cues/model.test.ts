import { expect, test } from "vitest";
import type { CaptionPacket, Packet } from "../contract";
import { clear_after_ms, CaptionModel } from "./model";
import { firstSpeaking, turnsOf } from "./rows";
import { captionOf, deletionOf } from "../testing";

const modelOf = (...packets: Packet[]) => {
  const model = new CaptionModel();
  packets.forEach((packet, index) => model.apply({ type: "packet", packet }, index));
  return model;
};
const layout = ({ rows }: CaptionModel) => turnsOf(rows).map((row) => [row.name, ...row.paragraphs.map((paragraph) => paragraph.cues.map((cue) => cue.text).join(" "))]);
const said = (speaker: string, id: string, start_ms: number, end_ms: number, text = id, more: Partial<CaptionPacket> = {}) =>
  captionOf({ speaker, name: speaker, id, start_ms, end_ms, text, state: "closed", ...more });

test("consecutive cues of one speaker flow in one paragraph", () => {
  expect(layout(modelOf(said("A", "a1", 0, 3_000), said("A", "a2", 3_100, 6_000)))).toEqual([["A", "a1 a2"]]);
});

test("a pause of two seconds begins a paragraph", () => {
  expect(layout(modelOf(said("A", "a1", 0, 3_000), said("A", "a2", 5_000, 6_000)))).toEqual([["A", "a1", "a2"]]);
});

test("a long paragraph ends at a cue", () => {
  const [long] = layout(modelOf(...Array.from({ length: 8 }, (_, n) => said("A", `a${n}`, n * 1_000, n * 1_000 + 990, "x".repeat(100)))));
  expect(long?.map((text) => text.length)).toEqual([1, 605, 201]);
});

test("a change of speaker begins a row", () => {
  expect(layout(modelOf(said("A", "a1", 0, 2_000), said("B", "b1", 2_200, 4_000), said("A", "a2", 4_500, 6_000)))).toEqual([["A", "a1"], ["B", "b1"], ["A", "a2"]]);
});

test("people who speak at the same time each keep their row", () => {
  const model = modelOf(said("A", "a1", 0, 5_000), said("B", "b1", 1_000, 6_000), said("C", "c1", 2_000, 7_000), said("A", "a2", 5_100, 9_000), said("B", "b2", 6_100, 9_000), said("C", "c2", 7_100, 9_000));
  expect(layout(model)).toEqual([["A", "a1 a2"], ["B", "b1 b2"], ["C", "c1 c2"]]);
});

test("rows stand in the order in which they began, whenever they came", () => {
  expect(layout(modelOf(said("B", "b1", 1_000, 2_000), said("A", "a1", 0, 3_000)))).toEqual([["A", "a1"], ["B", "b1"]]);
});

test("a revision stays where the cue stands", () => {
  const model = modelOf(said("A", "a1", 0, 900, "one", { state: "open" }), said("B", "b1", 500, 2_000), said("A", "a1", 0, 4_000, "one two", { rev: 2 }));
  expect(layout(model)).toEqual([["A", "one two"], ["B", "b1"]]);
});

test("a cue that comes late goes where it was said", () => {
  expect(layout(modelOf(said("A", "a1", 0, 1_000), said("A", "a3", 2_000, 3_000), said("A", "a2", 1_000, 2_000)))).toEqual([["A", "a1 a2 a3"]]);
});

test("a deleted cue leaves nothing behind", () => {
  expect(layout(modelOf(said("A", "a1", 0, 1_000), deletionOf({ id: "a1" })))).toEqual([]);
});

test("what a newcomer learns of minutes ago is known and not shown as if it were live", () => {
  const model = new CaptionModel();
  model.apply({ type: "clock", session: "s", now_ms: 300_000, origin_ms: 0 }, 0);
  model.apply({ type: "packet", packet: said("A", "old", 0, 3_000) }, 0);
  model.apply({ type: "packet", packet: said("A", "new", 295_000, 299_000) }, 0);
  expect(layout(model)).toEqual([["A", "new"]]);
  expect(model.cue("s", "old")).toBeDefined();
});

test("captions stay through a pause and clear after 15 s of silence", () => {
  const model = modelOf(said("A", "a1", 0, 1_000));
  model.tick(clear_after_ms - 1);
  expect(layout(model)).toHaveLength(1);
  model.tick(clear_after_ms);
  expect(layout(model)).toEqual([]);
});

test("the closing of a cue that was cleared does not bring it back; new words in it do", () => {
  const open = said("A", "a1", 0, 1_000, "one", { state: "open" });
  const model = modelOf(open);
  model.tick(clear_after_ms);
  model.apply({ type: "packet", packet: { ...open, rev: 2, state: "closed" } }, clear_after_ms + 1);
  expect(layout(model)).toEqual([]);
  const other = modelOf(open);
  other.tick(clear_after_ms);
  other.apply({ type: "packet", packet: { ...open, rev: 2, text: "one two" } }, clear_after_ms + 1);
  expect(layout(other)).toEqual([["A", "one two"]]);
});

test("an hour of talk keeps a dozen rows and six paragraphs", () => {
  const turns = Array.from({ length: 200 }, (_, n) => said(n % 2 ? "A" : "B", `t${n}`, n * 3_000, n * 3_000 + 2_000));
  expect(layout(modelOf(...turns))).toHaveLength(12);
  const pauses = Array.from({ length: 50 }, (_, n) => said("A", `p${n}`, n * 5_000, n * 5_000 + 2_000));
  expect(layout(modelOf(...pauses))[0]).toHaveLength(1 + 6);
});

test("a row holds its place while somebody speaks in it, and not for ever", () => {
  const { rows } = modelOf(said("A", "a1", 0, 1_000, "a", { state: "open" }), said("B", "b1", 500, 2_000));
  expect([firstSpeaking(rows, 100), firstSpeaking(rows, 4_000), firstSpeaking(rows, 6_000)]).toEqual([0, 0, 2]);
});
