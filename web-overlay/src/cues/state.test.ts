import fc from "fast-check";
import { expect, test } from "vitest";
import type { Packet } from "../contract";
import { abandoned_after_ms, completeTo, cuesInOrder, emptyState, limits, missingAfter, reduce, type Action, type CaptionState } from "./state";
import { captionOf, deletionOf } from "../testing";

const take = (state: CaptionState, ...packets: Packet[]) => packets.reduce((before, packet) => reduce(before, { type: "packet", packet }), state);
const act = (state: CaptionState, ...actions: Action[]) => actions.reduce(reduce, state);
const texts = (state: CaptionState) => cuesInOrder(state).map((cue) => cue.text);

const words = fc.array(fc.constantFrom("le", "budget", "de", "2027", "é", "👍"), { minLength: 1, maxLength: 12 });

/** The revisions of one cue as a bot may send them: a settled beginning that only grows, a tail that changes. */
const revisions = fc.tuple(words, fc.array(words, { maxLength: 12 }), fc.boolean()).map(([spoken, tails, ends]) => {
  const open = spoken.map((_, index) => {
    const kept = spoken.slice(0, index).join(" ");
    const tail = (tails[index] ?? []).join(" ");
    return captionOf({ rev: index + 1, settled: Array.from(kept).length, text: [kept, tail].filter(Boolean).join(" ") });
  });
  const whole = captionOf({ rev: spoken.length + 1, state: "closed", text: spoken.join(" ") });
  return ends ? [...open, whole] : open;
});

const shuffled = revisions.chain((packets) =>
  fc.tuple(fc.constant(packets), fc.shuffledSubarray(packets, { minLength: 1 }), fc.shuffledSubarray(packets)),
);

test("in any order, with losses and doubles, a cue is what its highest revision says", () => {
  fc.assert(
    fc.property(shuffled, ([, first, again]) => {
      const arrived = [...first, ...again];
      const best = arrived.reduce((a, b) => (b.rev > a.rev ? b : a));
      const { type, ...cue } = best;
      expect(cuesInOrder(take(emptyState, ...arrived))).toEqual([cue]);
    }),
  );
});

test("what is settled never changes and never shrinks", () => {
  fc.assert(
    fc.property(shuffled, ([, first, again]) => {
      let state = emptyState;
      let settled = "";
      for (const packet of [...first, ...again]) {
        state = take(state, packet);
        const [cue] = cuesInOrder(state);
        const now = Array.from(cue?.text ?? "").slice(0, cue?.settled).join("");
        expect(now.startsWith(settled)).toBe(true);
        settled = now;
      }
    }),
  );
});

test("a packet that comes twice changes nothing the second time", () => {
  const once = take(emptyState, captionOf({ seq: 1 }));
  expect(cuesInOrder(take(once, captionOf({ seq: 1 })))).toEqual(cuesInOrder(once));
});

test("a revision that contradicts settled text is ignored, and counted", () => {
  const state = take(emptyState, captionOf({ text: "le budget", settled: 9 }), captionOf({ rev: 2, text: "la fin", settled: 6 }));
  expect(texts(state)).toEqual(["le budget"]);
  expect(state.ignored).toEqual({ "settled-changed": 1 });
});

test("a closed cue changes only by deletion", () => {
  const closed = take(emptyState, captionOf({ state: "closed", text: "fin" }), captionOf({ rev: 2, text: "fin de tout" }));
  expect(texts(closed)).toEqual(["fin"]);
  expect(texts(take(closed, deletionOf()))).toEqual([]);
});

test("what is deleted stays away", () => {
  const state = take(emptyState, captionOf(), deletionOf(), captionOf({ rev: 3 }), captionOf({ rev: 200 }));
  expect(texts(state)).toEqual([]);
  expect(state.ignored).toEqual({ "already-deleted": 2 });
});

test("a deletion that overtakes its cue still counts", () => {
  expect(texts(take(emptyState, deletionOf({ rev: 2 }), captionOf({ rev: 1 })))).toEqual([]);
});

test("a cue keeps the start that it first had", () => {
  expect(cuesInOrder(take(emptyState, captionOf({ start_ms: 500 }), captionOf({ rev: 2, start_ms: 900 })))).toMatchObject([{ start_ms: 500 }]);
});

