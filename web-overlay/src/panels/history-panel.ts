import { iconButton, part, relabel, setText } from "../dom";
import { offerFile } from "./files";
import { filtered, History, indexAt, isClock, speakersIn, timeIn, timeText, type Entry } from "./history";
import { fileOf, formats, txtOf, type Format } from "./history-files";
import { HistoryList } from "./history-list";
import { Panel } from "./panel";
import { paragraphsOf } from "./paragraphs";
import { searchFor } from "./search";
import type { CaptionState } from "../cues/state";
import { say, type Words } from "../strings/strings";

/** The source of the history. */
export interface HistorySource {
  readonly model: { readonly state: CaptionState };
  /** Fetches an older page. Resolves to whether there are more. */
  loadOlder(): Promise<boolean>;
}

type Notice = `history.${"loading" | "incomplete" | "copied" | "not-copied" | "time.bad" | "time.before" | "time.after"}`;

const pause_ms = 400;
const touchedMost = 5_000;

/** The panel with everything said so far, to scroll through, search and save. */
export class HistoryPanel {
  readonly panel: Panel;
  readonly #source: HistorySource;
  readonly #history = new History();
  readonly #list: HistoryList;
  readonly #search = part("input", "input");
  readonly #hits = part("output", "hits");
  readonly #previous: HTMLButtonElement;
  readonly #next: HTMLButtonElement;
  readonly #speaker = part("select", "menu");
  readonly #time = part("input", "input time");
  readonly #go = part("button", "button");
  readonly #copy = part("button", "button");
  readonly #downloads = part("div", "downloads");
  readonly #downloadLabel = part("span", "download-label");
  readonly #notice = part("p", "notice");
  readonly #latest = part("button", "button latest");
  readonly #empty = part("p", "hint empty");
  #words: Words | null = null;
  #language = "en";
  #shown: readonly Entry[] = [];
  #found: number[] = [];
  #current = -1;
  #loading: Promise<boolean> | null = null;
  #speakersDrawn = "";
  #touched = new Map<string, readonly [session: string, id: string]>();
  #updated_at = 0;

