import { expect, test } from "vitest";
import { isolated, say } from "../strings/strings";
import { ownName } from "./names";

const person = (name: string, kind = 0) => ownName({ identity: "viewer-6ec572eb", name, kind });

test("of a caller's number only the last two digits are visible, with or without a name", () => {
  expect(["+33 6 12 34 56 78", "0612345678", "Phone +1 (555) 010-4477", "Room 12"].map((name) => person(name, 3))).toEqual(["+•• • •• •• •• 78", "••••••••78", "Phone +• (•••) •••-••77", "Room 12"]);
  expect(ownName({ identity: "sip_+33612345678", kind: 3 })).toBe("sip_+•••••••••78");
  expect(person("0612345678")).toBe("0612345678");
});

test("who has no name has none: an identity is no name", () => {
  expect([person(""), person(" \n")]).toEqual(["", ""]);
});

test("a name in a sentence turns nothing around it", () => {
  expect(person("An\u202ena\u2069")).toBe("Anna");
  expect(say("off by {name}.", { name: "מרים\u202e" })).toBe("off by \u2068מרים\u2069.");
  expect(isolated("a\u2069b")).toBe("\u2068ab\u2069");
});
