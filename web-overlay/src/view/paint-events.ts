import type { Packet } from "../contract";
import { Meter, type Measures } from "./measures";
import type { CueRecord } from "../cues/state";

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

/** Of packets that came while the page, out of sight, paints nothing. */
const limit = 500;

/** What was taken in and not yet painted. With the attribute `measure` it tells the page of each painting. */
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

  /** `cue`: as it is after the packet; undefined when it is gone. */
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
    // What comes between this drawing and its paint is in the next one.
    this.#drawn.push(...this.#waiting.splice(0));
    if (this.#isMeasured) this.#meter.draw(draw, () => drawn.getBoundingClientRect());
    else draw();
  }

  /** All that was drawn is painted now. */
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
