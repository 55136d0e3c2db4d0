import { Bar, type BarActions, type BarState } from "../controls/bar";
import { arrange, part, setText } from "../dom";
import type { Rows } from "../cues/rows";
import type { CueRecord } from "../cues/state";
import type { SpeakerNote } from "../service/status";
import type { Words } from "../strings/strings";
import { CaptionView, type Decoration } from "./caption-view";

// Letters and spaces have the frequencies of running text, so that the mean width is that of captions.
const sample = "Captions appear under each speaker as they talk, et les mots restent bien sur leur ligne.";
const notesLimit = 6;

export interface CaptionBoxFacts {
  readonly rows: Rows;
  readonly notes: readonly (SpeakerNote & { readonly name: string })[];
  /** The sentence shown when nobody speaks; "" for none. */
  readonly quiet: string;
  readonly bar: BarState;
  readonly words: Words;
}

/** The caption box: captions, notes on speakers, the state and the buttons. It can move to another window. */
export class CaptionBox {
  readonly element = part("div", "root");
  readonly frame = part("div", "frame");
  readonly view = new CaptionView();
  readonly bar: Bar;
  readonly #notes = part("ul", "notes");
  readonly #quiet = part("p", "quiet");
  readonly #status = part("p", "status");
  readonly #statusText = document.createElement("span");
  readonly #log = part("div", "log");
  readonly #ruler = part("span", "ruler");
  #resize: ResizeObserver | null = null;
  #width = 0;

  constructor(actions: BarActions) {
    this.bar = new Bar(actions);
    this.#status.setAttribute("role", "status");
    this.#status.append(this.#statusText);
    this.#ruler.textContent = sample;
    const measure = part("div", "measure", this.#ruler);
    measure.ariaHidden = "true";
    this.view.element.hidden = true;
    this.view.element.setAttribute("role", "region");
    this.#log.hidden = true;
    this.#log.setAttribute("role", "log");
    this.#log.tabIndex = 0;
    this.frame.append(this.bar.element, this.#notes, this.#status, this.#quiet, part("div", "slot", this.view.element), measure);
    this.element.append(this.frame, this.#log);
  }

  draw(facts: CaptionBoxFacts, at: number, decoration: Decoration): void {
    this.view.draw(facts.rows, at, decoration);
    this.view.element.ariaLabel = facts.words["captions.region"];
    this.bar.draw(facts.bar, facts.words);
    this.element.toggleAttribute("data-held", facts.bar.held);
    setText(this.#quiet, facts.quiet);
    this.#drawNotes(facts.notes);
  }

  /** Shows the state of the service. While captions run it is hidden, except from screen readers. */
  say(sentence: string): void {
    setText(this.#statusText, sentence);
  }

  hideStatus(hidden: boolean): void {
    this.#status.classList.toggle("unseen", hidden);
  }

  /** Sets whether finished captions are announced; earlier ones are not. */
  setLog(on: boolean, label: string): void {
    this.#log.hidden = !on;
    this.#log.ariaLabel = label;
    if (!on) this.#log.replaceChildren();
  }

  /** Adds a finished caption to the log for screen readers. */
  log({ speaker, name, text, lang }: Pick<CueRecord, "speaker" | "name" | "text" | "lang">): void {
    if (this.#log.hidden || text === "") return;
    const line = part("p", "log-line", part("bdi", "log-name"), ": ", part("span", "log-text"));
    line.children[0]?.append(name);
    line.children[1]?.append(text);
    if (lang !== "") line.lang = lang;
    line.dataset["speaker"] = speaker;
    this.#log.append(line);
    if (this.#log.childElementCount > 50) this.#log.firstElementChild?.remove();
  }

  /** Removes what somebody said from the log. */
  forget(speaker: string): void {
    for (const line of [...this.#log.children]) if ((line as HTMLElement).dataset["speaker"] === speaker) line.remove();
  }

  setLooks(looks: Readonly<Record<string, string | null>>): void {
    for (const [name, value] of Object.entries(looks)) {
      if (value === null) this.element.style.removeProperty(name);
      else this.element.style.setProperty(name, value);
    }
    this.#measureText();
  }

  /** Measures the mean character width, in which line length is counted: `ch`, the width of a zero, is wider. */
  watchSize(): void {
    this.#resize = new ResizeObserver(() => {
      this.#measureText();
      const width = this.frame.clientWidth;
      if (width !== this.#width) this.view.clearMarks();
      this.#width = width;
      this.element.style.setProperty("--_noted", `${this.#notes.offsetHeight}px`);
    });
    this.#resize.observe(this.#notes);
    this.#resize.observe(this.#ruler);
    this.#resize.observe(this.frame);
  }

  unwatchSize(): void {
    this.#resize?.disconnect();
  }

  #measureText(): void {
    const style = this.element.ownerDocument.defaultView?.getComputedStyle(this.#ruler);
    this.element.dataset["align"] = style?.textAlign ?? "";
    const em = Number.parseFloat(style?.fontSize ?? "");
    const width = this.#ruler.getBoundingClientRect().width / sample.length;
    if (width > 0 && em > 0) this.element.style.setProperty("--_character", `${(width / em).toFixed(4)}em`);
  }

  #drawNotes(notes: CaptionBoxFacts["notes"]): void {
    const known = new Map([...this.#notes.children].map((item) => [(item as HTMLElement).dataset["speaker"], item as HTMLElement]));
    const items = notes.slice(0, notesLimit).map(({ speaker, name, isOwn, sentence }) => {
      const item = known.get(speaker) ?? part("li", "note", part("bdi", "note-name"), part("span", "note-text"));
      item.dataset["speaker"] = speaker;
      if (item.children[0]) setText(item.children[0], isOwn ? "" : name);
      if (item.children[1]) setText(item.children[1], isOwn ? sentence : `: ${sentence}`);
      return item;
    });
    arrange(this.#notes, items);
  }
}
