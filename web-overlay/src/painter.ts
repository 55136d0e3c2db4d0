/** Draws once a frame, however much has changed, and tells when that was painted. */
export class Painter {
  readonly #window: () => Window;
  readonly #draw: () => void;
  readonly #painted: () => void;
  #frame: Promise<void> | null = null;
  #finish: (() => void) | null = null;

  /** `window`: the one in which the captions stand now. */
  constructor(window: () => Window, draw: () => void, painted: () => void) {
    this.#window = window;
    this.#draw = draw;
    this.#painted = painted;
  }

  schedule(): void {
    this.#frame ??= new Promise((resolve) => {
      this.#finish = resolve;
      this.#window().requestAnimationFrame(() => {
        if (this.#finish !== resolve) return;
        this.#draw();
        afterPaint(() => {
          if (this.#finish !== resolve) return;
          this.#end();
          this.#painted();
        });
      });
    });
  }

  /** A window that was closed paints no more: what was due there is due again. */
  restart(): void {
    this.#end();
    this.schedule();
  }

  async rendered(): Promise<void> {
    await this.#frame;
  }

  #end(): void {
    this.#frame = null;
    this.#finish?.();
    this.#finish = null;
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
