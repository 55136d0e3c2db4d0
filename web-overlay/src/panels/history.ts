import type { GapPacket } from "../contract";
import { prepare } from "./search";
import type { CaptionState, CueRecord, SessionState } from "../cues/state";

/** An entry of the history. `at_ms` is on one clock for all sessions: since the Unix epoch once the bot has sent its clock. */
export type Entry =
  | { readonly kind: "cue"; readonly key: string; readonly at_ms: number; readonly cue: CueRecord }
  | { readonly kind: "gap"; readonly key: string; readonly at_ms: number; readonly gap: GapPacket };

export interface Filter {
  /** The identity of a speaker; null for all speakers. */
  readonly speaker: string | null;
}

/** All captions and gaps, ordered by start time, also as older and newer ones arrive. */
export class History {
  readonly #keys = new Set<string>();
  #order: Entry[] = [];
  #clocks = "";

  get entries(): readonly Entry[] {
    return this.#order;
  }

  /** Applies changed cues; returns whether there were any. It runs while the panel is closed too, so that opening is fast. */
  update(state: CaptionState, changed: readonly (readonly [session: string, id: string])[]): boolean {
    const clocks = JSON.stringify(state.sessions.map(({ id, origin_ms, gaps, horizon_ms, removals }) => [id, origin_ms, gaps.length, horizon_ms, removals]));
    if (clocks === this.#clocks && changed.length === 0) return false;
    if (clocks !== this.#clocks) this.#build(state);
    else for (const [session, id] of changed) this.#change(state, session, id);
    this.#clocks = clocks;
    return true;
  }

  #build(state: CaptionState): void {
    this.#order = inOrder(state);
    this.#keys.clear();
    for (const { key } of this.#order) this.#keys.add(key);
  }

  #change(state: CaptionState, session: string, id: string): void {
    const known = state.sessions.find((one) => one.id === session);
    const cue = known?.cues.get(id);
    const key = keyOf(session, id);
    // A cue that changes is usually near the end.
    const there = this.#keys.has(key) ? this.#order.findLastIndex((entry) => entry.key === key) : -1;
    if (!known || !cue) {
      if (there !== -1) this.#order.splice(there, 1);
      this.#keys.delete(key);
      return;
    }
    const entry = cueEntry(cue, originOf(state, known));
    this.#keys.add(key);
    if (there !== -1) this.#order[there] = entry;
    else this.#order.splice(this.#order.findLastIndex((other) => other.at_ms <= entry.at_ms) + 1, 0, entry);
    if (cue.state === "closed") prepare(cue);
  }
}

export function filtered(entries: readonly Entry[], { speaker }: Filter): readonly Entry[] {
  if (speaker === null) return entries;
  return entries.filter((entry) => entry.kind === "gap" || entry.cue.speaker === speaker);
}

/** The speakers' last known names, by identity. */
export function speakersIn(entries: readonly Entry[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const entry of entries) if (entry.kind === "cue") names.set(entry.cue.speaker, entry.cue.name);
  return names;
}

/** The index of the first entry at or after `at_ms`, or of the last entry if there is none. */
export function indexAt(entries: readonly Entry[], at_ms: number): number {
  const index = entries.findIndex((entry) => entry.at_ms >= at_ms);
  return index === -1 ? entries.length - 1 : index;
}

/**
 * Reads "14:05" or "14:05:30" as the time of day nearest to `near_ms`. Without a clock it is the time since
 * the session began, and "5:30" means minutes and seconds. Returns null if the text is not a time.
 */
export function timeIn(text: string, near_ms: number, isClock: boolean): number | null {
  const found = /^\s*(\d{1,3})[:hH](\d{2})(?::(\d{2}))?\s*$/.exec(text);
  if (!found) return null;
  const [first, second, third] = [Number(found[1]), Number(found[2]), found[3] === undefined ? null : Number(found[3])];
  if (second > 59 || (third ?? 0) > 59) return null;
  if (!isClock) return (third === null ? first * 60 + second : (first * 60 + second) * 60 + third) * 1000;
  if (first > 23) return null;
  const day = new Date(near_ms);
  day.setHours(first, second, third ?? 0, 0);
  const day_ms = 86_400_000;
  // A meeting may go past midnight, so the nearest day counts.
  return [day.getTime() - day_ms, day.getTime(), day.getTime() + day_ms].reduce((a, b) => (Math.abs(b - near_ms) < Math.abs(a - near_ms) ? b : a));
}

/** Whether a time is by the clock rather than since the session began. */
export function isClock(at_ms: number): boolean {
  return at_ms > 1_000_000_000_000;
}

/** "14:05:30" in the device's time zone, or "0:05:30" since the session began. */
export function timeText(at_ms: number): string {
  if (isClock(at_ms)) {
    const time = new Date(at_ms);
    return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
  }
  const seconds = Math.max(0, Math.floor(at_ms / 1000));
  return `${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

function inOrder(state: CaptionState): Entry[] {
  const entries = state.sessions.flatMap((session): Entry[] => {
    const origin_ms = originOf(state, session);
    const gaps = session.gaps.map((gap): Entry => ({ kind: "gap", key: `gap ${session.id} ${gap.start_ms}`, at_ms: origin_ms + gap.start_ms, gap }));
    return [...gaps, ...[...session.cues.values()].map((cue) => cueEntry(cue, origin_ms))];
  });
  return entries.sort((a, b) => a.at_ms - b.at_ms || (a.key < b.key ? -1 : 1));
}

function cueEntry(cue: CueRecord, origin_ms: number): Entry {
  return { kind: "cue", key: keyOf(cue.session, cue.id), at_ms: origin_ms + cue.start_ms, cue };
}

/** A restarted bot keeps the room's clock, so an unknown origin is assumed to be the last known one. */
function originOf(state: CaptionState, session: SessionState): number {
  return session.origin_ms ?? state.sessions.findLast((other) => other.origin_ms !== null)?.origin_ms ?? 0;
}

function keyOf(session: string, id: string): string {
  return `${session} ${id}`;
}
