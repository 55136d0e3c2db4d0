import { noRows, place, remove, type Rows } from "./rows";
import { emptyState, reduce, type Action, type CaptionState, type CueRecord, type SessionState } from "./state";

export const clear_after_ms = 15_000;

/** What is known and where it stands on screen. Times are passed in. */
export class CaptionModel {
  state: CaptionState = emptyState;
  rows: Rows = noRows;
  #changed_at = 0;

  /** Takes in an action; true when something that is known changed. */
  apply(action: Action, at: number): boolean {
    const before = this.state;
    this.state = reduce(before, action);
    if (this.state === before) return false;
    for (const session of this.state.sessions) {
      const old = before.sessions.find(({ id }) => id === session.id);
      if (old?.cues !== session.cues) this.#arrange(session, old, action, at);
    }
    return true;
  }

  /** Closes what a vanished bot left open, and clears the screen after a silence. */
  tick(at: number): void {
    this.apply({ type: "tick", at }, at);
    const silent = at - this.#changed_at >= clear_after_ms;
    if (silent && this.rows.rows.length > 0) this.rows = { ...this.rows, rows: [] };
  }

  cue(session: string, id: string): CueRecord | undefined {
    return this.state.sessions.find((known) => known.id === session)?.cues.get(id);
  }

  #arrange(session: SessionState, old: SessionState | undefined, action: Action, at: number): void {
    const { packet } = action as { packet?: { id?: string } };
    const ids = packet?.id === undefined ? new Set([...session.cues.keys(), ...(old?.cues.keys() ?? [])]) : [packet.id];
    for (const id of ids) this.#arrangeCue(session, id, old?.cues.get(id), at);
  }

  #arrangeCue(session: SessionState, id: string, old: CueRecord | undefined, at: number): void {
    const cue = session.cues.get(id);
    if (cue === old) return;
    const rows = this.rows;
    if (!cue) this.rows = remove(rows, session.id, id);
    else if (isNews(session, cue, old) || isStanding(rows, cue)) this.rows = place(rows, cue, at);
    if (cue && cue.text !== old?.text) this.#changed_at = at;
  }
}

/** What a newcomer learns of minutes ago belongs in the history, not on the last lines. */
function isNews(session: SessionState, cue: CueRecord, old: CueRecord | undefined): boolean {
  return cue.text !== old?.text && cue.end_ms > session.now_ms - clear_after_ms;
}

function isStanding(rows: Rows, cue: CueRecord): boolean {
  return rows.rows.some((row) => row.session === cue.session && row.paragraphs.some((paragraph) => paragraph.cues.some(({ id }) => id === cue.id)));
}
