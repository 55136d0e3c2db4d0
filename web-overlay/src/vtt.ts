/** A WebVTT cue block as the bot writes it: an id, timings, `<v Name>` and plain text. */
export interface CueBlock {
  readonly id: string;
  readonly start_ms: number;
  readonly end_ms: number;
  /** Absent when the block has no voice tag. */
  readonly name?: string;
  readonly text: string;
}

export type CueBlockFault =
  | "cue-lines"
  | "cue-id"
  | "cue-times"
  | "cue-times-backwards"
  | "cue-markup"
  | "cue-entity"
  | "cue-control-character"
  | "cue-name";

const timing = /^(\d{2,4}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,4}):([0-5]\d):([0-5]\d)\.(\d{3})$/;
const voice = /^<v ([^<>\n]+)>/;
// The Unicode line and paragraph separators break lines as a newline does.
// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&nbsp;": "\u00a0",
  "&lrm;": "\u200e",
  "&rlm;": "\u200f",
};

export function codePoints(text: string): string[] {
  return Array.from(text);
}

/** Parses a cue block, or returns what is wrong with it. Anything unknown is a fault. */
export function parseCueBlock(block: string): CueBlock | CueBlockFault {
  const [id, times, payload, ...rest] = block.replace(/\n{1,2}$/, "").split("\n");
  if (id === undefined || times === undefined || payload === undefined || rest.length > 0) return "cue-lines";
  if (id === "" || id.includes("-->") || control.test(id)) return "cue-id";
  const span = parseTimes(times);
  if (typeof span === "string") return span;
  const spoken = parsePayload(payload);
  if (typeof spoken === "string") return spoken;
  return { id, ...span, ...spoken };
}

function parseTimes(line: string): { start_ms: number; end_ms: number } | CueBlockFault {
  const found = timing.exec(line);
  if (!found) return "cue-times";
  const [h1, m1, s1, f1, h2, m2, s2, f2] = found.slice(1).map(Number) as [number, number, number, number, number, number, number, number];
  const start_ms = ((h1 * 60 + m1) * 60 + s1) * 1000 + f1;
  const end_ms = ((h2 * 60 + m2) * 60 + s2) * 1000 + f2;
  return end_ms < start_ms ? "cue-times-backwards" : { start_ms, end_ms };
}

function parsePayload(payload: string): { name?: string; text: string } | CueBlockFault {
  const tag = voice.exec(payload);
  const text = plain(tag ? payload.slice(tag[0].length).replace(/<\/v>$/, "") : payload);
  if ("fault" in text) return text.fault;
  if (!tag) return { text: text.value };
  const name = plain(tag[1] ?? "");
  if ("fault" in name) return name.fault;
  return name.value.trim() === "" ? "cue-name" : { name: name.value.trim(), text: text.value };
}

function plain(marked: string): { value: string } | { fault: CueBlockFault } {
  if (control.test(marked)) return { fault: "cue-control-character" };
  if (/[<>]/.test(marked)) return { fault: "cue-markup" };
  const entity = /&[a-z]*;?/gi;
  if (marked.match(entity)?.some((found) => !(found in entities))) return { fault: "cue-entity" };
  return { value: marked.replace(entity, (found) => entities[found] ?? "") };
}
