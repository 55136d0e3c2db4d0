import { laidOut, wrapped } from "./file-layout";
import { timeText, type Entry } from "./history";
import { paragraphsOf, textOf } from "./paragraphs";
import { gapText } from "../service/status";
import type { Words } from "../strings/strings";

export type Format = "vtt" | "txt" | "srt";
export const formats: Readonly<Record<Format, string>> = { vtt: "text/vtt", txt: "text/plain", srt: "application/x-subrip" };

interface Timed {
  readonly name: string;
  readonly text: string;
  readonly lang: string;
  readonly start_ms: number;
  readonly end_ms: number;
}

/** The text of a file with the entries, which must be ordered by time. */
export function fileOf(format: Format, entries: readonly Entry[], words: Words): string {
  switch (format) {
    case "vtt":
      return vttOf(entries, words);
    case "srt":
      return srtOf(entries);
    case "txt":
      return txtOf(entries, words);
  }
}

/** https://www.w3.org/TR/webvtt1/ */
function vttOf(entries: readonly Entry[], words: Words): string {
  const base = baseOf(entries);
  const ids = new Set<string>();
  const blocks = laidOut(entries).flatMap((entry) => {
    if (entry.kind === "gap") return [`NOTE ${escaped(gapText(entry.gap, words))}`];
    const cue = timed(entry, base);
    if (!cue) return [];
    const id = unique(plain(entry.cue.id).replaceAll("-->", "->") || "cue", ids);
    const lines = wrapped(cue.text).map(escaped).join("\n");
    const text = cue.lang === "" ? lines : `<lang ${cue.lang}>${lines}</lang>`;
    return [`${id}\n${stamp(cue.start_ms, ".")} --> ${stamp(cue.end_ms, ".")}\n<v ${escaped(cue.name)}>${text}`];
  });
  return `${["WEBVTT", `NOTE ${escaped(words["captions.region"])}`, ...blocks].join("\n\n")}\n`;
}

/** SubRip has no escapes: an invisible word joiner keeps text from being read as markup or as a timing line. */
function srtOf(entries: readonly Entry[]): string {
  const base = baseOf(entries);
  const cues = laidOut(entries).flatMap((entry) => timed(entry, base) ?? []);
  const joiner = "\u2060";
  const safe = (text: string) => text.replaceAll("-->", `--${joiner}>`).replace(/[<{](?=[a-zA-Z/\\])/g, `$&${joiner}`);
  return cues.map(({ name, text, start_ms, end_ms }, index) => `${index + 1}\n${stamp(start_ms, ",")} --> ${stamp(end_ms, ",")}\n${safe(wrapped(`${name}: ${text}`).join("\n"))}\n`).join("\n");
}

/** One line per paragraph: time, speaker, text. */
export function txtOf(entries: readonly Entry[], words: Words): string {
  const lines = paragraphsOf(entries).flatMap((one) => {
    const time = `[${timeText(one.at_ms)}]`;
    if (one.kind === "gap") return [`${time} — ${gapText(one.gap, words)}`];
    const text = plain(textOf(one));
    return text === "" ? [] : [`${time} ${plain(one.name)}: ${text}`];
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** The clock time at which the file's own time starts. */
function baseOf(entries: readonly Entry[]): number {
  const [first] = entries;
  if (!first) return 0;
  return first.at_ms - (first.kind === "gap" ? first.gap.start_ms : first.cue.start_ms);
}

function timed(entry: Entry, base: number): Timed | null {
  if (entry.kind === "gap") return null;
  const { cue, at_ms } = entry;
  const text = plain(cue.text);
  if (text === "") return null;
  const start_ms = Math.max(0, at_ms - base);
  const end_ms = start_ms + Math.max(1, cue.end_ms - cue.start_ms);
  return { name: plain(cue.name) || plain(cue.speaker) || "?", text, lang: cue.lang, start_ms, end_ms };
}

function unique(id: string, taken: Set<string>): string {
  let free = id;
  for (let number = 2; taken.has(free); number += 1) free = `${id}.${number}`;
  taken.add(free);
  return free;
}

/** The text on one line, without control characters. */
function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").replace(/ {2,}/g, " ").trim();
}

function escaped(text: string): string {
  return plain(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function stamp(ms: number, point: "." | ","): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const seconds = Math.floor(ms / 1000);
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${point}${String(Math.round(ms) % 1000).padStart(3, "0")}`;
}
