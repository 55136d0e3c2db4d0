import { codePoints, parseCueBlock, type CueBlockFault } from "./vtt";

/** A caption of the contract, version 1, as a receiver reads it. Times are milliseconds of room time. */
export interface CaptionPacket {
  readonly type: "caption";
  readonly session: string;
  /** Absent in answers to hello and history, whose envelope carries it. */
  readonly seq?: number;
  readonly id: string;
  readonly rev: number;
  readonly state: "open" | "closed";
  /** How many code points at the start of `text` never change again. */
  readonly settled: number;
  readonly speaker: string;
  readonly name: string;
  readonly track: string;
  readonly lang: string;
  readonly heard: number;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly text: string;
}

export interface DeletedPacket {
  readonly type: "deleted";
  readonly session: string;
  readonly seq?: number;
  readonly id: string;
  readonly rev: number;
}

export interface SeqPacket {
  readonly type: "seq";
  readonly session: string;
  readonly seq: number;
}

const sources = new Set<unknown>(["asr", "human"]);
const trackStates = ["on", "delayed", "unavailable", "refused", "stalled"] as const;

export interface TrackPacket {
  readonly type: "track";
  readonly session: string;
  readonly seq?: number;
  readonly track: string;
  readonly speaker: string;
  readonly state: (typeof trackStates)[number];
  readonly lag_ms: number;
  /** Why there are no captions, if that is known: "encrypted", "not-received". */
  readonly reason?: string;
  /** What the voice speaks, if it is not the room's language, and who chose it: "speaker", "host", "token", "room", "voice". */
  readonly lang?: string;
  readonly lang_by?: string;
}

export interface GapPacket {
  readonly type: "gap";
  readonly session: string;
  readonly seq?: number;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly reason: string;
}

/** The name under which a participant is shown, where it is not the participant's own. */
export interface NamePacket {
  readonly type: "name";
  readonly session: string;
  readonly seq?: number;
  readonly speaker: string;
  readonly name: string;
}

/** A speaker has taken back what was captioned before `before_ms` of room time, and in earlier sessions. */
export interface RemovedPacket {
  readonly type: "removed";
  readonly session: string;
  readonly seq?: number;
  readonly speaker: string;
  readonly before_ms: number;
}

export type Packet = CaptionPacket | DeletedPacket | SeqPacket | TrackPacket | GapPacket | NamePacket | RemovedPacket;

/** Why a packet is skipped. */
export type Fault =
  | CueBlockFault
  | "too-long"
  | "not-utf8"
  | "not-json"
  | "not-an-object"
  | "unknown-version"
  | "unknown-type"
  | "unknown-kind"
  | "unknown-source"
  | "unknown-state"
  | "bad-session"
  | "bad-seq"
  | "bad-id"
  | "bad-rev"
  | "bad-settled"
  | "settled-beyond-text"
  | "bad-speaker"
  | "bad-track"
  | "bad-heard"
  | "bad-name"
  | "bad-removal"
  | "bad-gap"
  | "bad-vtt"
  | "other-cue-id";

export type Parsed = { readonly packet: Packet } | { readonly fault: Fault };

export const packetLimit = 1_200; // bytes
const identifierLimit = 64;
const identityLimit = 512;
const nameLimit = 64; // code points
const languageTag = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/;

type Fields = Readonly<Record<string, unknown>>;

/** Thrown and caught in this file only, because a packet can be wrong in some twenty ways. */
class Wrong extends Error {
  constructor(readonly fault: Fault) {
    super(fault);
  }
}

/** Reads a packet from the bytes of a data message. */
export function parsePacket(bytes: Uint8Array): Parsed {
  if (bytes.byteLength > packetLimit) return { fault: "too-long" };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return { fault: "not-utf8" };
  }
  try {
    return readPacket(JSON.parse(text));
  } catch {
    return { fault: "not-json" };
  }
}

