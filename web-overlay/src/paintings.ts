import type { Packet } from "./contract";
import { Meter, type Measures } from "./measures";
import type { CueRecord } from "./state";

export type { Measures };

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

/** What was taken in and not yet painted. With the attribute `measure` it tells the page of each painting. */
export class Paintings {
  readonly #element: HTMLElement;
  readonly #meter = new Meter();
  #waiting: Omit<PaintedDetail, "painted">[] = [];

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  get measures(): Measures {
    return this.#meter.measures;
  }

  watch(): void {
    this.#meter.watch(this.#isMeasured);
  }

  /** `cue`: as it is after the packet; undefined when it is gone. */
  expect(packet: Packet & { readonly id: string; readonly rev: number }, cue: CueRecord | undefined, received: number): void {
    if (this.#waiting.length === limit) return;
    const deleted = { session: packet.session, id: packet.id, rev: packet.rev, state: "deleted", heard: null, text: "", settled: 0 } as const;
    const { session, id, rev, state, heard, text, settled } = cue ?? deleted;
    this.#waiting.push({ session, id, rev, state, heard, text, settled, received });
  }

  draw(draw: () => void, drawn: HTMLElement): void {
    if (this.#isMeasured) this.#meter.draw(draw, () => drawn.getBoundingClientRect());
    else draw();
  }

  /** All that waits is painted now. */
  painted(): void {
    const painted = performance.timeOrigin + performance.now();
    const details = this.#waiting.map((one) => ({ ...one, painted }));
    this.#waiting = [];
    if (!this.#isMeasured) return;
    for (const detail of details) {
      this.#meter.painted(painted - detail.received);
      this.#element.dispatchEvent(new CustomEvent<PaintedDetail>("painted", { detail, bubbles: true, composed: true }));
    }
  }

  get #isMeasured(): boolean {
    return this.#element.hasAttribute("measure");
  }
}
