import { Badge, type BadgeFacts } from "./badge";
import { CueView } from "./cue-view";
import { arrange, part, setText } from "../dom";
import type { CueRecord } from "../cues/state";
import { firstSpeaking, isSpeaking, turnsOf, type GapRow, type Paragraph, type Row, type Rows, type TurnRow } from "../cues/rows";

export interface ShownRow {
  readonly speaker: string;
  readonly name: string;
  readonly text: string;
}

/** Supplies what is drawn besides the captions' own text. */
export interface Decoration {
  /** What is shown of a cue's text. */
  textOf(cue: CueRecord): string;
  /** What stands before a speaker's name; null for nothing. */
  badgeOf(row: TurnRow): BadgeFacts | null;
  /** The colour of a speaker's name; null for the default. */
  colourOf(speaker: string): string | null;
  gapText(gap: GapRow): string;
}

type Before = { readonly speaker: string; readonly name: string; readonly sameGroup: boolean } | null;

interface RowNodes {
  readonly element: HTMLDivElement;
  readonly badge: Badge;
  readonly name: HTMLElement;
  readonly text: HTMLDivElement;
}

/**
 * Draws rows. All text goes into text nodes, and a node is written only when its text changes. The words
 * of a cue stay in one inline flow, so that greedy line breaking keeps them on their lines.
 */
export class CaptionView {
  readonly element = part("div", "view");
  // Rows before the first speaking one take no space of their own: they fill what is left.
  readonly #past = part("div", "past");
  readonly #live = part("div", "live");
  readonly #rows = new Map<number, RowNodes>();
  readonly #gaps = new Map<number, HTMLElement>();
  readonly #paragraphs = new Map<number, HTMLParagraphElement>();
  readonly #cues = new Map<string, CueView>();
  readonly #marks = new Map<number, HTMLElement>();
  readonly #seen = new Set<number | string>();

