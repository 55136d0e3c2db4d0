// The rules of streaming/spacing.py: Chinese and Japanese have no spaces between words.
const cjk = "\\u2e80-\\u312f\\u3190-\\u9fff\\uf900-\\ufaff\\uff00-\\uff9f\\u{20000}-\\u{3ffff}";
const opening = "「『（【〈《〔［｛“‘";
const notFirst = "\\u3099\\u309a\\ufe00-\\ufe0f、。，．・：；？！」』）】〉》〕］｝”’ー…々〜～％ぁぃぅぇぉっゃゅょァィゥェォッャュョ";
const piece = new RegExp(`(?:[${opening}]*[${cjk}][${notFirst}]*|[^\\s${cjk}]+[${notFirst}]*)`, "gu");
const endsInCjk = new RegExp(`[${cjk}]$`, "u");
const beginsInCjk = new RegExp(`^[${cjk}]`, "u");
const wide = new RegExp(`[${cjk}\\u1100-\\u115f\\uac00-\\ud7a3]`, "gu");

/** The parts of a text that no line break may divide, and where each begins. */
export function piecesOf(text: string): { readonly text: string; readonly index: number }[] {
  return [...text.matchAll(piece)].map(({ 0: found, index }) => ({ text: found, index }));
}

/** The space that there must be between two texts, or none. */
export function gapBetween(before: string, after: string): "" | " " {
  return before === "" || after === "" || endsInCjk.test(before) || beginsInCjk.test(after) ? "" : " ";
}

/** The texts one after the other, with a space between them where there must be one. */
export function joinedTexts(texts: Iterable<string>): string {
  let whole = "";
  for (const text of texts) whole += gapBetween(whole, text) + text;
  return whole;
}

/** The width of a text: a Chinese or Japanese character is as wide as two letters. */
export function columnsOf(text: string): number {
  return text.length + (text.match(wide)?.length ?? 0);
}
