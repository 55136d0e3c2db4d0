import { en } from "./strings-en";
import { fr } from "./strings-fr";

export type StringKey = keyof typeof en;
export type Language = "en" | "fr";
export type Words = Readonly<Record<StringKey, string>>;

export const strings: Readonly<Record<Language, Words>> = { en, fr };

/** The best available language for a BCP 47 tag. */
export function languageFor(tag: string): Language {
  return tag.toLowerCase().split("-")[0] === "fr" ? "fr" : "en";
}

/** Replaces each `{key}` in a sentence with its value. `{name}` is for people's names, which are isolated. */
export function say(sentence: string, facts: Readonly<Record<string, string | number>>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, key: string) => (key === "name" && facts[key] !== undefined ? isolated(String(facts[key])) : String(facts[key] ?? whole)));
}

/** A name on one line, without controls that turn the text around it to the left. */
export function cleanName(name: string): string {
  // eslint-disable-next-line no-control-regex
  return name.replace(/[\u202a-\u202e\u2066-\u2069]/g, "").replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
}

/** A name within a sentence: its direction does not move what stands beside it. */
export function isolated(name: string): string {
  return `\u2068${cleanName(name)}\u2069`;
}
