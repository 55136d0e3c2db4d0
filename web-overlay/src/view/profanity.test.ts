import fc from "fast-check";
import { expect, test } from "vitest";
import { masked, profanity } from "./profanity";

test.each([
  ["en", "what a load of Shit, shits!", "what a load of S***, s****!"],
  ["en", "the class assesses a chunky Scunthorpe assembly", "the class assesses a chunky Scunthorpe assembly"],
  ["en", "I am tied up, taste my wine, how to kill a process", "I am tied up, taste my wine, how to kill a process"],
  ["en-GB", "arsehole", "a*******"],
  ["fr", "l'enculé et les connards", "l'e***** et les c*******"],
  ["fr", "l'encule\u0301", "l'e******"],
  ["en", "the pros and con of one bite", "the pros and con of one bite"],
  ["fr", "a piece of shit", "a piece of shit"],
  ["de", "shit", "shit"],
  ["", "shit, merde", "s***, m****"],
])("in %j, %j is shown as %j", (lang, said, shown) => {
  expect(masked(said, lang)).toBe(shown);
});

test("a masked text is as long as the text, and masking it again changes nothing", () => {
  const word = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom(...(profanity["en"] ?? []), ...(profanity["fr"] ?? [])));
  fc.assert(
    fc.property(fc.array(word), fc.constantFrom("en", "fr", ""), (words, lang) => {
      const said = words.join(" ");
      const shown = masked(said, lang);
      expect(shown).toHaveLength(said.length);
      expect(masked(shown, lang).length).toBe(said.length);
    }),
  );
});
