export interface Place {
  /** The horizontal centre and the lower edge of the caption box, in thousandths of its bounds. */
  readonly x: number;
  readonly y: number;
}

const step = 20;
const leap = 100;
const threshold_px = 4;

/** Moves the caption box by mouse, touch and arrow keys. */
export class Placement {
  readonly #frame: HTMLElement;
  readonly #bounds: HTMLElement;
  readonly #moved: (place: Place | null, done: boolean) => void;
  #from: { readonly pointer: number; readonly x: number; readonly y: number; readonly place: Place } | null = null;
  #place: Place | null = null;

  /** `moved` gets each place during a move and, with `done`, the last one; null restores the default position. */
  constructor(frame: HTMLElement, bounds: HTMLElement, grip: HTMLElement, moved: (place: Place | null, done: boolean) => void) {
    this.#frame = frame;
    this.#bounds = bounds;
    this.#moved = moved;
    grip.addEventListener("pointerdown", (event) => this.#begin(event));
    frame.addEventListener("pointerdown", (event) => {
      const isControl = (event.target as Element).closest("button, [tabindex='0']");
      if (event.pointerType === "mouse" && !isControl) this.#begin(event);
    });
    frame.addEventListener("pointermove", this.#onMove);
    frame.addEventListener("pointerup", this.#onEnd);
    frame.addEventListener("pointercancel", this.#onEnd);
    grip.addEventListener("keydown", this.#onKey);
  }

  /** Whether the box can be moved within its bounds. */
  enabled = true;

  #begin(event: PointerEvent): void {
    if (!this.enabled || event.button !== 0) return;
    this.#from = { pointer: event.pointerId, x: event.clientX, y: event.clientY, place: this.#now() };
    this.#place = null;
  }

  readonly #onMove = (event: PointerEvent): void => {
    if (event.pointerId !== this.#from?.pointer) return;
    const { x, y, place } = this.#from;
    const [right, down] = [event.clientX - x, event.clientY - y];
    if (!this.#place && Math.hypot(right, down) < threshold_px) return;
    if (!this.#place) this.#frame.setPointerCapture(event.pointerId);
    const { width, height } = this.#bounds.getBoundingClientRect();
    this.#show({ x: place.x + (right / width) * 1000, y: place.y + (down / height) * 1000 }, false);
  };

  readonly #onEnd = (event: PointerEvent): void => {
    if (event.pointerId !== this.#from?.pointer) return;
    this.#from = null;
    if (this.#place) this.#show(this.#place, true);
  };

  readonly #onKey = (event: KeyboardEvent): void => {
    if (!this.enabled || event.ctrlKey || event.altKey || event.metaKey) return;
    const by = event.shiftKey ? leap : step;
    const moves: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    const move = moves[event.key];
    if (event.key === "Home") this.#moved(null, true);
    else if (move) this.#show({ x: this.#now().x + move[0], y: this.#now().y + move[1] }, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  #show(place: Place, done: boolean): void {
    const frame = this.#frame.getBoundingClientRect();
    const bounds = this.#bounds.getBoundingClientRect();
    const half = (frame.width / bounds.width) * 500;
    const least_y = Math.min(1_000, (frame.height / bounds.height) * 1_000);
    this.#place = { x: within(place.x, half, 1_000 - half), y: within(place.y, least_y, 1_000) };
    this.#moved(this.#place, done);
  }

  #now(): Place {
    const frame = this.#frame.getBoundingClientRect();
    const bounds = this.#bounds.getBoundingClientRect();
    return {
      x: ((frame.left + frame.width / 2 - bounds.left) / bounds.width) * 1_000,
      y: ((frame.bottom - bounds.top) / bounds.height) * 1_000,
    };
  }
}

function within(value: number, least: number, most: number): number {
  return Math.round(Math.max(0, Math.min(1_000, Math.max(Math.min(value, most), least))));
}