  constructor(source: HistorySource, closed: () => void) {
    this.#source = source;
    this.panel = new Panel("history", closed);
    this.#list = new HistoryList(
      () => void this.#load(false),
      (follows) => this.panel.element.toggleAttribute("data-follows", follows),
    );
    this.#previous = iconButton("tool", "up", "", () => this.#step(-1));
    this.#next = iconButton("tool", "down", "", () => this.#step(1));
    this.#build();
  }

  /** Notes that a cue is new or has changed. */
  touch(session: string, id: string): void {
    this.#touched.set(`${session} ${id}`, [session, id]);
    // `tick` follows drawing, and a background tab does not draw.
    if (this.#touched.size > touchedMost) this.#update();
  }

  /** Updates the history at most every `pause_ms`. */
  tick(at: number): void {
    if (at - this.#updated_at < pause_ms) return;
    this.#updated_at = at;
    this.#update();
  }

  #update(): void {
    if (this.#take() && this.panel.isOpen) this.#show();
  }

  #take(): boolean {
    const changed = [...this.#touched.values()];
    this.#touched.clear();
    return this.#history.update(this.#source.model.state, changed);
  }

  draw(words: Words, language: string, title: string): void {
    this.#words = words;
    this.#language = language;
    this.panel.name(title, words["bar.close"]);
    const labels = [
      [this.#search, words["history.search"]],
      [this.#speaker, words["history.speaker"]],
      [this.#time, words["history.time"]],
    ] as const;
    for (const [field, label] of labels) field.ariaLabel = label;
    this.#search.placeholder = words["history.search"];
    this.#time.placeholder = words["history.time"];
    relabel(this.#previous, words["history.previous"]);
    relabel(this.#next, words["history.next"]);
    setText(this.#go, words["history.go"]);
    setText(this.#copy, words["history.copy"]);
    setText(this.#downloadLabel, words["history.download"]);
    setText(this.#latest, words["history.latest"]);
    setText(this.#empty, words["history.empty"]);
    this.#take();
    this.#show();
  }

  #build(): void {
    this.#search.type = "search";
    this.#time.inputMode = "numeric";
    this.#time.size = 8;
    this.#notice.setAttribute("role", "status");
    for (const button of [this.#go, this.#copy, this.#latest]) button.type = "button";
    this.#search.addEventListener("input", () => this.#searchAgain());
    this.#search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#step(event.shiftKey ? -1 : 1);
    });
    this.#speaker.addEventListener("change", () => this.#show());
    this.#time.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#goTo();
    });
    this.#go.addEventListener("click", () => this.#goTo());
    this.#copy.addEventListener("click", () => void this.#copyAll());
    this.#latest.addEventListener("click", () => this.#list.showEnd());
    this.#downloads.append(this.#downloadLabel, ...(Object.keys(formats) as Format[]).map((format) => this.#download(format)));
    const find = part("div", "tools", this.#search, this.#hits, this.#previous, this.#next);
    const go = part("div", "tools", this.#speaker, part("div", "tools time-tools", this.#time, this.#go));
    const keep = part("div", "tools", this.#copy, this.#downloads);
    this.panel.body.append(part("div", "history-tools", find, go, keep, this.#notice), this.#empty, this.#list.element, this.#latest);
  }

  #download(format: Format): HTMLButtonElement {
    const button = part("button", "button", `.${format}`);
    button.type = "button";
    button.addEventListener("click", () => void this.#save(format));
    return button;
  }

  #show(): void {
    const words = this.#words;
    if (!words) return;
    const { entries } = this.#history;
    this.#drawSpeakers(entries, words);
    this.#shown = filtered(entries, { speaker: this.#speaker.value === "" ? null : this.#speaker.value.slice(1) });
    this.#findAll();
    this.#empty.hidden = this.#shown.length > 0;
    this.#drawList();
  }

  /** `toHit` scrolls to the current match. */
  #drawList(toHit = false): void {
    if (!this.#words) return;
    const index = this.#found[this.#current] ?? -1;
    const current = this.#shown[index]?.key ?? null;
    this.#list.draw(paragraphsOf(this.#shown), this.#search.value, current, this.#words, toHit ? current : null);
  }

  #drawSpeakers(entries: readonly Entry[], words: Words): void {
    const speakers = [...speakersIn(entries)];
    const key = JSON.stringify([words["history.everybody"], speakers]);
    if (this.#speakersDrawn === key) return;
    this.#speakersDrawn = key;
    const { value } = this.#speaker;
    const { compare } = new Intl.Collator(this.#language);
    const sorted = speakers.sort(([, a], [, b]) => compare(a, b));
    // Identities have a colon in front, so that none equals the value of "everybody".
    const wanted = [["", words["history.everybody"]] as const, ...sorted.map(([identity, name]) => [`:${identity}`, name] as const)];
    this.#speaker.replaceChildren(
      ...wanted.map(([identity, name]) => {
        const option = part("option", "option", name);
        option.value = identity;
        return option;
      }),
    );
    this.#speaker.value = wanted.some(([identity]) => identity === value) ? value : "";
  }

  #findAll(): void {
    const words = this.#words;
    const query = this.#search.value;
    const isSearching = query.trim() !== "";
    const key = this.#shown[this.#found[this.#current] ?? -1]?.key;
    this.#found = isSearching ? this.#hitsOf(query) : [];
    this.#current = this.#found.findIndex((index) => this.#shown[index]?.key === key);
    if (this.#current === -1) this.#current = this.#found.length - 1;
    const count = this.#found.length;
    if (words) setText(this.#hits, !isSearching ? "" : count === 0 ? words["history.no-hits"] : say(words["history.hits"], { number: this.#current + 1, count }));
    this.#previous.disabled = this.#next.disabled = count === 0;
  }

  #hitsOf(query: string): number[] {
    const isHit = searchFor(query);
    const found: number[] = [];
    for (const [index, entry] of this.#shown.entries()) if (entry.kind === "cue" && isHit(entry.cue)) found.push(index);
    return found;
  }

  /** Starts at the newest match; older pages are searched as they load. */
  #searchAgain(): void {
    this.#current = -1;
    this.#found = [];
    this.#findAll();
    this.#drawList(true);
    if (this.#search.value.trim() !== "") void this.#load(true);
  }

  #step(by: number): void {
    const count = this.#found.length;
    if (count === 0) return;
    this.#current = (this.#current + by + count) % count;
    this.#findAll();
    this.#drawList(true);
  }

  #goTo(): void {
    const last = this.#shown.at(-1)?.at_ms ?? 0;
    const at_ms = timeIn(this.#time.value, last, isClock(last));
    this.#say(at_ms === null ? "history.time.bad" : null);
    if (at_ms !== null) void this.#load(true).then((whole) => this.#showTime(at_ms, whole));
  }

  /** `whole` says that nothing older is missing. */
  #showTime(at_ms: number, whole: boolean): void {
    const [first, last] = [this.#shown[0], this.#shown.at(-1)];
    if (!first || !last) return;
    const end_ms = last.at_ms + (last.kind === "cue" ? last.cue.end_ms - last.cue.start_ms : 0);
    if (at_ms < first.at_ms && whole) this.#say("history.time.before", timeText(first.at_ms));
    else if (at_ms > end_ms) this.#say("history.time.after", timeText(end_ms));
    this.#list.showEntry(this.#shown[indexAt(this.#shown, at_ms)]?.key ?? "");
  }

  async #copyAll(): Promise<void> {
    await this.#load(true);
    if (!this.#words) return;
    const { clipboard } = (this.panel.element.ownerDocument.defaultView ?? window).navigator;
    try {
      await clipboard.writeText(txtOf(this.#shown, this.#words));
      this.#say("history.copied");
    } catch {
      this.#say("history.not-copied");
    }
  }

  async #save(format: Format): Promise<void> {
    await this.#load(true);
    const [first] = this.#shown;
    if (!this.#words || !first) return;
    const begun = new Date(isClock(first.at_ms) ? first.at_ms : Date.now());
    const day = [begun.getFullYear(), begun.getMonth() + 1, begun.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
    offerFile(`captions-${day}.${format}`, formats[format], fileOf(format, this.#shown, this.#words), this.panel.element);
  }

  /** Fetches one page of older captions, or all of them. Resolves to whether that succeeded. */
  async #load(all: boolean): Promise<boolean> {
    while (this.#loading) await this.#loading;
    this.#loading = this.#fetch(all).finally(() => {
      this.#loading = null;
    });
    const loaded = await this.#loading;
    this.#update();
    return loaded;
  }

  async #fetch(all: boolean): Promise<boolean> {
    try {
      let more = await this.#source.loadOlder();
      while (all && more) {
        this.#say("history.loading");
        more = await this.#source.loadOlder();
      }
      if (all) this.#say(null);
      return true;
    } catch {
      this.#say("history.incomplete");
      return false;
    }
  }

  #say(key: Notice | null, time = ""): void {
    setText(this.#notice, key && this.#words ? say(this.#words[key], { time }) : "");
  }
}
