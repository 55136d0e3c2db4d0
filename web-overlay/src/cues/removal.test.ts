import { expect, test } from "vitest";
import { captionOf } from "../testing";
import { CaptionModel } from "./model";
import { cuesInOrder } from "./state";

const removed = (before_ms: number, session = "s") => ({ type: "packet", packet: { type: "removed", session, seq: 9, speaker: "alice", before_ms } }) as const;

test("what a speaker takes back is gone, in earlier sessions too, and what they say later or others said stays", () => {
  const model = new CaptionModel();
  const cues = [
    captionOf({ session: "old", id: "a-1", text: "before the restart", start_ms: 50_000, state: "closed" }),
    captionOf({ id: "a-1", text: "taken back", start_ms: 1_000, state: "closed" }),
    captionOf({ id: "b-1", text: "of another", speaker: "bob", name: "Bob", start_ms: 2_000, state: "closed" }),
    captionOf({ id: "a-2", text: "after agreeing again", start_ms: 9_000, state: "closed" }),
  ];
  for (const packet of cues) model.apply({ type: "packet", packet }, 0);
  model.apply(removed(5_000), 0);
  expect(cuesInOrder(model.state).map(({ text }) => text)).toEqual(["of another", "after agreeing again"]);
  expect(JSON.stringify(model.rows)).not.toContain("taken back");
  const after = model.state;
  model.apply(removed(5_000), 0);
  expect(cuesInOrder(model.state)).toEqual(cuesInOrder(after));
});
