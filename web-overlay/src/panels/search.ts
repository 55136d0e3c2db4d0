/** A text without case and accents, and the origin of each of its code units. */
interface Folded {
  readonly text: string;
  /** The offset in the original of each code unit of `text`, and at the end the original's length. */
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

/** Folds the text of `cue` in advance: folding thousands at once causes a noticeable delay. */
export function prepare(cue: { readonly text: string }): string {
  const text = folds.get(cue) ?? foldedText(cue.text);
  folds.set(cue, text);
  return text;
}

/** Returns a predicate that is true for cues whose text contains `query`. */
export function searchFor(query: string): (cue: { readonly text: string }) => boolean {
  const wanted = foldedText(query.trim());
  return (cue) => prepare(cue).includes(wanted);
}

/** Finds `query` in `text`, ignoring case and accents. Ranges are [start, end) in code units. */
export function hitsIn(text: string, query: string): [start: number, end: number][] {
  const wanted = fold(query.trim()).text;
  if (wanted === "") return [];
  const { text: folded, from } = fold(text);
  const hits: [number, number][] = [];
  for (let at = folded.indexOf(wanted); at !== -1; at = folded.indexOf(wanted, at + wanted.length)) {
    const start = from[at] ?? 0;
    // Ends before the next letter of the original, so that combining accents are included.
    let end = at + wanted.length;
    while (end < from.length - 1 && from[end] === from[end - 1]) end += 1;
    hits.push([start, from[end] ?? text.length]);
  }
  return hits;
}
