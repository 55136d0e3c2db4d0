import { expect, test } from "vitest";
import { strings } from "../strings/strings";
import { speakerNotes } from "./status";

test("a note about this page's own user says you, and one about another says nothing of who it is", () => {
  const refused = (speaker: string) => ({ speaker, track: "TR", state: "refused", lag_ms: 0 }) as const;
  const [mine, other] = speakerNotes([refused("viewer-6ec572eb"), refused("b")], () => true, strings.en, "viewer-6ec572eb");
  expect([mine?.isOwn, mine?.sentence]).toEqual([true, "You are not captioned, as you wish."]);
  expect([other?.isOwn, other?.sentence]).toEqual([false, "does not wish to be captioned"]);
});
