/** What the captions cost their page, by the page's own clock: bounded lists in ms, newest last. */
export interface Measures {
  /** Script, style and layout time of each drawing. */
  draw_ms: number[];
  /** Time from a packet's arrival to its paint. */
  painted_ms: number[];
  /** Durations of any tasks of the page longer than 50 ms. */
  long_tasks_ms: number[];
  /** How many values were dropped. */
  dropped: number;
}

const limit = 20_000;

/** Measures only on request, because measuring layout itself takes time. */
export class Meter {
  #kept = nothing();
  #observer: PerformanceObserver | null = null;

  /** The values since the last call. */
  take(): Measures {
    const taken = this.#kept;
    this.#kept = nothing();
    return taken;
  }

  /** Starts or stops observing long tasks, where the browser reports them. */
  watch(on: boolean): void {
    this.#observer?.disconnect();
    this.#observer = null;
    if (!on || !PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#note("long_tasks_ms", duration);
    });
    this.#observer.observe({ type: "longtask" });
  }

  /** `layout` reads a property that forces the layout of what `draw` has drawn. */
  draw(draw: () => void, layout: () => unknown): void {
    const begun = performance.now();
    draw();
    layout();
    this.#note("draw_ms", performance.now() - begun);
  }

  painted(after_ms: number): void {
    this.#note("painted_ms", after_ms);
  }

  /** Counts a value that is not kept. */
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
