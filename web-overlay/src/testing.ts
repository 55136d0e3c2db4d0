import type { CaptionPacket, DeletedPacket } from "./contract";

/** Returns a caption with the given fields and plausible values for the others. For tests only. */
export function captionOf(facts: Partial<CaptionPacket> = {}): CaptionPacket {
  const text = facts.text ?? "hello";
  const start_ms = facts.start_ms ?? 0;
  const end_ms = facts.end_ms ?? start_ms + 1_000;
  return {
    type: "caption",
    session: "s",
    id: "a-1",
    rev: 1,
    state: "open",
    settled: facts.state === "closed" ? Array.from(text).length : 0,
    speaker: "alice",
    name: "Alice",
    track: "TR_a",
    lang: "",
    heard: end_ms,
    ...facts,
    start_ms,
    end_ms,
    text,
  };
}

export function deletionOf(facts: Partial<DeletedPacket> = {}): DeletedPacket {
  return { type: "deleted", session: "s", id: "a-1", rev: 99, ...facts };
}
