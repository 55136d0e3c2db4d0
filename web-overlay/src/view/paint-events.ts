import type { Packet } from "../contract";
import { Meter, type Measures } from "./measures";
import type { CueRecord } from "../cues/state";

export type { Measures };

/** The detail of a `painted` event: when a packet arrived and when it was painted, in ms since the Unix epoch. */
export interface PaintedDetail extends Pick<CueRecord, "session" | "id" | "rev" | "text" | "settled"> {
  readonly state: "open" | "closed" | "deleted";
  readonly heard: number | null;
  readonly received: number;
  readonly painted: number;
}

/** A cue as the host page sees it. */
export type KnownCue = Pick<CueRecord, "session" | "id" | "rev" | "speaker" | "name" | "start_ms" | "end_ms" | "text" | "settled" | "state">;

export function knownCue({ session, id, rev, speaker, name, start_ms, end_ms, text, settled, state }: CueRecord): KnownCue {
  return { session, id, rev, speaker, name, start_ms, end_ms, text, settled, state };
}

/** Bounds the packets that wait while the page is hidden and does not paint. */
const limit = 500;

/** Packets that wait for their paint. With the attribute `measure`, each paint dispatches a `painted` event. */
export class PaintEvents {
  readonly #element: HTMLElement;
  readonly #meter = new Meter();
  #waiting: Omit<PaintedDetail, "painted">[] = [];
  #drawn: Omit<PaintedDetail, "painted">[] = [];

  constructor(element: HTMLElement) {
    this.#element = element;
  }

  takeMeasures(): Measures {
    return this.#meter.take();
  }

  watch(): void {
    this.#meter.watch(this.#isMeasured);
  }

  /** `cue` is the cue after the packet; undefined if it was deleted. */
  expect(packet: Packet & { readonly id: string; readonly rev: number }, cue: CueRecord | undefined, received: number): void {
    if (!this.#isMeasured) return;
    if (this.#waiting.length === limit) {
      this.#meter.drop();
      return;
    }
    const deleted = { session: packet.session, id: packet.id, rev: packet.rev, state: "deleted", heard: null, text: "", settled: 0 } as const;
    const { session, id, rev, state, heard, text, settled } = cue ?? deleted;
    this.#waiting.push({ session, id, rev, state, heard, text, settled, received });
  }

  draw(draw: () => void, drawn: HTMLElement): void {
    // A packet that arrives between this drawing and its paint belongs to the next one.
    this.#drawn.push(...this.#waiting.splice(0));
    if (this.#isMeasured) this.#meter.draw(draw, () => drawn.getBoundingClientRect());
    else draw();
  }

  /** Reports that everything drawn is painted. */
  painted(): void {
    const painted = performance.timeOrigin + performance.now();
    for (const one of this.#drawn.splice(0)) {
      const detail = { ...one, painted };
      this.#meter.painted(painted - detail.received);
      this.#element.dispatchEvent(new CustomEvent<PaintedDetail>("painted", { detail, bubbles: true, composed: true }));
    }
  }

  get #isMeasured(): boolean {
    return this.#element.hasAttribute("measure");
  }
}
