/** A text made ready for searching: without case and accents, and where each of its letters comes from. */
interface Folded {
  readonly text: string;
  /** Offset in the original of each code unit of `text`, and the original's length at the end. */
  readonly from: readonly number[];
}

function foldedText(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("œ", "oe").replaceAll("æ", "ae").replaceAll("’", "'");
}

function fold(text: string): Folded {
  let folded = "";
  const from: number[] = [];
  let offset = 0;
  for (const letter of text) {
    const plain = foldedText(letter);
    for (let index = 0; index < plain.length; index += 1) from.push(offset);
    folded += plain;
    offset += letter.length;
  }
  return { text: folded, from: [...from, text.length] };
}

const folds = new WeakMap<object, string>();

/** Folds the text of `cue` beforehand: thousands at once would be felt. */
export function prepare(cue: { readonly text: string }): string {
  const text = folds.get(cue) ?? foldedText(cue.text);
  folds.set(cue, text);
  return text;
}

/** Tells of a cue whether `query` stands in its text. */
export function searchFor(query: string): (cue: { readonly text: string }) => boolean {
  const wanted = foldedText(query.trim());
  return (cue) => prepare(cue).includes(wanted);
}

/** Where `query` stands in `text`, without regard to case and accents: [start, end) in code units. */
export function hitsIn(text: string, query: string): [start: number, end: number][] {
  const wanted = fold(query.trim()).text;
  if (wanted === "") return [];
  const { text: folded, from } = fold(text);
  const hits: [number, number][] = [];
  for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, at + wanted.length)) {
    const start = from[at] ?? 0;
    // Up to the next letter of the original: a combining accent belongs to the one before it.
    let end = at + wanted.length;
    while (end < from.length - 1 && from[end] === from[end - 1]) end += 1;
    hits.push([start, from[end] ?? text.length]);
  }
  return hits;
}
