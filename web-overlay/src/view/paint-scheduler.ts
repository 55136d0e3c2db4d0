import { inNextTask } from "../dom";

/** Draws at most once per frame, and reports when the frame is painted. */
export class PaintScheduler {
  readonly #window: () => Window;
  readonly #draw: () => void;
  readonly #painted: () => void;
  /** Resolves when everything scheduled is painted. */
  #rendered: Promise<void> = Promise.resolve();
  /** Resolves `#rendered`; null unless a frame is waiting to be drawn. */
  #finish: (() => void) | null = null;

  /** `window` returns the window that shows the captions. */
  constructor(window: () => Window, draw: () => void, painted: () => void) {
    this.#window = window;
    this.#draw = draw;
    this.#painted = painted;
  }

  schedule(): void {
    if (this.#finish) return;
    this.#rendered = new Promise((resolve) => (this.#finish = resolve));
    this.#ask();
  }

  /** Schedules the frame again: a window that was closed no longer paints. */
  restart(): void {
    if (this.#finish) this.#ask();
    else this.schedule();
  }

  async rendered(): Promise<void> {
    await this.#rendered;
  }

  #ask(): void {
    this.#window().requestAnimationFrame(() => {
      const finish = this.#finish;
      if (!finish) return;
      // From here on, even before this frame is painted, a change needs a frame of its own.
      this.#finish = null;
      this.#draw();
      // A task after a frame's callbacks runs when the frame is painted.
      inNextTask(() => {
        finish();
        this.#painted();
      });
    });
  }
}
