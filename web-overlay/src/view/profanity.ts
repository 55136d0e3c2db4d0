import en from "naughty-words/en.json";
import fr from "naughty-words/fr.json";

/**
 * Words that some readers do not want to see, in lower case, by language. The lists of the package have phrases too, which
 * are search terms, such as "tied up": they are left out.
 */
export const profanity: Readonly<Record<string, ReadonlySet<string>>> = { en: words(en), fr: words(fr) };

/** The text with all letters but the first of each listed word as asterisks; it is as long as before, in UTF-16 units. */
export function masked(text: string, lang: string): string {
  const known = profanity[lang.toLowerCase().split("-")[0] ?? ""];
  const among = known ? [known] : lang === "" ? Object.values(profanity) : [];
  return text.replace(/\p{L}[\p{L}\p{M}\p{N}]*/gu, (word) => {
    const plain = word.normalize("NFC").toLowerCase();
    const isListed = among.some((list) => list.has(plain) || list.has(plain.replace(/s$/, "")));
    return isListed ? word.slice(0, 1) + "*".repeat(word.length - 1) : word;
  });
}

function words(list: readonly string[]): Set<string> {
  return new Set(list.filter((entry) => /^\p{L}+$/u.test(entry)).map((entry) => entry.toLowerCase()));
}