test("cues are in the order in which they began, those of a later session after", () => {
  const state = take(emptyState, captionOf({ id: "b", start_ms: 900, text: "two" }), captionOf({ id: "a", start_ms: 100, text: "one" }), captionOf({ session: "t", id: "c", text: "three" }));
  expect(texts(state)).toEqual(["one", "two", "three"]);
});

test("a hole in the numbers is noticed, and closes when the packet comes after all", () => {
  const holed = take(emptyState, captionOf({ seq: 5 }), captionOf({ seq: 7, rev: 3 }));
  expect(missingAfter(holed, "s")).toBe(5);
  expect(missingAfter(take(holed, captionOf({ seq: 6, rev: 2 })), "s")).toBeNull();
});

test("a lost last packet is noticed by the announced number, and healed by the history", () => {
  const lost = take(emptyState, captionOf({ seq: 5 }), { type: "seq", session: "s", seq: 6 });
  expect(missingAfter(lost, "s")).toBe(5);
  const healed = act(take(lost, captionOf({ rev: 2, text: "hello all" })), { type: "synced", session: "s", seq: 6 });
  expect(missingAfter(healed, "s")).toBeNull();
  expect(texts(healed)).toEqual(["hello all"]);
});

test("packets alone do not tell what was said before them: that is asked from the beginning", () => {
  const fresh = take(emptyState, { type: "seq", session: "s", seq: 8 }, captionOf({ seq: 9 }));
  expect(completeTo(fresh, "s")).toBeNull();
  expect(completeTo(act(fresh, { type: "synced", session: "s", seq: 9 }), "s")).toBe(9);
});

test("a lost deletion is healed by the history, which repeats it", () => {
  const lost = take(emptyState, captionOf({ seq: 1 }), { type: "seq", session: "s", seq: 2 });
  expect(texts(act(take(lost, deletionOf()), { type: "synced", session: "s", seq: 2 }))).toEqual([]);
});

test("open cues of a bot that vanished are closed after five seconds, not before", () => {
  const left = act(take(emptyState, captionOf()), { type: "bot-left", session: "s", at: 1_000 });
  expect(cuesInOrder(act(left, { type: "tick", at: 999 + abandoned_after_ms }))).toMatchObject([{ state: "open" }]);
  expect(cuesInOrder(act(left, { type: "tick", at: 1_000 + abandoned_after_ms }))).toMatchObject([{ state: "closed" }]);
});

test("a bot that comes back in time, or later, still ends its cues itself", () => {
  const left = act(take(emptyState, captionOf()), { type: "bot-left", session: "s", at: 0 });
  const back = act(left, { type: "bot-back", session: "s" }, { type: "tick", at: 60_000 });
  expect(cuesInOrder(back)).toMatchObject([{ state: "open" }]);
  const late = take(act(left, { type: "tick", at: 60_000 }), captionOf({ rev: 2, state: "closed", text: "hello all" }));
  expect(texts(late)).toEqual(["hello all"]);
});

test("cues that are never closed stay bounded, and can still be revised", () => {
  const cue = (n: number, rev = 1) => captionOf({ id: `a-${n}`, rev, speaker: `s-${n}`, start_ms: n });
  const state = take(emptyState, ...Array.from({ length: limits.open + 20 }, (_, n) => cue(n)));
  const open = cuesInOrder(state).filter((one) => one.state === "open");
  expect(open.map(({ id }) => id).at(0)).toBe("a-20");
  expect(open).toHaveLength(limits.open);
  expect(cuesInOrder(take(state, cue(3, 2))).find(({ id }) => id === "a-3")).toMatchObject({ rev: 2, state: "open" });
});

test("a long meeting stays bounded, and what was let go does not come back", () => {
  const cue = (n: number) => captionOf({ id: `a-${n}`, start_ms: n * 10, state: "closed", text: String(n) });
  const state = take(emptyState, ...Array.from({ length: limits.cues + 50 }, (_, n) => cue(n)));
  expect(texts(state).length).toBeLessThanOrEqual(limits.cues);
  expect(texts(state).at(-1)).toBe(String(limits.cues + 49));
  expect(texts(state).length).toBeGreaterThan(limits.cues * 0.89);
  expect(texts(take(state, cue(3)))).toEqual(texts(state));
});
