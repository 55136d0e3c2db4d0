import { part } from "../dom";
import { gapBetween } from "../cues/spacing";
import type { CueRecord } from "../cues/state";
import { codePoints } from "../vtt";

/**
 * One cue on screen: a space, the settled text, and the tail, which may still change.
 *
 * A settled word can be continued ("4", "00"; "budget", ","), and greedy line breaking would then move all
 * of it to the next line. In that case the word is broken at the joint instead. A single character, usually
 * a comma, hangs over the edge of the line.
 */
export class CueView {
  readonly element = part("span", "cue");
  readonly #space = new Text();
  readonly #settled = part("span", "settled");
  readonly #tail = part("span", "tail");
  readonly #joints: number[] = [];
  #text = "";
  #length = 0; // of the settled beginning of #text
  #watched: { readonly joint: number; readonly line: number } | null = null;

  constructor() {
    this.element.append(this.#space, this.#settled, this.#tail);
  }

  /** Draws `cue`. `before` is the text that precedes it in its paragraph, `text` what is shown of its own: as long as that. */
  draw(cue: CueRecord, before: string, text: string): void {
    this.element.dataset["id"] = cue.id;
    if (cue.lang === "") this.element.removeAttribute("lang");
    else if (this.element.lang !== cue.lang) this.element.lang = cue.lang;
    const { length } = cue.state === "closed" ? cue.text : codePoints(cue.text).slice(0, cue.settled).join("");
    const joint = this.#jointWith(text);
    this.#watched = joint === null ? null : { joint, line: this.#lineOf(joint - 1) };
    const space = gapBetween(before, cue.text);
    if (this.#space.data !== space) this.#space.data = space;
    if (text === this.#text && length === this.#length) return;
    this.#text = text;
    this.#length = length;
    this.#write();
  }

  /** Moves a settled word back to its line. Call it once the whole paragraph is drawn. */
  hold(): void {
    if (!this.#watched) return;
    const { joint, line } = this.#watched;
    this.#watched = null;
    if (this.#lineOf(joint - 1) === line) return;
    this.#joints.push(joint);
    this.#write();
  }

  /** The offset at which the new text continues the last settled word, or null. */
  #jointWith(text: string): number | null {
    const joint = this.#length;
    if (joint === 0 || text === this.#text || this.#joints.includes(joint)) return null;
    const [last = "", next = ""] = text.slice(joint - 1, joint + 1);
    const isWithinWord = /^\S\S$/.test(last + next) && gapBetween(last, next) !== "";
    return isWithinWord && this.element.isConnected ? joint : null;
  }

  #lineOf(offset: number): number {
    const walker = document.createTreeWalker(this.element, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    let left = offset + this.#space.data.length;
    while (walker.nextNode()) {
      const node = walker.currentNode as Text;
      if (left < node.data.length) {
        range.setStart(node, left);
        range.setEnd(node, left + 1);
        break;
      }
      left -= node.data.length;
    }
    const top = this.element.parentElement?.getBoundingClientRect().top ?? 0;
    return Math.round(range.getBoundingClientRect().top - top);
  }

  #write(): void {
    writePart(this.#settled, this.#text, 0, this.#length, this.#joints);
    writePart(this.#tail, this.#text, this.#length, this.#text.length, this.#joints);
  }
}

function writePart(element: HTMLElement, text: string, from: number, to: number, joints: readonly number[]): void {
  const inside = joints.filter((joint) => joint >= from && joint < to).sort((a, b) => a - b);
  const only = element.firstChild;
  if (inside.length === 0 && element.childNodes.length === 1 && only instanceof Text) {
    const data = text.slice(from, to);
    if (only.data !== data) only.data = data;
    return;
  }
  const pieces: (Node | string)[] = [];
  let at = from;
  for (const joint of inside) {
    pieces.push(text.slice(at, joint));
    at = joint;
    if (/^\S(\s|$)/.test(text.slice(joint, joint + 2))) {
      const hanging = part("span", "hanging");
      hanging.textContent = text.slice(joint, joint + 1);
      pieces.push(hanging);
      at = joint + 1;
    } else pieces.push(document.createElement("wbr"));
  }
  element.replaceChildren(...pieces, text.slice(at, to));
}