/** Reads a packet from an object. `envelope` holds the fields that an answer gives once for all its cues. */
export function readPacket(value: unknown, envelope: Fields = {}): Parsed {
  if (!isFields(value)) return { fault: "not-an-object" };
  try {
    return { packet: read({ ...envelope, ...value }) };
  } catch (error) {
    if (error instanceof Wrong) return { fault: error.fault };
    throw error;
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function read(fields: Fields): Packet {
  need(fields["v"] === 1, "unknown-version");
  const session = string(fields["session"], identifierLimit, "bad-session");
  const type = fields["type"] ?? "caption";
  if (type === "seq") return { type, session, seq: whole(fields["seq"], "bad-seq") };
  const at = { session, ...(fields["seq"] === undefined ? {} : { seq: whole(fields["seq"], "bad-seq") }) };
  if (type === "track") return { type, ...at, ...readTrack(fields) };
  if (type === "gap") return { type, ...at, ...readGap(fields) };
  if (type === "name") return { type, ...at, speaker: string(fields["speaker"], identityLimit, "bad-speaker"), name: shortened(string(fields["name"], packetLimit, "bad-name")) };
  if (type === "removed") return { type, ...at, speaker: string(fields["speaker"], identityLimit, "bad-speaker"), before_ms: whole(fields["before"], "bad-removal") };
  need(type === "caption", "unknown-type");
  need((fields["kind"] ?? "speech") === "speech", "unknown-kind");
  need(sources.has(fields["source"] ?? "asr"), "unknown-source");
  const cue = {
    ...at,
    id: string(fields["id"], identifierLimit, "bad-id"),
    rev: whole(fields["rev"], "bad-rev"),
  };
  if (fields["state"] === "deleted") return { type: "deleted", ...cue };
  return { type: "caption", ...cue, ...readCaption(fields, cue.id) };
}

function readCaption(fields: Fields, id: string) {
  const state = fields["state"];
  if (state !== "open" && state !== "closed") throw new Wrong("unknown-state");
  const speaker = string(fields["speaker"], identityLimit, "bad-speaker");
  const block = parseCueBlock(string(fields["vtt"], packetLimit, "bad-vtt"));
  if (typeof block === "string") throw new Wrong(block);
  need(block.id === id, "other-cue-id");
  const length = codePoints(block.text).length;
  const settled = whole(fields["settled"], "bad-settled");
  need(settled <= length, "settled-beyond-text");
  const { start_ms, end_ms, text } = block;
  return {
    state,
    settled: state === "closed" ? length : settled,
    speaker,
    name: shortened(block.name ?? speaker),
    track: string(fields["track"] ?? "", identityLimit, "bad-track", 0),
    lang: language(fields["lang"]),
    heard: whole(fields["heard"], "bad-heard"),
    start_ms,
    end_ms,
    text,
  } as const;
}

function readTrack(fields: Fields) {
  const state = trackStates.find((known) => known === fields["state"]);
  if (state === undefined) throw new Wrong("unknown-state");
  return {
    track: string(fields["track"], identityLimit, "bad-track"),
    speaker: string(fields["speaker"], identityLimit, "bad-speaker"),
    state,
    lag_ms: whole(fields["lag_ms"] ?? 0, "bad-track"),
    ...(fields["reason"] === undefined ? {} : { reason: string(fields["reason"], identifierLimit, "bad-track") }),
    ...(language(fields["lang"]) === "" ? {} : { lang: language(fields["lang"]), lang_by: string(fields["lang_by"] ?? "", identifierLimit, "bad-track", 0) }),
  };
}

function readGap(fields: Fields) {
  const start_ms = whole(fields["start"], "bad-gap");
  const end_ms = whole(fields["end"], "bad-gap");
  need(start_ms <= end_ms, "bad-gap");
  return { start_ms, end_ms, reason: string(fields["reason"] ?? "", identifierLimit, "bad-gap", 0) };
}

function need(holds: boolean, fault: Fault): void {
  if (!holds) throw new Wrong(fault);
}

function string(value: unknown, limit: number, fault: Fault, least = 1): string {
  if (typeof value !== "string" || value.length < least || value.length > limit) throw new Wrong(fault);
  return value;
}

function whole(value: unknown, fault: Fault): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new Wrong(fault);
  return value;
}

/** Returns "" for `und` and for anything that is not a language tag. */
function language(value: unknown): string {
  return typeof value === "string" && value !== "und" && languageTag.test(value) ? value : "";
}

function shortened(name: string): string {
  const points = codePoints(name);
  return points.length <= nameLimit ? name : `${points.slice(0, nameLimit - 1).join("")}…`;
}
