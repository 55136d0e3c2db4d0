import fc from "fast-check";
import { expect, test } from "vitest";
import { packetLimit, parsePacket, readPacket } from "./contract";

const caption = {
  v: 1,
  session: "5f0c",
  seq: 412,
  id: "a3-17",
  rev: 4,
  state: "open",
  settled: 11,
  speaker: "alice",
  track: "TR_a",
  lang: "fr",
  heard: 64_980,
  vtt: "a3-17\n00:01:02.480 --> 00:01:04.960\n<v Alice Martin>On commence par",
};
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const named = (name: string) => caption.vtt.replace("Alice Martin", name);

test("a caption is read with its cue", () => {
  expect(parsePacket(bytes(caption))).toEqual({
    packet: {
      type: "caption",
      session: "5f0c",
      seq: 412,
      id: "a3-17",
      rev: 4,
      state: "open",
      settled: 11,
      speaker: "alice",
      name: "Alice Martin",
      track: "TR_a",
      lang: "fr",
      heard: 64_980,
      start_ms: 62_480,
      end_ms: 64_960,
      text: "On commence par",
    },
  });
});

test("unknown keys are ignored", () => {
  expect(readPacket({ ...caption, mood: "calm", words: [[0, 0]] })).toEqual(readPacket(caption));
});

test("a deletion needs no cue", () => {
  const { vtt, settled, ...rest } = caption;
  expect(readPacket({ ...rest, state: "deleted" })).toEqual({ packet: { type: "deleted", session: "5f0c", seq: 412, id: "a3-17", rev: 4 } });
});

test("settled counts code points", () => {
  const vtt = "a3-17\n00:00:00.000 --> 00:00:01.000\n<v A>👍🏽 é";
  expect(readPacket({ ...caption, vtt, settled: 4 })).toHaveProperty("packet");
  expect(readPacket({ ...caption, vtt, settled: 5 })).toEqual({ fault: "settled-beyond-text" });
});

test("a closed cue is settled to its end", () => {
  expect(readPacket({ ...caption, state: "closed", settled: 0 })).toMatchObject({ packet: { settled: 15 } });
});

test("a speaker without a name is called by their identity", () => {
  expect(readPacket({ ...caption, vtt: caption.vtt.replace("<v Alice Martin>", "") })).toMatchObject({ packet: { name: "alice" } });
});

test("a long name is cut to 64 code points", () => {
  const parsed = readPacket({ ...caption, vtt: named("🙂".repeat(100)) });
  expect("packet" in parsed && parsed.packet.type === "caption" && Array.from(parsed.packet.name)).toHaveLength(64);
});

test("a track says what its voice speaks, or nothing of it", () => {
  const track = { v: 1, type: "track", session: "s", seq: 1, track: "t", speaker: "a", state: "on" };
  expect(readPacket({ ...track, lang: "fr", lang_by: "voice" })).toMatchObject({ packet: { lang: "fr", lang_by: "voice" } });
  for (const lang of [undefined, "und", 7]) expect(readPacket({ ...track, lang })).not.toMatchObject({ packet: { lang: expect.anything() as unknown } });
});

test.each(["und", "", "x", "fr_FR", '"><img>', 7, null])("%j as language says nothing", (lang) => {
  expect(readPacket({ ...caption, lang })).toMatchObject({ packet: { lang: "" } });
});

test("seq, track and gap packets are read", () => {
  expect(readPacket({ v: 1, type: "seq", session: "s", seq: 9 })).toEqual({ packet: { type: "seq", session: "s", seq: 9 } });
  expect(readPacket({ v: 1, type: "track", session: "s", seq: 9, track: "T", speaker: "a", state: "delayed", lag_ms: 4000 })).toMatchObject({ packet: { state: "delayed", lag_ms: 4000 } });
  expect(readPacket({ v: 1, type: "gap", session: "s", seq: 9, start: 1, end: 2, reason: "restart" })).toMatchObject({ packet: { start_ms: 1, end_ms: 2 } });
});

test.each([
  ["another version", { v: 2 }, "unknown-version"],
  ["a version in a string", { v: "1" }, "unknown-version"],
  ["an unknown type", { type: "poll" }, "unknown-type"],
  ["a sound", { kind: "sound" }, "unknown-kind"],
  ["a translation", { source: "translation" }, "unknown-source"],
  ["an unknown state", { state: "draft" }, "unknown-state"],
  ["no session", { session: undefined }, "bad-session"],
  ["a session too long", { session: "s".repeat(65) }, "bad-session"],
  ["a negative seq", { seq: -1 }, "bad-seq"],
  ["no id", { id: "" }, "bad-id"],
  ["a fraction as revision", { rev: 1.5 }, "bad-rev"],
  ["a revision beyond counting", { rev: 2 ** 53 }, "bad-rev"],
  ["no settled", { settled: null }, "bad-settled"],
  ["settled past the end", { settled: 16 }, "settled-beyond-text"],
  ["no speaker", { speaker: 3 }, "bad-speaker"],
  ["heard in words", { heard: "now" }, "bad-heard"],
  ["no cue", { vtt: 1 }, "bad-vtt"],
  ["the cue of another id", { id: "a3-18" }, "other-cue-id"],
  ["markup in the text", { vtt: `${caption.vtt}<b>` }, "cue-markup"],
] as const)("%s is skipped", (_, change, fault) => {
  expect(readPacket({ ...caption, ...change })).toEqual({ fault });
});

test.each([
  ["more than 1,200 bytes", new Uint8Array(packetLimit + 1).fill(32), "too-long"],
  ["bytes that are no UTF-8", Uint8Array.of(0xff, 0xfe), "not-utf8"],
  ["half an object", new TextEncoder().encode('{"v":1,'), "not-json"],
  ["a list", bytes([caption]), "not-an-object"],
  ["null", bytes(null), "not-an-object"],
] as const)("%s is skipped", (_, data, fault) => {
  expect(parsePacket(data)).toEqual({ fault });
});

test("whatever arrives, the parser answers", () => {
  const value = fc.oneof(fc.jsonValue(), fc.record({ v: fc.constant(1), session: fc.string(), id: fc.string(), state: fc.constantFrom("open", "closed"), vtt: fc.string() }));
  fc.assert(
    fc.property(value, (any) => {
      const parsed = parsePacket(bytes(any));
      expect("packet" in parsed || "fault" in parsed).toBe(true);
    }),
  );
});
