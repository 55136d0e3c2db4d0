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

/** Replaces each `{name}` in a sentence with its value. */
export function say(sentence: string, facts: Readonly<Record<string, string | number>>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(facts[name] ?? whole));
}
