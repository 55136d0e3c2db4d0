import { arrange, part } from "../dom";
import { timeText, type Entry } from "./history";
import { hitsIn } from "./search";
import { gapText } from "../service/status";
import type { Words } from "../strings/strings";

const aroundSight = 12;
const least_px = 26;
const guess_px = 56;
const slack_px = 8;

/** A virtual list: only entries near the visible part of the history are in the document. */
export class HistoryList {
  readonly element = part("div", "history-scroll");
  readonly #above = part("div", "space");
  readonly #list = part("ol", "history-list");
  readonly #below = part("div", "space");
  readonly #heights = new Map<string, number>();
  readonly #items = new Map<string, HTMLLIElement>();
  /** What each item shows, so that unchanged items are not drawn again. */
  readonly #versions = new WeakMap<HTMLLIElement, string>();
  readonly #reachedTop: () => void;
  readonly #followed: (follows: boolean) => void;
  #entries: readonly Entry[] = [];
  #query = "";
  #current: string | null = null;
  #words: Words | null = null;
  #from = 0;
  #follows = true;

  /** `followed` is told whether the list follows the newest entry. */
  constructor(reachedTop: () => void, followed: (follows: boolean) => void) {
    this.#reachedTop = reachedTop;
    this.#followed = followed;
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "region");
    this.element.append(this.#above, this.#list, this.#below);
    this.element.addEventListener("scroll", () => this.#onScroll(), { passive: true });
  }

  /** `into` is the index of the entry to scroll to; null keeps the position. */
  draw(entries: readonly Entry[], query: string, current: string | null, words: Words, into: number | null): void {
    const { scrollTop } = this.element;
    const anchor = this.#follows || into !== null ? null : this.#anchor();
    this.#entries = entries;
    this.#query = query;
    this.#current = current;
    this.#words = words;
    this.element.ariaLabel = words["history.title"];
    if (into !== null) this.showIndex(into);
    else if (this.#follows) this.showEnd();
    else if (anchor) this.#show(anchor.key, anchor.offset);
    else this.#drawAt(scrollTop);
  }

  /** Scrolls to an entry. */
  showIndex(index: number): void {
    const entry = this.#entries[index];
    if (!entry) return;
    this.#follow(false);
    this.#show(entry.key, this.element.clientHeight / 3);
  }

  showEnd(): void {
    this.#follow(true);
    this.#drawFrom(Math.max(0, this.#entries.length - this.#most));
    this.element.scrollTop = this.element.scrollHeight;
  }

  #follow(follows: boolean): void {
    this.#follows = follows;
    this.#followed(follows);
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    this.#follow(scrollHeight - clientHeight - scrollTop <= slack_px);
    if (scrollTop < clientHeight && this.#from === 0) this.#reachedTop();
    const first = this.#indexAt(scrollTop);
    const isNear = first - this.#from > 2 && first - this.#from < 2 * aroundSight;
    if (!isNear) this.#drawAt(scrollTop);
  }

  #drawAt(scrollTop: number): void {
    const from = Math.max(0, this.#indexAt(scrollTop) - aroundSight);
    if (from === this.#from && this.#list.childElementCount > 0 && this.#isDrawn(from)) return;
    const anchor = this.#anchor();
    this.#drawFrom(from);
    if (anchor) this.#keep(anchor);
  }

  /** The number of entries to draw: as many as can be visible at most, and some around them. */
  get #most(): number {
    return Math.ceil(this.element.clientHeight / least_px) + 3 * aroundSight;
  }

  #isDrawn(from: number): boolean {
    const last = this.#entries[Math.min(this.#entries.length, from + this.#most) - 1];
    return last === undefined || this.#items.has(last.key);
  }

  /** The first visible entry, and its distance below the upper edge in px. */
  #anchor(): { readonly key: string; readonly offset: number } | null {
    const top = this.element.getBoundingClientRect().top;
    for (const [key, item] of this.#items) {
      const box = item.getBoundingClientRect();
      if (box.height > 0 && box.bottom > top) return { key, offset: box.top - top };
    }
    return null;
  }

