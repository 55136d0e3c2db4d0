import { codePoints } from "../vtt";
import type { CaptionPacket, GapPacket, Packet, RemovedPacket, TrackPacket } from "../contract";
import { Table } from "./table";

/** What the page knows about one cue. */
export interface CueRecord extends Omit<CaptionPacket, "type" | "seq"> {
  /** Set when the page closed the cue because the bot had left; a later revision from the bot still replaces it. */
  readonly abandoned?: true;
}

export type Ignored = "older-revision" | "already-closed" | "already-deleted" | "settled-changed" | "too-old";

/** The captions of one run of the bot. Every collection in it is bounded. */
export interface SessionState {
  readonly id: string;
  readonly cues: Table<CueRecord>;
  /** The ids of open cues. */
  readonly open: ReadonlySet<string>;
  readonly deleted: ReadonlyMap<string, number>;
  /** All packets up to this sequence number have been received or made up for; null before the first packet. */
  readonly complete_to: number | null;
  /** Whether the bot has sent the captions from before the first packet. */
  readonly caught_up: boolean;
  readonly newest: number;
  readonly ahead: ReadonlySet<number>;
  /** Cues that start earlier were dropped to bound memory, and are not accepted again. */
  readonly horizon_ms: number;
  /** The latest room time that any packet has mentioned. */
  readonly now_ms: number;
  /** Room time 0 in milliseconds since the Unix epoch, by the bot's clock; null until the bot has sent it. */
  readonly origin_ms: number | null;
  /** When the bot left, by the receiver's clock; null while it is present. */
  readonly gone_at: number | null;
  readonly tracks: ReadonlyMap<string, TrackPacket>;
  readonly gaps: readonly GapPacket[];
  /** How often speakers have taken back what they said. */
  readonly removals: number;
}

export interface CaptionState {
  readonly sessions: readonly SessionState[];
  readonly ignored: Readonly<Partial<Record<Ignored, number>>>;
}

export type Action =
  | { readonly type: "packet"; readonly packet: Packet }
  /** The last page of the bot's answer has been applied: nothing up to `seq` is missing. */
  | { readonly type: "synced"; readonly session: string; readonly seq: number }
  /** The bot has sent its clock. */
  | { readonly type: "clock"; readonly session: string; readonly now_ms: number; readonly origin_ms: number }
  | { readonly type: "bot-left"; readonly session: string; readonly at: number }
  | { readonly type: "bot-back"; readonly session: string }
  | { readonly type: "tick"; readonly at: number };

export const limits = { sessions: 4, cues: 20_000, open: 500, deleted: 1_000, ahead: 1_000, tracks: 200, gaps: 200 };
export const abandoned_after_ms = 5_000;

export const emptyState: CaptionState = { sessions: [], ignored: {} };

/** Returns the state after `action`, or the same object if nothing changed. */
export function reduce(state: CaptionState, action: Action): CaptionState {
  switch (action.type) {
    case "packet":
      return action.packet.type === "removed" ? withoutSpeaker(receive(state, action.packet), action.packet) : receive(state, action.packet);
    case "synced":
      return change(state, action.session, (session) => synced(session, action.seq));
    case "clock":
      return change(state, action.session, (session) => clocked(session, action.now_ms, action.origin_ms));
    case "bot-left":
      return changeKnown(state, action.session, (session) => ({ ...session, gone_at: session.gone_at ?? action.at }));
    case "bot-back":
      return changeKnown(state, action.session, (session) => ({ ...session, gone_at: null }));
    case "tick":
      return state.sessions.filter((session) => isAbandoned(session, action.at)).reduce((before, { id }) => change(before, id, closeAll), state);
  }
}

/** The known cues, ordered by start time within each session. */
export function cuesInOrder(state: CaptionState): CueRecord[] {
  return state.sessions.flatMap((session) => [...session.cues.values()].sort((a, b) => a.start_ms - b.start_ms));
}

/** What happens to each speaker's captions in a session. */
export function speakersIn(state: CaptionState, id: string): Omit<TrackPacket, "type" | "session" | "seq">[] {
  const tracks = state.sessions.find((session) => session.id === id)?.tracks.values() ?? [];
  return [...tracks].map(({ type, session, seq, ...what }) => what);
}

