import { columnsOf, joinedTexts, piecesOf } from "../cues/spacing";
import type { Entry } from "./history";
import type { CueEntry } from "./paragraphs";

// The rules of captioner/captions/file_layout.py, for the files that the page saves.
const lineMost = 40;
const linesMost = 3;
const most_ms = 7_000;
const least_ms = 1_000;
const join_ms = 1_500;
const fragment = 3;

/** Lays entries out for a file: no cue too long for its lines, and none too short to read. Gaps stay. */
export function laidOut(entries: readonly Entry[]): Entry[] {
  const voices = new Map<string, CueEntry[]>();
  for (const entry of entries) {
    if (entry.kind === "gap") continue;
    const { session, speaker, name, lang } = entry.cue;
    const key = JSON.stringify([session, speaker, name, lang]);
    const voice = voices.get(key);
    if (voice) voice.push(entry);
    else voices.set(key, [entry]);
  }
  const gaps = entries.filter((entry) => entry.kind === "gap");
  return [...gaps, ...[...voices.values()].flatMap(ofOneVoice)].sort((a, b) => a.at_ms - b.at_ms);
}

/** Breaks a text into as few lines as it takes, of about the same length. */
export function wrapped(text: string): string[] {
  const words = wordsOf(text);
  const least = greedy(words, lineMost);
  const longest = Math.max(0, ...words.map(columnsOf));
  for (let width = Math.max(longest, Math.floor(columnsOf(text) / Math.max(least.length, 1))); width < lineMost; width += 1) {
    const lines = greedy(words, width);
    if (lines.length <= least.length) return lines;
  }
  return least;
}

interface Word {
  readonly text: string;
  readonly start_ms: number;
  readonly end_ms: number;
}

function ofOneVoice(entries: readonly CueEntry[]): CueEntry[] {
  const done: CueEntry[] = [];
  for (const entry of entries) {
    if (wordsOf(entry.cue.text).length === 0) continue;
    const before = done.at(-1);
    if (before && mustJoin(before, entry)) {
      done.pop();
      done.push(...shared(before, entry));
    } else done.push(entry);
    const last = done.pop();
    if (last) done.push(...split(last));
  }
  return done.map((entry, index) => {
    const limit_ms = done[index + 1]?.at_ms ?? Infinity;
    return lasting(entry, Math.max(endOf(entry), Math.min(entry.at_ms + least_ms, limit_ms)) - entry.at_ms);
  });
}

function mustJoin(before: CueEntry, entry: CueEntry): boolean {
  if (entry.at_ms - endOf(before) > join_ms) return false;
  return entry.at_ms - before.at_ms < least_ms || isFragment(before) || (isFragment(entry) && !endsSentence(before.cue.text));
}

function isFragment({ cue }: CueEntry): boolean {
  return wordsOf(cue.text).length <= fragment && !endsSentence(cue.text);
}

/** Both as one cue if that fits, else two that are better balanced. */
function shared(before: CueEntry, entry: CueEntry): CueEntry[] {
  const words = [...timed(before), ...timed(entry)];
  if (fits(words)) return [made(before, words, before.key)];
  const cut = bestCut(words);
  return cut === null ? [before, entry] : [made(before, words.slice(0, cut), before.key), made(entry, words.slice(cut), entry.key)];
}

function split(entry: CueEntry): CueEntry[] {
  const words = timed(entry);
  const cut = fits(words) ? null : bestCut(words);
  return cut === null ? [entry] : [made(entry, words.slice(0, cut), entry.key), made(entry, words.slice(cut), `${entry.key}-b`)];
}

/** Where two cues that fit meet: after a sentence, a comma, or near the middle. */
function bestCut(words: readonly Word[]): number | null {
  const isGood = (part: readonly Word[]) => fits(part) && lengthOf(part) >= least_ms;
  const cuts = words.flatMap((word, cut) => {
    if (cut === 0 || !isGood(words.slice(0, cut)) || !isGood(words.slice(cut))) return [];
    const last = words[cut - 1]?.text ?? "";
    const kind = endsSentence(last) ? 0 : /[,;:，、；：]$/.test(last) ? 1 : 2;
    const middle = ((words[0]?.start_ms ?? 0) + (words.at(-1)?.end_ms ?? 0)) / 2;
    return [{ cut, kind, off: Math.abs(word.start_ms - middle) }];
  });
  return cuts.sort((a, b) => a.kind - b.kind || a.off - b.off)[0]?.cut ?? null;
}

function fits(words: readonly Word[]): boolean {
  return lengthOf(words) <= most_ms && greedy(words.map(({ text }) => text), lineMost).length <= linesMost;
}

function lengthOf(words: readonly Word[]): number {
  return (words.at(-1)?.end_ms ?? 0) - (words[0]?.start_ms ?? 0);
}

/** The words of a cue, with times in proportion to their length. */
function timed(entry: CueEntry): Word[] {
  const { text } = entry.cue;
  const span_ms = endOf(entry) - entry.at_ms;
  const time = (offset: number) => entry.at_ms + Math.floor((span_ms * offset) / text.length);
  return piecesOf(text).map(({ text: word, index }) => ({ text: word, start_ms: time(index), end_ms: time(index + word.length) }));
}

function made(entry: CueEntry, words: readonly Word[], key: string): CueEntry {
  const at_ms = words[0]?.start_ms ?? entry.at_ms;
  const cue = { ...entry.cue, text: joinedTexts(words.map(({ text }) => text)), start_ms: entry.cue.start_ms + at_ms - entry.at_ms };
  return lasting({ ...entry, key, at_ms, cue }, lengthOf(words));
}

function lasting(entry: CueEntry, ms: number): CueEntry {
  return { ...entry, cue: { ...entry.cue, end_ms: entry.cue.start_ms + Math.max(1, ms) } };
}

function endOf({ at_ms, cue }: CueEntry): number {
  return at_ms + cue.end_ms - cue.start_ms;
}

function endsSentence(text: string): boolean {
  return /[.?!…。？！।॥؟۔]["'»”)」』）\s]*$/.test(text);
}

function wordsOf(text: string): string[] {
  return piecesOf(text).map((word) => word.text);
}

function greedy(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const line = joinedTexts([lines.at(-1) ?? "", word]);
    if (lines.length > 0 && columnsOf(line) <= width) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines;
}
