import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePacket, readPacket, type Packet } from "./contract";
import { choiceOf, factsOf, youOf } from "./service/facts";
import { codePoints } from "./vtt";

// `make fuzz-packets` tries a million.
const count = Number(import.meta.env["VITE_FUZZED_PACKETS"] ?? 2_000);
/** vitest gives up on a worker that does not let go for a minute. */
const most = 100_000;
const batches = Array.from({ length: Math.ceil(count / most) }, (_, batch) => batch);
const packets = Object.values(import.meta.glob<Record<string, unknown>>("../../tests/fuzz/page/*.json", { import: "default", eager: true }));
const fields = [...new Set(packets.flatMap((packet) => Object.keys(packet)))];

const oddities = ['"', "\\", "{", "}", "[", ",", ":", "null", "-1", "1e999", "9007199254740993", "\\ud800", "\\u0000", "\\n", "&amp;", "&#9;", "<b>", "</v>", "<v ", " --> ", "00:00:00.000", "\u2028", "👍🏽"];
const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("on", "open", "closed", "deleted", "seq", "gap", "track", "name", "removed", "caption", "é".repeat(600), 2 ** 53, -0, 0.5));
const changed = fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 3 });
const place = fc.double({ min: 0, max: 1, noNaN: true });
const edits = fc.array(fc.record({ at: place, cut: fc.nat(12), put: fc.oneof(fc.constantFrom(...oddities), fc.string({ maxLength: 4 })) }), { maxLength: 3 });
const flips = fc.array(fc.record({ at: place, byte: fc.nat(255) }), { maxLength: 2 });

const mutated = fc.record({ packet: fc.constantFrom(...packets), changed, edits, flips }).map(({ packet, changed, edits, flips }) => {
  const object = { ...packet, ...changed };
  let text = JSON.stringify(object);
  for (const { at, cut, put } of edits) text = text.slice(0, at * text.length) + put + text.slice(at * text.length + cut);
  const bytes = new TextEncoder().encode(text);
  for (const { at, byte } of flips) bytes[Math.floor(at * (bytes.length - 1))] = byte;
  return { object, bytes };
});

// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const isWhole = (number: number) => Number.isSafeInteger(number) && number >= 0;

/** What the page relies on. */
function isSound(packet: Packet): boolean {
  if ("seq" in packet && !isWhole(packet.seq)) return false;
  switch (packet.type) {
    case "caption": {
      const { text, name, settled, start_ms, end_ms, rev } = packet;
      return !control.test(text + name) && codePoints(name).length <= 64 && settled <= codePoints(text).length && start_ms <= end_ms && [settled, start_ms, end_ms, rev].every(isWhole);
    }
    case "gap":
      return packet.start_ms <= packet.end_ms && isWhole(packet.end_ms);
    case "name":
      return codePoints(packet.name).length <= 64;
    default:
      return true;
  }
}

test.each(batches)(
  "no packet whatever breaks the page (%i)",
  async (batch) => {
    await new Promise((resolve) => setTimeout(resolve, 0));
    const numRuns = Math.min(most, count - batch * most);
    let read = 0;
    fc.assert(
      fc.property(mutated, ({ object, bytes }) => {
        for (const parsed of [parsePacket(bytes), readPacket(object, { seq: 1 })]) {
          if (!("packet" in parsed)) continue;
          read += 1;
          if (!isSound(parsed.packet)) return false;
        }
        choiceOf(object);
        youOf(object);
        factsOf(Object.fromEntries(Object.entries(object).map(([key, value]) => [`captions.${key}`, JSON.stringify(value)])));
        return true;
      }),
      { numRuns, ...("VITE_FUZZ_SEED" in import.meta.env ? { seed: Number(import.meta.env["VITE_FUZZ_SEED"]) + batch } : {}) },
    );
    expect(read).toBeGreaterThan(numRuns / 20);
  },
  0,
);