  #show(key: string, offset: number): void {
    const index = this.#entries.findIndex((entry) => entry.key === key);
    this.#drawFrom(Math.max(0, (index === -1 ? this.#entries.length : index) - aroundSight));
    this.#keep({ key, offset });
  }

  #keep({ key, offset }: { readonly key: string; readonly offset: number }): void {
    const item = this.#items.get(key);
    if (item?.isConnected) this.element.scrollTop += item.getBoundingClientRect().top - this.element.getBoundingClientRect().top - offset;
  }

  #drawFrom(from: number): void {
    const words = this.#words;
    if (!words) return;
    this.#from = from;
    const drawn = this.#entries.slice(from, from + this.#most);
    const items = drawn.map((entry, index) => this.#item(entry, this.#entries[from + index - 1], from + index, words));
    const keys = new Set(drawn.map(({ key }) => key));
    for (const key of this.#items.keys()) if (!keys.has(key)) this.#items.delete(key);
    arrange(this.#list, items);
    for (const [index, item] of items.entries()) this.#heights.set(drawn[index]?.key ?? "", item.offsetHeight);
    this.#above.style.blockSize = `${this.#heightOf(0, from)}px`;
    this.#below.style.blockSize = `${this.#heightOf(from + drawn.length, this.#entries.length)}px`;
  }

  #heightOf(from: number, to: number): number {
    let height = 0;
    for (let index = from; index < to; index += 1) height += this.#heights.get(this.#entries[index]?.key ?? "") ?? guess_px;
    return height;
  }

  #indexAt(scrollTop: number): number {
    let height = 0;
    for (let index = 0; index < this.#entries.length; index += 1) {
      height += this.#heights.get(this.#entries[index]?.key ?? "") ?? guess_px;
      if (height > scrollTop) return index;
    }
    return Math.max(0, this.#entries.length - 1);
  }

  #item(entry: Entry, before: Entry | undefined, index: number, words: Words): HTMLLIElement {
    const item = this.#items.get(entry.key) ?? part("li", "entry");
    // The map keeps the order of the document.
    this.#items.delete(entry.key);
    this.#items.set(entry.key, item);
    item.ariaSetSize = String(this.#entries.length);
    item.ariaPosInSet = String(index + 1);
    item.toggleAttribute("data-current", entry.key === this.#current);
    if (entry.kind === "gap") this.#fill(item, `gap ${words["gap.missing"]}`, () => [part("p", "entry-gap", `${timeText(entry.at_ms)} · ${gapText(entry.gap, words)}`)]);
    else this.#drawCue(item, entry, before);
    return item;
  }

  #drawCue(item: HTMLLIElement, { cue, at_ms }: Entry & { readonly kind: "cue" }, before: Entry | undefined): void {
    const goesOn = before?.kind === "cue" && before.cue.speaker === cue.speaker && at_ms - before.at_ms < 60_000;
    this.#fill(item, JSON.stringify([cue.rev, cue.state, cue.name, goesOn, this.#query, timeText(at_ms)]), () => {
      const text = part("p", "entry-text", ...marked(cue.text, this.#query));
      text.dir = "auto";
      if (cue.lang !== "") text.lang = cue.lang;
      if (goesOn) return [text];
      return [part("div", "entry-head", part("bdi", "entry-name", cue.name), part("span", "entry-time", timeText(at_ms))), text];
    });
  }

  #fill(item: HTMLLIElement, version: string, children: () => Node[]): void {
    if (this.#versions.get(item) === version) return;
    this.#versions.set(item, version);
    item.replaceChildren(...children());
  }
}

function marked(text: string, query: string): Node[] {
  const pieces: Node[] = [];
  let at = 0;
  for (const [start, end] of hitsIn(text, query)) {
    pieces.push(new Text(text.slice(at, start)), part("mark", "hit", text.slice(start, end)));
    at = end;
  }
  return [...pieces, new Text(text.slice(at))];
}

