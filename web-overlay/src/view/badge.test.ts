import { expect, test } from "vitest";
import { initials } from "./badge";

test.each([
  ["Anna Müller", "AM"],
  ["anna", "A"],
  ["Jean-Pierre de la Fontaine", "JF"],
  ["Camille Martin (2)", "CM"],
  ["Anna Müller (screen)", "AM"],
  ["王小明", "王"],
  ["דנה כהן", "דכ"],
  ["Élodie", "É"],
  ["+33 ••••••78", ""],
  ["--> </v>", ""],
  ["🙂🙂", ""],
  ["\u3164 \uffa0", ""],
  ["\u202e\u2066", ""],
  ["", ""],
])("the initials of %j are %j", (name, expected) => {
  expect(initials(name)).toBe(expected);
});
