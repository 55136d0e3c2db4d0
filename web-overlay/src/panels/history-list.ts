import { arrange, part } from "../dom";
import { timeText } from "./history";
import { paragraphWith, type GapEntry, type HistoryParagraph, type SpeechParagraph } from "./paragraphs";
import { hitsIn } from "./search";
import { gapBetween } from "../cues/spacing";
import type { CueRecord } from "../cues/state";
import { gapText } from "../service/status";
import type { Words } from "../strings/strings";

const aroundSight = 12;
const least_px = 26;
const guess_px = { head: 40, line: 24, characters: 45 };
const slack_px = 8;

/** A virtual list: only paragraphs near the visible part of the history are in the document. */
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
  #paragraphs: readonly HistoryParagraph[] = [];
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

  /** `current` and `into` are keys of entries: of the current match, and of the one to scroll to; null keeps the position. */
  draw(paragraphs: readonly HistoryParagraph[], query: string, current: string | null, words: Words, into: string | null): void {
    const { scrollTop } = this.element;
    const anchor = this.#follows || into !== null ? null : this.#anchor();
    this.#paragraphs = paragraphs;
    this.#query = query;
    this.#current = current;
    this.#words = words;
    this.element.ariaLabel = words["history.title"];
    if (into !== null) this.showEntry(into);
    else if (this.#follows) this.showEnd();
    else if (anchor) this.#show(anchor.key, anchor.offset);
    else this.#drawAt(scrollTop);
  }

  /** Scrolls to an entry. */
  showEntry(key: string): void {
    this.#follow(false);
    this.#show(key, this.element.clientHeight / 3);
  }

  showEnd(): void {
    this.#follow(true);
    this.#drawFrom(Math.max(0, this.#paragraphs.length - this.#most));
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

  /** The number of paragraphs to draw: as many as can be visible at most, and some around them. */
  get #most(): number {
    return Math.ceil(this.element.clientHeight / least_px) + 3 * aroundSight;
  }

  #isDrawn(from: number): boolean {
    const last = this.#paragraphs[Math.min(this.#paragraphs.length, from + this.#most) - 1];
    return last === undefined || this.#items.has(last.key);
  }

  /** The first visible entry, and its distance below the upper edge in px. */
  #anchor(): { readonly key: string; readonly offset: number } | null {
    const top = this.element.getBoundingClientRect().top;
    for (const [key, item] of this.#items) {
      if (item.getBoundingClientRect().bottom <= top) continue;
      const cue = [...item.querySelectorAll<HTMLElement>(".entry-cue")].find((one) => one.getBoundingClientRect().bottom > top);
      return { key: cue?.dataset["key"] ?? key, offset: (cue ?? item).getBoundingClientRect().top - top };
    }
    return null;
  }

  #show(key: string, offset: number): void {
    const index = paragraphWith(this.#paragraphs, key);
    this.#drawFrom(Math.max(0, (index === -1 ? this.#paragraphs.length : index) - aroundSight));
    this.#keep({ key, offset });
  }

  #keep({ key, offset }: { readonly key: string; readonly offset: number }): void {
    const cue = [...this.#list.querySelectorAll<HTMLElement>(".entry-cue")].find((one) => one.dataset["key"] === key);
    const item = cue ?? this.#items.get(key);
    if (item?.isConnected) this.element.scrollTop += item.getBoundingClientRect().top - this.element.getBoundingClientRect().top - offset;
  }

  #drawFrom(from: number): void {
    const words = this.#words;
    if (!words) return;
    this.#from = from;
    const drawn = this.#paragraphs.slice(from, from + this.#most);
    const items = drawn.map((paragraph, index) => this.#item(paragraph, from + index, words));
    const keys = new Set(drawn.map(({ key }) => key));
    for (const key of this.#items.keys()) if (!keys.has(key)) this.#items.delete(key);
    arrange(this.#list, items);
    for (const [index, item] of items.entries()) this.#heights.set(drawn[index]?.key ?? "", item.offsetHeight);
    this.#above.style.blockSize = `${this.#heightOf(0, from)}px`;
    this.#below.style.blockSize = `${this.#heightOf(from + drawn.length, this.#paragraphs.length)}px`;
  }

  #heightOf(from: number, to: number): number {
    let height = 0;
    for (const paragraph of this.#paragraphs.slice(from, to)) height += this.#height(paragraph);
    return height;
  }

  #indexAt(scrollTop: number): number {
    let height = 0;
    for (const [index, paragraph] of this.#paragraphs.entries()) {
      height += this.#height(paragraph);
      if (height > scrollTop) return index;
    }
    return Math.max(0, this.#paragraphs.length - 1);
  }

  #height(paragraph: HistoryParagraph): number {
    const known = this.#heights.get(paragraph.key);
    if (known !== undefined || paragraph.kind === "gap") return known ?? guess_px.head;
    const characters = paragraph.cues.reduce((sum, { cue }) => sum + cue.text.length, 0);
    return guess_px.head + guess_px.line * Math.floor(characters / guess_px.characters);
  }

  #item(paragraph: HistoryParagraph, index: number, words: Words): HTMLLIElement {
    const { key } = paragraph;
    const item = this.#items.get(key) ?? part("li", "entry");
    // The map keeps the order of the document.
    this.#items.delete(key);
    this.#items.set(key, item);
    item.ariaSetSize = String(this.#paragraphs.length);
    item.ariaPosInSet = String(index + 1);
    if (paragraph.kind === "gap") this.#drawGap(item, paragraph, words);
    else this.#drawSpeech(item, paragraph);
    return item;
  }

  #drawGap(item: HTMLLIElement, { at_ms, gap }: GapEntry, words: Words): void {
    this.#fill(item, `gap ${words["gap.missing"]}`, () => [part("p", "entry-gap", `${timeText(at_ms)} · ${gapText(gap, words)}`)]);
  }

  #drawSpeech(item: HTMLLIElement, { cues, name, at_ms }: SpeechParagraph): void {
    const current = cues.some(({ key }) => key === this.#current) ? this.#current : null;
    item.toggleAttribute("data-current", current !== null);
    this.#fill(item, JSON.stringify([cues.map(({ key, cue }) => [key, cue.rev, cue.state]), name, current, this.#query, timeText(at_ms)]), () => {
      const spoken = cues.flatMap(({ key, cue }, index) => [gapBetween(cues[index - 1]?.cue.text ?? "", cue.text), this.#cue(key, cue, key === current)]);
      const text = part("p", "entry-text", ...spoken);
      text.dir = "auto";
      return [part("div", "entry-head", part("bdi", "entry-name", name), part("span", "entry-time", timeText(at_ms))), text];
    });
  }

  #cue(key: string, { text, lang }: CueRecord, isCurrent: boolean): HTMLElement {
    const span = part("span", "entry-cue", ...marked(text, this.#query));
    span.dataset["key"] = key;
    span.toggleAttribute("data-current", isCurrent);
    if (lang !== "") span.lang = lang;
    return span;
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
