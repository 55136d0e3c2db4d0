import type { Packet } from "./contract";
import type { CueRecord } from "./state";

/** Detail of the event `painted`: when a packet came and when it was seen, in ms since the epoch. */
export interface PaintedDetail extends Pick<CueRecord, "session" | "id" | "rev" | "text" | "settled"> {
  readonly state: "open" | "closed" | "deleted";
  readonly heard: number | null;
  readonly received: number;
  readonly painted: number;
}

/** A cue as it is known to the page around. */
export type KnownCue = Pick<CueRecord, "session" | "id" | "rev" | "speaker" | "name" | "start_ms" | "end_ms" | "text" | "settled" | "state">;

export function knownCue({ session, id, rev, speaker, name, start_ms, end_ms, text, settled, state }: CueRecord): KnownCue {
  return { session, id, rev, speaker, name, start_ms, end_ms, text, settled, state };
}

const limit = 500;

/** What was taken in and not yet painted. */
export class Paintings {
  #waiting: Omit<PaintedDetail, "painted">[] = [];

  /** `cue`: as it is after the packet; undefined when it is gone. */
  expect(packet: Packet & { readonly id: string; readonly rev: number }, cue: CueRecord | undefined, received: number): void {
    if (this.#waiting.length === limit) return;
    const deleted = { session: packet.session, id: packet.id, rev: packet.rev, state: "deleted", heard: null, text: "", settled: 0 } as const;
    const { session, id, rev, state, heard, text, settled } = cue ?? deleted;
    this.#waiting.push({ session, id, rev, state, heard, text, settled, received });
  }

  /** All that is painted now. */
  painted(now: number): PaintedDetail[] {
    const done = this.#waiting.map((one) => ({ ...one, painted: now }));
    this.#waiting = [];
    return done;
  }
}
