/** What the captions cost their page, by the page's own clock. All in ms, newest last, bounded. */
export interface Measures {
  /** Script, style and layout of each drawing. */
  draw_ms: number[];
  /** From a packet's arrival to its paint. */
  painted_ms: number[];
  /** Tasks of the page, of whatever kind, that took longer than 50 ms. */
  long_tasks_ms: number[];
  /** How many of these were let go. */
  dropped: number;
}

const limit = 20_000;

/** Measures while it is asked to: measuring the layout costs time too. */
export class Meter {
  #kept = nothing();
  #observer: PerformanceObserver | null = null;

  /** What came since this was asked last. */
  take(): Measures {
    const taken = this.#kept;
    this.#kept = nothing();
    return taken;
  }

  /** Begins or ends watching for long tasks; a browser that tells of none gives none. */
  watch(on: boolean): void {
    this.#observer?.disconnect();
    this.#observer = null;
    if (!on || !PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#note("long_tasks_ms", duration);
    });
    this.#observer.observe({ type: "longtask" });
  }

  /** `layout` reads something of `draw`'s that needs the layout. */
  draw(draw: () => void, layout: () => unknown): void {
    const begun = performance.now();
    draw();
    layout();
    this.#note("draw_ms", performance.now() - begun);
  }

  painted(after_ms: number): void {
    this.#note("painted_ms", after_ms);
  }

  /** A paint that nobody will tell of. */
  drop(): void {
    this.#kept.dropped += 1;
  }

  #note(kind: "draw_ms" | "painted_ms" | "long_tasks_ms", value: number): void {
    if (this.#kept[kind].length === limit) this.drop();
    else this.#kept[kind].push(value);
  }
}

function nothing(): Measures {
  return { draw_ms: [], painted_ms: [], long_tasks_ms: [], dropped: 0 };
}
