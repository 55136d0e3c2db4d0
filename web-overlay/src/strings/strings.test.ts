import { expect, test } from "vitest";
import { languageFor, strings } from "./strings";

test("every sentence is there in both languages", () => {
  expect(Object.keys(strings.fr)).toEqual(Object.keys(strings.en));
  for (const sentences of Object.values(strings)) for (const sentence of Object.values(sentences)) expect(sentence).not.toBe("");
});

test("French regions read French, others English", () => {
  expect(["fr", "fr-CA", "FR", "de", ""].map(languageFor)).toEqual(["fr", "fr", "fr", "en", "en"]);
});