  constructor() {
    this.element.append(this.#past, this.#live);
  }

  draw(rows: Rows, at: number, decoration: Decoration): void {
    this.#seen.clear();
    const first = firstSpeaking(rows, at);
    const elements = rows.rows.map((row, index) => this.#row(row, this.#before(rows.rows, index, first), decoration));
    arrange(this.#past, elements.slice(0, first));
    arrange(this.#live, elements.slice(first));
    const crowd = elements.length - first;
    this.element.dataset["crowd"] = crowd > 4 ? "many" : crowd > 2 ? "some" : crowd > 1 ? "few" : "one";
    this.element.style.setProperty("--_speaking", String(Math.max(1, crowd)));
    this.element.hidden = elements.length === 0;
    for (const map of [this.#rows, this.#gaps, this.#paragraphs, this.#cues, this.#marks] as Map<number | string, unknown>[]) {
      for (const key of map.keys()) if (!this.#seen.has(key)) map.delete(key);
    }
  }

  /** Marks the last line of each row that may continue, so that a reader who looks away finds it. No word moves. */
  markLast(rows: Rows, at: number, label: string): void {
    this.clearMarks();
    const turns = turnsOf(rows);
    for (const row of turns.filter((one) => one === turns.at(-1) || isSpeaking(one, at))) {
      const paragraph = row.paragraphs.at(-1);
      const element = paragraph && this.#paragraphs.get(paragraph.key);
      if (!element || element.clientHeight === 0) continue;
      const mark = part("span", "mark");
      mark.dataset["label"] = label;
      mark.style.insetBlockStart = `${element.clientHeight}px`;
      this.#marks.set(paragraph.key, mark);
      element.append(mark);
    }
  }

  clearMarks(): void {
    for (const mark of this.#marks.values()) mark.remove();
    this.#marks.clear();
  }

  /** The visible words, row by row. Measures every word, so it is too slow for every frame. */
  shown(rows: Rows): ShownRow[] {
    const sight = this.element.getBoundingClientRect();
    return turnsOf(rows).flatMap((row) => {
      const nodes = this.#rows.get(row.key);
      if (!nodes) return [];
      const clips = [sight, nodes.element.getBoundingClientRect(), nodes.text.getBoundingClientRect()];
      const text = visibleText(nodes.text, Math.max(...clips.map(({ top }) => top)), Math.min(...clips.map(({ bottom }) => bottom)));
      return text === "" ? [] : [{ speaker: row.speaker, name: row.name, text }];
    });
  }

  #row(row: Row, before: Before, decoration: Decoration): HTMLElement {
    this.#seen.add(row.key);
    return row.kind === "gap" ? this.#gap(row, decoration) : this.#turn(row, before, decoration);
  }

  /** Whose words precede those of a row. A name in another group may be out of sight. */
  #before(rows: readonly Row[], index: number, first: number): Before {
    const at = rows.findLastIndex((other, there) => there < index && other.kind === "turn");
    const row = rows[at];
    return row?.kind === "turn" ? { speaker: row.speaker, name: row.name, sameGroup: at < first === index < first } : null;
  }

  #gap(gap: GapRow, decoration: Decoration): HTMLElement {
    const element = this.#gaps.get(gap.key) ?? part("div", "gap", part("span", "gap-text"));
    this.#gaps.set(gap.key, element);
    if (element.firstElementChild) setText(element.firstElementChild, decoration.gapText(gap));
    return element;
  }

  #turn(row: TurnRow, before: Before, decoration: Decoration): HTMLElement {
    const nodes = this.#rows.get(row.key) ?? rowNodes();
    this.#rows.set(row.key, nodes);
    const dash = before && before.speaker !== row.speaker ? "– " : "";
    nodes.name.hidden = before?.sameGroup === true && before.speaker === row.speaker && before.name === row.name;
    write(nodes.name, dash, row.name, decoration.colourOf(row.speaker));
    nodes.badge.draw(decoration.badgeOf(row));
    arrange(
      nodes.text,
      row.paragraphs.map((paragraph) => this.#paragraph(paragraph, decoration)),
    );
    return nodes.element;
  }

  #paragraph(paragraph: Paragraph, decoration: Decoration): HTMLElement {
    this.#seen.add(paragraph.key);
    const element = this.#paragraphs.get(paragraph.key) ?? part("p", "paragraph");
    this.#paragraphs.set(paragraph.key, element);
    let before = "";
    const cues = paragraph.cues.map((cue) => {
      const view = this.#cue(cue, before, decoration);
      before = cue.text === "" ? before : cue.text;
      return view;
    });
    const mark = this.#marks.get(paragraph.key);
    arrange(element, [...cues.map((view) => view.element), ...(mark ? [mark] : [])]);
    for (const view of cues) view.hold();
    return element;
  }

  #cue(cue: CueRecord, before: string, decoration: Decoration): CueView {
    const key = `${cue.session} ${cue.id}`;
    this.#seen.add(key);
    const view = this.#cues.get(key) ?? new CueView();
    this.#cues.set(key, view);
    view.draw(cue, before, decoration.textOf(cue));
    return view;
  }
}

function rowNodes(): RowNodes {
  const badge = new Badge();
  // A bdi does not affect the direction of the row, so the name is on the side where the text starts.
  const name = part("div", "name", part("span", "dash"), badge.element, part("bdi", "speaker"));
  const text = part("div", "text");
  const element = part("div", "row", name, text);
  element.dir = "auto";
  return { element, badge, name, text };
}

function write(name: HTMLElement, dash: string, speaker: string, colour: string | null): void {
  const [dashPart, , speakerPart] = name.children;
  if (dashPart) setText(dashPart, dash);
  if (speakerPart) setText(speakerPart, speaker);
  if (name.dataset["colour"] === (colour ?? "")) return;
  name.dataset["colour"] = colour ?? "";
  if (colour) name.style.setProperty("--_name", colour);
  else name.style.removeProperty("--_name");
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