/** The sequence number up to which a session is complete from its start; null until the bot has sent its history. */
export function completeTo(state: CaptionState, id: string): number | null {
  const session = state.sessions.find((known) => known.id === id);
  return session?.caught_up ? session.complete_to : null;
}

/** The sequence number after which packets are missing, or null if none are. */
export function missingAfter(state: CaptionState, id: string): number | null {
  const session = state.sessions.find((known) => known.id === id);
  if (!session || session.complete_to === null || session.newest <= session.complete_to) return null;
  return session.complete_to;
}

function receive(state: CaptionState, packet: Packet): CaptionState {
  let ignored: Ignored | undefined;
  const next = change(state, packet.session, (before) => {
    const session = packet.seq === undefined ? before : counted(before, packet.seq, packet.type === "seq");
    const after = applied(session, packet);
    if (typeof after !== "string") return after;
    ignored = after;
    return session;
  });
  if (!ignored) return next;
  return { ...next, ignored: { ...next.ignored, [ignored]: (next.ignored[ignored] ?? 0) + 1 } };
}

function applied(session: SessionState, packet: Packet): SessionState | Ignored {
  switch (packet.type) {
    case "caption":
      return withCaption(session, packet);
    case "deleted":
      return withoutCue(session, packet.id, packet.rev);
    case "track":
      return { ...session, tracks: bounded(session.tracks, packet.track, packet, limits.tracks) };
    case "gap":
      return withGap(session, packet);
    case "name":
    case "removed":
    case "seq":
      return session;
  }
}

function withCaption(session: SessionState, packet: CaptionPacket): SessionState | Ignored {
  if (session.deleted.has(packet.id)) return "already-deleted";
  if (packet.start_ms < session.horizon_ms) return "too-old";
  const { type, seq, ...cue } = packet;
  const known = session.cues.get(cue.id);
  const merged = known ? revised(known, cue) : cue;
  if (typeof merged === "string") return merged;
  const now_ms = Math.max(session.now_ms, cue.heard, cue.end_ms);
  const open = withId(session.open, cue.id, merged.state === "open");
  return pruned(openBounded({ ...session, now_ms, open, cues: session.cues.set(cue.id, merged) }));
}

function clocked(session: SessionState, now_ms: number, origin_ms: number): SessionState {
  return { ...session, origin_ms, now_ms: Math.max(session.now_ms, now_ms) };
}

/** Skips known gaps, because the answer to hello repeats them. */
function withGap(session: SessionState, gap: GapPacket): SessionState {
  const known = session.gaps.some(({ start_ms, end_ms }) => start_ms === gap.start_ms && end_ms === gap.end_ms);
  return known ? session : { ...session, gaps: [...session.gaps, gap].slice(-limits.gaps) };
}

function revised(known: CueRecord, cue: CueRecord): CueRecord | Ignored {
  if (cue.rev <= known.rev) return "older-revision";
  if (known.state === "closed" && !known.abandoned) return "already-closed";
  const kept = codePoints(known.text).slice(0, known.settled).join("");
  if (!cue.text.startsWith(kept)) return "settled-changed";
  return { ...cue, start_ms: known.start_ms, end_ms: Math.max(cue.end_ms, known.start_ms), settled: Math.max(known.settled, cue.settled) };
}

function withoutCue(session: SessionState, id: string, rev: number): SessionState | Ignored {
  const known = session.cues.get(id);
  if (session.deleted.has(id)) return "already-deleted";
  if (known && rev <= known.rev) return "older-revision";
  return { ...session, cues: session.cues.delete(id), open: withId(session.open, id, false), deleted: bounded(session.deleted, id, rev, limits.deleted) };
}

/** What the bot forgets does not come back, so nothing of it needs to be remembered as deleted. */
function withoutSpeaker(state: CaptionState, { session: id, speaker, before_ms }: RemovedPacket): CaptionState {
  const sessions = state.sessions.map((session) => {
    const gone = [...session.cues.values()].filter((cue) => cue.speaker === speaker && (session.id !== id || cue.start_ms < before_ms));
    const cues = gone.reduce((kept, cue) => kept.delete(cue.id), session.cues);
    const open = gone.reduce((kept, cue) => withId(kept, cue.id, false), session.open);
    return gone.length === 0 ? session : { ...session, cues, open, removals: session.removals + 1 };
  });
  return { ...state, sessions };
}

