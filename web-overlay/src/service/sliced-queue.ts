import { inNextTask } from "../dom";

/** Items handled before other events, the reader's among them, get their turn: some 10 ms of work. */
const slice = 200;
/** Half an hour of ten people who speak at once. */
const waitingLimit = 100_000;

/**
 * Handles items in their order: at once while there are few, and a slice of them per task when many
 * come together, as after a page was frozen. The page answers its reader meanwhile.
 */
export class SlicedQueue<Item> {
  readonly #handle: (item: Item) => void;
  readonly #drop: () => void;
  readonly #later: (then: () => void) => void;
  #waiting: Item[] = [];
  /** How many items this task has handled. */
  #handled = 0;

  /** `drop` is called for each item that finds the queue full. */
  constructor(handle: (item: Item) => void, drop: () => void, later = inNextTask) {
    this.#handle = handle;
    this.#drop = drop;
    this.#later = later;
  }

  push(item: Item): void {
    if (this.#waiting.length === 0 && this.#handled < slice) this.#take(item);
    else if (this.#waiting.length < waitingLimit) this.#waiting.push(item);
    else this.#drop();
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    while (this.#waiting.length > 0) await new Promise<void>((resolve) => this.#later(resolve));
  }

  #take(item: Item): void {
    if (this.#handled === 0) this.#later(() => this.#nextSlice());
    this.#handled += 1;
    this.#handle(item);
  }

  #nextSlice(): void {
    this.#handled = 0;
    const now = this.#waiting.slice(0, slice);
    this.#waiting = this.#waiting.slice(slice);
    for (const item of now) this.#take(item);
  }
}
