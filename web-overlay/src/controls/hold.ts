const slack_px = 4;

/**
 * Holds captions in place and jumps back to live. Held captions can be scrolled; scrolling back to the end
 * ends the hold.
 */
export class Hold {
  readonly #scroller: HTMLElement;
  readonly #changed: (held: boolean) => void;
  #held = false;
  #wasAway = false;
  /** How many captions have arrived since the hold began. */
  waiting = 0;

  /** `changed` must draw synchronously, so that the end stays in sight. */
  constructor(scroller: HTMLElement, changed: (held: boolean) => void) {
    this.#scroller = scroller;
    this.#changed = changed;
    scroller.addEventListener("wheel", this.#onWheel, { passive: true });
    scroller.addEventListener("scroll", this.#onScroll, { passive: true });
    scroller.addEventListener("touchmove", this.#onTouch, { passive: true });
    scroller.addEventListener("touchstart", this.#onTouchStart, { passive: true });
  }

  get held(): boolean {
    return this.#held;
  }

  hold(): void {
    this.#set(true);
  }

  live(): void {
    this.#set(false);
  }

  #touched_y = 0;

  #set(held: boolean): void {
    if (held === this.#held) return;
    const height = this.#scroller.clientHeight;
    this.#held = held;
    this.#wasAway = false;
    this.waiting = 0;
    this.#changed(held);
    this.#scroller.tabIndex = held ? 0 : -1;
    if (held) this.#fill(height);
    else this.#free();
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Fixes the height of the box and fills it, so that captions that arrive during the hold are added below and move nothing. */
  #fill(height: number): void {
    const { style, children } = this.#scroller;
    const content = [...children].reduce((sum, child) => sum + child.getBoundingClientRect().height, 0);
    // A box at the top of the window would have to grow downwards, which moves the words.
    const growsUp = this.#scroller.closest("[data-position='top']") === null;
    const most = growsUp ? Math.max(height, Math.min(content, this.#scroller.ownerDocument.defaultView?.innerHeight ?? height)) : height;
    style.blockSize = `${most}px`;
    const free = this.#scroller.clientHeight - content;
    style.paddingBlockStart = `${Math.max(0, free)}px`;
  }

  #free(): void {
    this.#scroller.style.removeProperty("block-size");
    this.#scroller.style.removeProperty("padding-block-start");
  }

  readonly #onWheel = (event: WheelEvent): void => {
    if (event.deltaY < 0 && !event.ctrlKey) this.hold();
  };

  readonly #onTouchStart = (event: TouchEvent): void => {
    this.#touched_y = event.touches[0]?.clientY ?? 0;
  };

  readonly #onTouch = (event: TouchEvent): void => {
    const y = event.touches[0]?.clientY ?? 0;
    if (y - this.#touched_y > 12) this.hold();
  };

  readonly #onScroll = (): void => {
    if (!this.#held) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const isAtEnd = scrollHeight - clientHeight - scrollTop <= slack_px;
    if (!isAtEnd) this.#wasAway = true;
    else if (this.#wasAway) this.live();
  };
}
