import type { GapPacket } from "../contract";
import type { CueRecord } from "./state";
import { codePoints } from "../vtt";

/**
 * One turn of one speaker. A cue gets its place once, when it first appears, so that text that is being
 * read does not move. A paragraph contains no pause.
 */
export interface TurnRow {
  readonly kind: "turn";
  readonly key: number;
  readonly session: string;
  readonly speaker: string;
  readonly name: string;
  readonly start_ms: number;
  /** In ms, by the receiver's clock. */
  readonly changed_at: number;
  readonly paragraphs: readonly Paragraph[];
}

/** A stretch of time that was not captioned. */
export interface GapRow {
  readonly kind: "gap";
  readonly key: number;
  readonly session: string;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly reason: string;
  readonly changed_at: number;
}

export type Row = TurnRow | GapRow;

export interface Paragraph {
  readonly key: number;
  readonly cues: readonly CueRecord[];
}

export interface Rows {
  readonly rows: readonly Row[];
  readonly nextKey: number;
}

export const noRows: Rows = { rows: [], nextKey: 1 };

export const pause_ms = 2_000;
/** A shorter silence between two cues of one speaker is no stop; recognised times are no more exact than this. */
const breath_ms = 400;
/** An open cue that has not changed for this long no longer counts as speech. */
const stuck_ms = 5_000;
export const paragraphLimit = 500; // code points
/** A row further from the end than this is not continued: its speaker gets a new row. */
const reach = 4;

/** How many rows, paragraphs in a row, and cues in all are kept. */
export interface RowLimits {
  readonly rows: number;
  readonly paragraphs: number;
  readonly cues: number;
}

// At most six lines of a row are visible, each paragraph has at least one line, and the view shows at
// most a dozen rows: anything beyond these limits is out of sight.
export const liveLimits: RowLimits = { rows: 12, paragraphs: 6, cues: 150 };
/** A reader scrolls through held captions, so more is kept; the history has the rest. */
export const heldLimits: RowLimits = { rows: 60, paragraphs: 30, cues: 150 };

/** Adds a cue where it belongs, or replaces it in the place that it already has. */
export function place(rows: Rows, cue: CueRecord, at: number, limits: RowLimits = liveLimits): Rows {
  const standing = turnsOf(rows).find((row) => holds(row, cue));
  if (standing) return replaceRow(rows, standing, { ...withReplaced(standing, cue), changed_at: at });
  const row = rowFor(rows.rows, cue);
  return trimmed(row ? continueRow(rows, row, cue, at) : withNewTurn(rows, cue, at), limits);
}

/** Adds a row for a gap at its place in time. */
export function placeGap(rows: Rows, gap: GapPacket, at: number, limits: RowLimits = liveLimits): Rows {
  const { session, start_ms, end_ms, reason } = gap;
  const row: GapRow = { kind: "gap", key: rows.nextKey, session, start_ms, end_ms, reason, changed_at: at };
  return trimmed({ rows: inserted(rows.rows, row), nextKey: rows.nextKey + 1 }, limits);
}

/** Returns `rows` without the oldest entries beyond `limits`. The newest paragraph always stays. */
export function trimmed(rows: Rows, limits: RowLimits): Rows {
  let cues = 0;
  const kept: Row[] = [];
  for (const row of rows.rows.slice(-limits.rows).reverse()) {
    if (cues >= limits.cues) break;
    const shortened = row.kind === "gap" ? row : withLast(row, limits.paragraphs, limits.cues - cues);
    if (shortened.kind === "turn") cues += shortened.paragraphs.reduce((sum, paragraph) => sum + paragraph.cues.length, 0);
    kept.push(shortened);
  }
  return { ...rows, rows: kept.reverse() };
}

function withLast(row: TurnRow, paragraphs: number, cues: number): TurnRow {
  let from = row.paragraphs.length - 1;
  let left = cues - (row.paragraphs[from]?.cues.length ?? 0);
  while (from > 0 && row.paragraphs.length - from < paragraphs) {
    left -= row.paragraphs[from - 1]?.cues.length ?? 0;
    if (left < 0) break;
    from -= 1;
  }
  return from === 0 ? row : { ...row, paragraphs: row.paragraphs.slice(from) };
}

/** Removes a cue, and its row if that becomes empty. */
export function remove(rows: Rows, session: string, id: string): Rows {
  const kept = rows.rows.map((row) => {
    if (row.kind === "gap" || row.session !== session) return row;
    const paragraphs = row.paragraphs
      .map((paragraph) => ({ ...paragraph, cues: paragraph.cues.filter((cue) => cue.id !== id) }))
      .filter((paragraph) => paragraph.cues.length > 0);
    return { ...row, paragraphs };
  });
  return { ...rows, rows: kept.filter((row) => row.kind === "gap" || row.paragraphs.length > 0) };
}

export function isSpeaking(row: Row, at: number): boolean {
  const open = row.kind === "turn" && row.paragraphs.some((paragraph) => paragraph.cues.some((cue) => cue.state === "open"));
  return at - row.changed_at < (open ? stuck_ms : pause_ms);
}

