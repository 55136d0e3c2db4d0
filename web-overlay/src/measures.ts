/** What the captions cost their page, by the page's own clock. All in ms, newest last, bounded. */
export interface Measures {
  /** Script, style and layout of each drawing. */
  readonly draw_ms: readonly number[];
  /** From a packet's arrival to its paint. */
  readonly painted_ms: readonly number[];
  /** Tasks of the page, of whatever kind, that took longer than 50 ms. */
  readonly long_tasks_ms: readonly number[];
  /** How many of these were let go. */
  readonly dropped: number;
}

const limit = 20_000;

/** Measures while it is asked to: measuring the layout costs time too. */
export class Meter {
  readonly #draws: number[] = [];
  readonly #paints: number[] = [];
  readonly #tasks: number[] = [];
  #dropped = 0;
  #observer: PerformanceObserver | null = null;

  get measures(): Measures {
    return { draw_ms: this.#draws, painted_ms: this.#paints, long_tasks_ms: this.#tasks, dropped: this.#dropped };
  }

  /** Begins or ends watching for long tasks; a browser that tells of none gives none. */
  watch(on: boolean): void {
    this.#observer?.disconnect();
    this.#observer = null;
    if (!on || !PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#note(this.#tasks, duration);
    });
    this.#observer.observe({ type: "longtask" });
  }

  /** `layout` reads something of `draw`'s that needs the layout. */
  draw(draw: () => void, layout: () => unknown): void {
    const begun = performance.now();
    draw();
    layout();
    this.#note(this.#draws, performance.now() - begun);
  }

  painted(after_ms: number): void {
    this.#note(this.#paints, after_ms);
  }

  /** A paint that nobody will tell of. */
  drop(): void {
    this.#dropped += 1;
  }

  #note(list: number[], value: number): void {
    if (list.length === limit) this.drop();
    else list.push(value);
  }
}
