import type { CaptionFacts } from "../service/facts";
import { say, type Language } from "../strings/strings";
import type { PageWords } from "../strings/page-strings";

/** The name of a language in the reader's language: "fr" → "français". */
export function languageName(tag: string, language: Language): string {
  try {
    return new Intl.DisplayNames(language, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** The name of a choice: "fr", "auto:fr,en" (found by voice among those) or "auto" (among all). */
export function choiceName(choice: string, language: Language, words: PageWords): string {
  if (choice === "auto") return words["language.auto.all"];
  if (!choice.startsWith("auto:")) return languageName(choice, language);
  const names = choice.slice("auto:".length).split(",").map((tag) => languageName(tag, language));
  return say(words["language.auto"], { languages: new Intl.ListFormat(language, { type: "disjunction" }).format(names) });
}

/** What may be chosen: what is spoken in the room comes first, then what is found by voice, then all languages by name. */
export function choices(facts: CaptionFacts, language: Language): string[] {
  const other = facts.language.startsWith("en") ? "fr" : "en";
  const byVoice = facts.spoken === facts.language && facts.languages.includes(other) ? [`auto:${facts.language},${other}`] : [];
  const order = new Intl.Collator(language);
  const byName = [...facts.languages].sort((a, b) => order.compare(languageName(a, language), languageName(b, language)));
  return [...new Set([facts.spoken, ...byVoice, ...byName])].filter((one) => one !== "");
}

/** Fills a menu, unless it has these options already. */
export function setOptions(select: HTMLSelectElement, values: readonly string[], nameOf: (value: string) => string): void {
  const known = [...select.options].map((option) => `${option.value}\n${option.text}`);
  const wanted = values.map((value) => `${value}\n${nameOf(value)}`);
  if (known.join("\0") !== wanted.join("\0")) select.replaceChildren(...values.map((value) => new Option(nameOf(value), value)));
}