/** The identities of speakers whose rows changed within `pause_ms`. */
export function speakersOf(rows: Rows, at: number): string[] {
  const recent = turnsOf(rows).filter((row) => at - row.changed_at < pause_ms);
  return [...new Set(recent.map((row) => row.speaker))].sort();
}

/** The index of the first row in which somebody is speaking, which must stay in sight. */
export function firstSpeaking(rows: Rows, at: number): number {
  const index = rows.rows.findIndex((row) => isSpeaking(row, at));
  return index === -1 ? rows.rows.length : index;
}

export function turnsOf(rows: Rows): TurnRow[] {
  return rows.rows.filter((row) => row.kind === "turn");
}

function lastCue(row: TurnRow): CueRecord | undefined {
  return row.paragraphs.at(-1)?.cues.at(-1);
}

function holds(row: TurnRow, cue: CueRecord): boolean {
  return row.session === cue.session && row.paragraphs.some((paragraph) => paragraph.cues.some((known) => known.id === cue.id));
}

/** The row that the cue continues, or belongs in when it arrives late. */
function rowFor(rows: readonly Row[], cue: CueRecord): TurnRow | undefined {
  const own = rows.filter((row) => row.kind === "turn").filter((row) => row.session === cue.session && row.speaker === cue.speaker && row.name === cue.name);
  const row = own.filter((candidate) => candidate.start_ms <= cue.start_ms).at(-1);
  const last = row && lastCue(row);
  if (!row || !last) return undefined;
  if (cue.start_ms < last.start_ms) return row;
  if (rows.length - rows.indexOf(row) > reach) return undefined;
  return rows.some((other) => tookTheTurn(other, row, last, cue)) ? undefined : row;
}

/** Whether somebody else began to speak after the speaker had stopped and before they went on. */
function tookTheTurn(other: Row, row: TurnRow, last: CueRecord, cue: CueRecord): boolean {
  // A later row of another session means that the bot restarted in between.
  if (other.session !== cue.session) return other.key > row.key;
  if (other.kind === "gap") return other.start_ms >= last.start_ms && other.start_ms <= cue.start_ms;
  if (other.speaker === row.speaker || cue.start_ms - last.end_ms < breath_ms) return false;
  return other.start_ms >= last.end_ms - breath_ms && other.start_ms <= cue.start_ms;
}

function withNewTurn(rows: Rows, cue: CueRecord, at: number): Rows {
  const { session, speaker, name, start_ms } = cue;
  const paragraph = { key: rows.nextKey + 1, cues: [cue] };
  const row: TurnRow = { kind: "turn", key: rows.nextKey, session, speaker, name, start_ms, changed_at: at, paragraphs: [paragraph] };
  return { rows: inserted(rows.rows, row), nextKey: rows.nextKey + 2 };
}

function inserted(rows: readonly Row[], row: Row): Row[] {
  const after = rows.findLastIndex((other) => other.session !== row.session || other.start_ms <= row.start_ms) + 1;
  return [...rows.slice(0, after), row, ...rows.slice(after)];
}

function continueRow(rows: Rows, row: TurnRow, cue: CueRecord, at: number): Rows {
  const index = row.paragraphs.findLastIndex((paragraph) => (paragraph.cues[0]?.start_ms ?? 0) <= cue.start_ms);
  const paragraph = row.paragraphs[index];
  const isLast = index === row.paragraphs.length - 1;
  if (!paragraph || (isLast && beginsParagraph(paragraph, cue))) {
    const fresh = { key: rows.nextKey, cues: [cue] };
    const paragraphs = [...row.paragraphs, fresh];
    return replaceRow({ ...rows, nextKey: rows.nextKey + 1 }, row, { ...row, changed_at: at, paragraphs });
  }
  const cues = [...paragraph.cues, cue].sort((a, b) => a.start_ms - b.start_ms);
  const paragraphs = row.paragraphs.map((other) => (other === paragraph ? { ...paragraph, cues } : other));
  return replaceRow(rows, row, { ...row, changed_at: at, paragraphs });
}

function beginsParagraph(paragraph: Paragraph, cue: CueRecord): boolean {
  const last = paragraph.cues.at(-1);
  if (!last || cue.start_ms < last.start_ms) return false;
  const length = paragraph.cues.reduce((sum, known) => sum + codePoints(known.text).length, 0);
  return cue.start_ms - last.end_ms >= pause_ms || length > paragraphLimit;
}

function withReplaced(row: TurnRow, cue: CueRecord): TurnRow {
  const paragraphs = row.paragraphs.map((paragraph) => ({
    ...paragraph,
    cues: paragraph.cues.map((known) => (known.id === cue.id ? cue : known)),
  }));
  return { ...row, paragraphs };
}

function replaceRow(rows: Rows, before: Row, after: Row): Rows {
  return { ...rows, rows: rows.rows.map((row) => (row === before ? after : row)) };
}