function counted(session: SessionState, seq: number, announced: boolean): SessionState {
  const newest = Math.max(session.newest, seq);
  if (session.complete_to === null) return { ...session, newest, complete_to: seq };
  if (announced || seq <= session.complete_to) return newest === session.newest ? session : { ...session, newest };
  const ahead = new Set(session.ahead).add(seq);
  return { ...session, newest, ...absorbed(session.complete_to, ahead) };
}

function absorbed(complete_to: number, ahead: Set<number>) {
  let next = complete_to;
  while (ahead.delete(next + 1)) next += 1;
  const kept = [...ahead].filter((seq) => seq > next).slice(-limits.ahead);
  return { complete_to: next, ahead: new Set(kept) };
}

function synced(session: SessionState, seq: number): SessionState {
  const complete = Math.max(session.complete_to ?? 0, seq);
  return {
    ...session,
    gone_at: null,
    caught_up: true,
    newest: Math.max(session.newest, seq),
    ...absorbed(complete, new Set(session.ahead)),
  };
}

function isAbandoned(session: SessionState, at: number): boolean {
  return session.gone_at !== null && at - session.gone_at >= abandoned_after_ms && session.open.size > 0;
}

function closeAll(session: SessionState): SessionState {
  return abandoned(session, [...session.open]);
}

/** Closes the cue that has been open longest if there are more open ones than people who speak. */
function openBounded(session: SessionState): SessionState {
  return session.open.size > limits.open ? abandoned(session, [...session.open].slice(0, 1)) : session;
}

function abandoned(session: SessionState, ids: readonly string[]): SessionState {
  let { cues } = session;
  const open = new Set(session.open);
  for (const id of ids) {
    const cue = cues.get(id);
    if (cue) cues = cues.set(id, { ...cue, state: "closed", abandoned: true });
    open.delete(id);
  }
  return { ...session, cues, open };
}

/** Drops a tenth of the cues at once, so that sorting them by age is rare. */
function pruned(session: SessionState): SessionState {
  if (session.cues.size <= limits.cues) return session;
  const oldest = [...session.cues.values()].sort((a, b) => a.start_ms - b.start_ms).slice(0, Math.ceil(limits.cues / 10));
  const cues = session.cues.without(oldest.map(({ id }) => id));
  const open = new Set([...session.open].filter((id) => cues.has(id)));
  return { ...session, cues, open, horizon_ms: Math.max(session.horizon_ms, (oldest.at(-1)?.start_ms ?? 0) + 1) };
}

function withId(ids: ReadonlySet<string>, id: string, present: boolean): ReadonlySet<string> {
  if (ids.has(id) === present) return ids;
  const next = new Set(ids);
  if (present) next.add(id);
  else next.delete(id);
  return next;
}

function change(state: CaptionState, id: string, edit: (session: SessionState) => SessionState): CaptionState {
  const known = state.sessions.find((session) => session.id === id);
  const before = known ?? newSession(id);
  const after = edit(before);
  if (after === known) return state;
  const sessions = known ? state.sessions.map((session) => (session === known ? after : session)) : [...state.sessions, after];
  return { ...state, sessions: sessions.slice(-limits.sessions) };
}

function changeKnown(state: CaptionState, id: string, edit: (session: SessionState) => SessionState): CaptionState {
  return state.sessions.some((session) => session.id === id) ? change(state, id, edit) : state;
}

function newSession(id: string): SessionState {
  return {
    id,
    cues: Table.empty(),
    open: new Set(),
    deleted: new Map(),
    complete_to: null,
    caught_up: false,
    newest: 0,
    ahead: new Set(),
    horizon_ms: 0,
    now_ms: 0,
    origin_ms: null,
    gone_at: null,
    tracks: new Map(),
    gaps: [],
    removals: 0,
  };
}

function bounded<V>(map: ReadonlyMap<string, V>, key: string, value: V, limit: number): ReadonlyMap<string, V> {
  const next = new Map(map);
  next.delete(key);
  next.set(key, value);
  for (const oldest of next.keys()) {
    if (next.size <= limit) break;
    next.delete(oldest);
  }
  return next;
}
