import type { GapPacket } from "../contract";
import { heldLimits, liveLimits, noRows, place, placeGap, remove, trimmed, turnsOf, type RowLimits, type Rows } from "./rows";
import { emptyState, reduce, type Action, type CaptionState, type CueRecord, type SessionState } from "./state";

export const clear_after_ms = 15_000;

/** The known cues and their places on screen. The caller passes the time. */
export class CaptionModel {
  state: CaptionState = emptyState;
  rows: Rows = noRows;
  /** How long nobody speaks before the screen is cleared, in ms; Infinity means never. */
  clear_after_ms = clear_after_ms;
  #changed_at = 0;
  #onlyFinished = false;
  #held = false;

  /** Whether captions are on hold: then nothing is cleared, and more rows are kept. */
  get held(): boolean {
    return this.#held;
  }

  hold(held: boolean, at: number): void {
    this.#held = held;
    this.#changed_at = at;
    if (!held) this.rows = trimmed(this.rows, liveLimits);
  }

  /** Sets whether a cue is shown only once it is closed. */
  showOnlyFinished(only: boolean, at: number): void {
    if (only === this.#onlyFinished) return;
    this.#onlyFinished = only;
    for (const session of this.state.sessions) {
      for (const id of session.open) {
        const cue = session.cues.get(id);
        if (only) this.rows = remove(this.rows, session.id, id);
        else if (cue && isNews(session, cue, undefined)) this.rows = place(this.rows, cue, at, this.#limits);
      }
    }
  }

  /** Applies an action. Returns whether anything changed. */
  apply(action: Action, at: number): boolean {
    const before = this.state;
    this.state = reduce(before, action);
    if (this.state === before) return false;
    for (const session of this.state.sessions) {
      const old = before.sessions.find(({ id }) => id === session.id);
      if (old?.cues !== session.cues) this.#arrange(session, old, action, at);
      if (old?.gaps !== session.gaps) this.#arrangeGaps(session, old, at);
    }
    return true;
  }

  /** Closes the cues that a departed bot left open, and clears the screen after a silence. */
  tick(at: number): void {
    this.apply({ type: "tick", at }, at);
    const silent = !this.#held && at - this.#changed_at >= this.clear_after_ms;
    if (silent && this.rows.rows.length > 0) this.rows = { ...this.rows, rows: [] };
  }

  cue(session: string, id: string): CueRecord | undefined {
    return this.state.sessions.find((known) => known.id === session)?.cues.get(id);
  }

  get #limits(): RowLimits {
    return this.#held ? heldLimits : liveLimits;
  }

  #arrange(session: SessionState, old: SessionState | undefined, action: Action, at: number): void {
    const { packet } = action as { packet?: { type: string; id?: string } };
    const ids = packet?.type === "removed" ? goneIds(session, old) : packet?.id === undefined ? changedIds(session, old) : [packet.id];
    for (const id of ids) this.#arrangeCue(session, id, old?.cues.get(id), at);
  }

  #arrangeCue(session: SessionState, id: string, old: CueRecord | undefined, at: number): void {
    const cue = session.cues.get(id);
    if (cue === old) return;
    const rows = this.rows;
    if (!cue) this.rows = remove(rows, session.id, id);
    else if (this.#onlyFinished && cue.state === "open") return;
    else if (isNews(session, cue, this.#onlyFinished && old?.state === "open" ? undefined : old) || isStanding(rows, cue)) this.rows = place(rows, cue, at, this.#limits);
    if (cue && cue.text !== old?.text) this.#changed_at = at;
  }

  #arrangeGaps(session: SessionState, old: SessionState | undefined, at: number): void {
    const fresh = session.gaps.filter((gap) => !old?.gaps.includes(gap) && isRecent(session, gap));
    for (const gap of fresh) this.rows = placeGap(this.rows, gap, at, this.#limits);
    if (fresh.length > 0) this.#changed_at = at;
  }
}

function goneIds(session: SessionState, old: SessionState | undefined): string[] {
  return [...(old?.cues.keys() ?? [])].filter((id) => !session.cues.has(id));
}

/** The cues that an action other than a packet can change: those that were or are open. */
function changedIds(session: SessionState, old: SessionState | undefined): Set<string> {
  return new Set([...session.open, ...(old?.open ?? [])]);
}

/** Whether the cue is new enough for the screen: what a newcomer receives from minutes ago belongs in the history only. */
function isNews(session: SessionState, cue: CueRecord, old: CueRecord | undefined): boolean {
  return cue.text !== old?.text && isRecent(session, cue);
}

function isRecent(session: SessionState, { end_ms }: CueRecord | GapPacket): boolean {
  return end_ms > session.now_ms - clear_after_ms;
}

function isStanding(rows: Rows, cue: CueRecord): boolean {
  return turnsOf(rows).some((row) => row.session === cue.session && row.paragraphs.some((paragraph) => paragraph.cues.some(({ id }) => id === cue.id)));
}
