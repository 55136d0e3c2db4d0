/** Draws once a frame, however much has changed, and tells when that was painted. */
export class PaintScheduler {
  readonly #window: () => Window;
  readonly #draw: () => void;
  readonly #painted: () => void;
  /** When all that was scheduled is painted. */
  #rendered: Promise<void> = Promise.resolve();
  /** Of a frame that is not yet drawn. */
  #finish: (() => void) | null = null;

  /** `window`: the one in which the captions stand now. */
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

  /** A window that was closed paints no more: what was due there is due again. */
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
      // From here on, also before this is painted, what changes asks for a frame of its own.
      this.#finish = null;
      this.#draw();
      afterPaint(() => {
        finish();
        this.#painted();
      });
    });
  }
}

function afterPaint(then: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then();
  };
  port2.postMessage(null);
}
