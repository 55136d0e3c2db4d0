import { joinedTexts, piecesOf } from "../cues/spacing";
import type { Entry } from "./history";

export type CueEntry = Extract<Entry, { readonly kind: "cue" }>;
export type GapEntry = Extract<Entry, { readonly kind: "gap" }>;

/** What one speaker said without interruption or pause, for a minute at most. Its key is that of its first cue. */
export interface SpeechParagraph {
  readonly kind: "speech";
  readonly key: string;
  readonly at_ms: number;
  readonly name: string;
  readonly cues: readonly CueEntry[];
}

export type HistoryParagraph = SpeechParagraph | GapEntry;

const longest_ms = 60_000;
/** From here on, the next end of a sentence ends the paragraph. */
const long_ms = 40_000;
/** After such a silence a new paragraph begins; others may have spoken who are not shown. */
const pause_ms = 5_000;
/** So few words are no paragraph of their own. */
const fragment = 3;

/** Groups entries, which must be ordered by time, into paragraphs. */
export function paragraphsOf(entries: readonly Entry[]): HistoryParagraph[] {
  const found: HistoryParagraph[] = [];
  let run: CueEntry[] = [];
  const end = () => {
    found.push(...stretches(run).map(paragraphOf));
    run = [];
  };
  for (const entry of entries) {
    const last = run.at(-1);
    if (entry.kind === "gap" || (last && !goesOn(last, entry))) end();
    if (entry.kind === "gap") found.push(entry);
    else run.push(entry);
  }
  end();
  return found;
}

/** The index of the paragraph that contains an entry, or -1. */
export function paragraphWith(paragraphs: readonly HistoryParagraph[], key: string): number {
  return paragraphs.findIndex((one) => one.key === key || (one.kind === "speech" && one.cues.some((cue) => cue.key === key)));
}

export function textOf({ cues }: SpeechParagraph): string {
  return joinedTexts(cues.map(({ cue }) => cue.text.trim()));
}

function goesOn(last: CueEntry, { at_ms, cue }: CueEntry): boolean {
  const silence_ms = at_ms - last.at_ms - (last.cue.end_ms - last.cue.start_ms);
  return last.cue.speaker === cue.speaker && last.cue.name === cue.name && silence_ms < pause_ms;
}

function stretches(run: readonly CueEntry[]): CueEntry[][] {
  const found: CueEntry[][] = [];
  for (const entry of run) {
    const current = found.at(-1);
    const [first] = current ?? [];
    const after_ms = entry.at_ms - (first?.at_ms ?? 0);
    const isNew = !current || after_ms >= longest_ms || (after_ms >= long_ms && endsSentence(current.at(-1)?.cue.text ?? ""));
    if (isNew) found.push([entry]);
    else current.push(entry);
  }
  return joined(found);
}

/** Joins a fragment at the end to what precedes it, where a minute has room for it. */
function joined(found: CueEntry[][]): CueEntry[][] {
  const [before, last] = [found.at(-2), found.at(-1)];
  const [first, tail] = [before?.[0], last?.[0]];
  if (!before || !last || !first || !tail || tail.at_ms - first.at_ms >= longest_ms) return found;
  const words = last.flatMap(({ cue }) => piecesOf(cue.text));
  const isDone = last.every(({ cue }) => cue.state === "closed");
  return isDone && words.length <= fragment ? [...found.slice(0, -2), [...before, ...last]] : found;
}

function paragraphOf(cues: readonly CueEntry[]): SpeechParagraph {
  const [first] = cues;
  if (!first) throw new Error("a paragraph has at least one cue");
  return { kind: "speech", key: first.key, at_ms: first.at_ms, name: first.cue.name, cues };
}

function endsSentence(text: string): boolean {
  return /[.?!…。？！।॥؟۔]["'»”)」』）\s]*$/.test(text);
}
