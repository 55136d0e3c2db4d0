import { CueView, part } from "./cue-view";
import type { CueRecord } from "./state";
import { firstSpeaking, type Paragraph, type Row, type Rows } from "./rows";

export interface ShownRow {
  readonly speaker: string;
  readonly name: string;
  readonly text: string;
}

interface RowNodes {
  readonly element: HTMLDivElement;
  readonly name: HTMLElement;
  readonly text: HTMLDivElement;
}

/**
 * Draws rows. Text goes in through text nodes only, and a node is touched only when its text changes:
 * a cue's words stay in the same inline flow, so that greedy line breaking keeps them on their lines.
 */
export class CaptionView {
  readonly element = part("div", "view");
  // Rows before the first one in which somebody speaks take no room: they only fill what is left.
  readonly #past = part("div", "past");
  readonly #live = part("div", "live");
  readonly #rows = new Map<number, RowNodes>();
  readonly #paragraphs = new Map<number, HTMLParagraphElement>();
  readonly #cues = new Map<string, CueView>();
  readonly #seen = new Set<number | string>();

  constructor() {
    this.element.append(this.#past, this.#live);
  }

  draw(rows: Rows, at: number): void {
    this.#seen.clear();
    const first = firstSpeaking(rows, at);
    const elements = rows.rows.map((row, index) => this.#row(row, rows.rows[index - 1]));
    arrange(this.#past, elements.slice(0, first));
    arrange(this.#live, elements.slice(first));
    const crowd = elements.length - first;
    this.element.dataset["crowd"] = crowd > 4 ? "many" : crowd > 2 ? "some" : "few";
    this.element.hidden = elements.length === 0;
    for (const map of [this.#rows, this.#paragraphs, this.#cues] as Map<number | string, unknown>[]) {
      for (const key of map.keys()) if (!this.#seen.has(key)) map.delete(key);
    }
  }

  /** The words that are in sight, row by row. Measures every word: not for every frame. */
  shown(rows: Rows): ShownRow[] {
    const sight = this.element.getBoundingClientRect();
    return rows.rows.flatMap((row) => {
      const nodes = this.#rows.get(row.key);
      if (!nodes) return [];
      const clip = nodes.text.getBoundingClientRect();
      const text = visibleText(nodes.text, Math.max(clip.top, sight.top), Math.min(clip.bottom, sight.bottom));
      return text === "" ? [] : [{ speaker: row.speaker, name: row.name, text }];
    });
  }

  #row(row: Row, before: Row | undefined): HTMLElement {
    this.#seen.add(row.key);
    const nodes = this.#rows.get(row.key) ?? rowNodes();
    this.#rows.set(row.key, nodes);
    const dash = before && before.speaker !== row.speaker ? "– " : "";
    write(nodes.name, dash, row.name);
    arrange(
      nodes.text,
      row.paragraphs.map((paragraph) => this.#paragraph(paragraph)),
    );
    return nodes.element;
  }

  #paragraph(paragraph: Paragraph): HTMLElement {
    this.#seen.add(paragraph.key);
    const element = this.#paragraphs.get(paragraph.key) ?? part("p", "paragraph");
    this.#paragraphs.set(paragraph.key, element);
    let started = false;
    const cues = paragraph.cues.map((cue) => {
      const view = this.#cue(cue, started);
      started ||= cue.text !== "";
      return view;
    });
    arrange(
      element,
      cues.map((view) => view.element),
    );
    for (const view of cues) view.hold();
    return element;
  }

  #cue(cue: CueRecord, started: boolean): CueView {
    const key = `${cue.session} ${cue.id}`;
    this.#seen.add(key);
    const view = this.#cues.get(key) ?? new CueView();
    this.#cues.set(key, view);
    view.draw(cue, started);
    return view;
  }
}

function rowNodes(): RowNodes {
  const element = part("div", "row");
  // The name, being a bdi, has no say in it: it stands on the side where the text begins.
  element.dir = "auto";
  const name = part("div", "name");
  name.append(part("span", "dash"), part("bdi", "speaker"));
  const text = part("div", "text");
  element.append(name, text);
  return { element, name, text };
}

function write(name: HTMLElement, dash: string, speaker: string): void {
  const [dashPart, speakerPart] = name.children;
  if (dashPart && dashPart.textContent !== dash) dashPart.textContent = dash;
  if (speakerPart && speakerPart.textContent !== speaker) speakerPart.textContent = speaker;
}

/** Makes `children` the children of `parent`, moving only what is out of place. */
function arrange(parent: HTMLElement, children: readonly HTMLElement[]): void {
  const wanted = new Set<Element>(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  });
}

function visibleText(root: HTMLElement, top: number, bottom: number): string {
  const range = document.createRange();
  const paragraphs = [...root.children].map((paragraph) => {
    const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
    let text = "";
    while (walker.nextNode()) {
      const node = walker.currentNode as Text;
      for (const piece of node.data.matchAll(/\s+|\S+/g)) {
        range.setStart(node, piece.index);
        range.setEnd(node, piece.index + piece[0].length);
        const box = range.getBoundingClientRect();
        const middle = (box.top + box.bottom) / 2;
        if (piece[0].trim() === "" || (middle > top && middle < bottom)) text += piece[0];
      }
    }
    return text.trim();
  });
  return paragraphs.filter((text) => text !== "").join(" ");
}
