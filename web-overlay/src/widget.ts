import type { CaptionsClient } from "./service/client";
import { loadFont } from "./settings/fonts";
import type { HistorySource } from "./panels/history-panel";
import { Keyboard, type Shortcut } from "./controls/keys";
import { looksOf } from "./settings/looks";
import type { CaptionModel } from "./cues/model";
import type { CueRecord } from "./cues/state";
import historyStyle from "./panels/history.css?inline";
import { Panels } from "./panels/panels";
import panelStyle from "./panels/panels.css?inline";
import settingsStyle from "./panels/settings.css?inline";
import { Placement } from "./controls/placement";
import { awayNote, popOut, type Popped } from "./controls/popout";
import { Preferences } from "./settings/preferences";
import { Hold } from "./controls/hold";
import { stepped } from "./settings/settings";
import { gapText, isRunning, speakerNotes } from "./service/status";
import { strings, type Language, type StringKey, type Words } from "./strings/strings";
import { CaptionBox } from "./view/caption-box";
import captionStyle from "./view/captions.css?inline";
import { ChosenDecoration } from "./view/decoration";

const here = import.meta.url;

/** The style sheet of the element's shadow root. */
export const styleText = `${captionStyle}${panelStyle}${settingsStyle}${historyStyle}`;

export type Mode = "over" | "beside" | "window";

/** What the widget needs from the element that contains it. */
export interface Owner extends HistorySource {
  readonly element: HTMLElement;
  readonly root: ShadowRoot;
  readonly model: CaptionModel;
  readonly captions: CaptionsClient;
  /** Requests a drawing in the next frame. */
  schedule(): void;
  /** Requests a drawing in the window that now shows the captions. */
  moved(): void;
  tell(event: "settings" | "held" | "panel" | "mode"): void;
  nameOf(speaker: string): string;
  /** The identity of this page's own user; "" outside a room. */
  me(): string;
  isHeard(speaker: string): boolean;
  /** The address of a participant's picture on the page's own origin, or null. */
  pictureOf(speaker: string): string | null;
}

/** The captions with their panels, and the actions of their buttons and keys. */
export class Widget {
  readonly box: CaptionBox;
  readonly holding: Hold;
  readonly preferences: Preferences;
  readonly panels: Panels;
  readonly keyboard: Keyboard;
  readonly #owner: Owner;
  readonly #placement: Placement;
  #mode: Mode = "over";
  #language: Language = "en";
  #popped: Popped | null = null;
  readonly #decoration: ChosenDecoration;
  #fontFailed = false;
  #saidAutomatic = false;
  #everCaptioned = false;
  #sentence = "";

  constructor(owner: Owner) {
    this.#owner = owner;
    this.preferences = new Preferences(() => {
      this.#applySettings();
      owner.tell("settings");
    });
    this.#decoration = new ChosenDecoration((speaker) => owner.pictureOf(speaker), (gap) => gapText(gap, this.words), () => {
      this.#sayFailed();
      owner.schedule();
    });
    const hold = () => (this.holding.held ? this.holding.live() : this.holding.hold());
    const history = () => this.panels.toggle("history");
    const settings = () => this.panels.toggle("settings");
    const popOut = () => {
      if (this.#popped) this.popIn();
      else void this.popOut();
    };
    this.box = new CaptionBox({ hold, history, settings, popOut });
    this.keyboard = new Keyboard(
      {
        "?": () => this.panels.toggle("keys"),
        h: hold,
        y: history,
        s: settings,
        o: popOut,
        p: () => this.box.bar.grip.focus(),
        "+": () => this.#resize(1),
        "-": () => this.#resize(-1),
      },
      () => this.#escape(),
      () => this.preferences.settings.singleKeys && !owner.element.hidden && owner.element.getAttribute("controls") !== "none",
    );
    this.panels = new Panels(this.box.element, this.preferences, owner, () => {
      owner.schedule();
      owner.tell("panel");
    });
    this.holding = new Hold(this.box.view.element, (held) => this.#setHeld(held));
    this.#placement = new Placement(this.box.frame, this.box.element, this.box.bar.grip, (place, done) => {
      if (place) this.preferences.change({ position: "free", ...place }, done);
      else this.preferences.change({ position: "bottom" });
    });
    owner.root.append(this.box.element);
  }

  get words(): Words {
    return strings[this.#language];
  }

  get mode(): Mode {
    return this.#popped ? "window" : this.#mode;
  }

  get window(): Window {
    return this.#popped?.window ?? window;
  }

  connect(): void {
    this.box.watchSize();
    this.preferences.watch();
    this.keyboard.listen(document);
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.#applySettings();
  }

  disconnect(): void {
    this.box.unwatchSize();
    this.preferences.unwatch();
    this.keyboard.unlisten(document);
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#popped?.close();
  }

  /** Without controls the stored settings do not apply: nobody could change them there. */
  readAttributes(): void {
    const { element } = this.#owner;
    const mode = element.getAttribute("mode");
    this.preferences.useDevice(element.getAttribute("controls") !== "none");
    this.#mode = mode === "beside" || mode === "window" ? mode : "over";
    this.panels.historyTitle = element.getAttribute("history-title");
    this.#applyMode();
  }

  setLanguage(language: Language): void {
    this.#language = language;
    this.panels.language = language;
    this.box.element.lang = language;
    this.#applySettings();
  }

  setShortcuts(shortcuts: readonly Shortcut[]): void {
    this.keyboard.shortcuts = this.panels.shortcuts = shortcuts;
    this.panels.draw();
  }

  /** Moves the captions into a separate window. Resolves to false if the browser opens no window. */
  async popOut(): Promise<boolean> {
    if (this.#popped) return true;
    const { element, root } = this.#owner;
    const facts = { title: this.words["popped.title"], lang: this.#language, from: element };
    this.#popped = await popOut(this.box.element, styleText, facts, () => {
      this.#popped = null;
      root.replaceChildren(this.box.element);
      this.#moved();
    });
    if (!this.#popped) {
      this.box.say(this.words["popped.blocked"]);
      this.box.hideStatus(false);
      return false;
    }
    this.keyboard.listen(this.#popped.window.document);
    root.replaceChildren(awayNote(this.words["popped.away"], this.words["bar.pop-in"], () => this.popIn()));
    this.#moved();
    return true;
  }

  popIn(): void {
    this.#popped?.close();
  }

  /** Adds a finished caption to the log for screen readers. */
  log(cue: CueRecord): void {
    this.box.log({ ...cue, text: this.#decoration.textOf(cue) });
  }

  draw(at: number): void {
    const { captions, model } = this.#owner;
    const { words } = this;
    const notes = speakerNotes(captions.speakers, (speaker) => this.#owner.isHeard(speaker), words, this.#owner.me());
    const isEmpty = model.rows.rows.length === 0;
    this.box.draw(
      {
        rows: model.rows,
        notes: notes.map((note) => ({ ...note, name: this.#owner.nameOf(note.speaker) })),
        quiet: this.#everCaptioned && isEmpty && isRunning(captions.state) ? words["quiet.nobody"] : "",
        bar: { held: this.holding.held, waiting: this.holding.waiting, poppedOut: this.#popped !== null, movable: this.#placement.enabled, panel: this.panels.open },
        words,
      },
      at,
      this.#decoration,
    );
    this.#everCaptioned ||= !isEmpty;
    this.box.hideStatus(this.#sentence === "" || (this.#everCaptioned && isRunning(captions.state) && captions.reach !== "trying"));
    this.panels.tick(at);
  }

  /** Announces the state of the service. The first time captions run, it adds that they are automatic. */
  say(sentence: string): void {
    if (sentence === this.#sentence) return;
    this.#sentence = sentence;
    const first = isRunning(this.#owner.captions.state) && !this.#saidAutomatic;
    this.#saidAutomatic ||= first;
    this.box.say(first ? `${sentence} ${this.words.automatic}` : sentence);
    this.#owner.schedule();
  }

  /** Marks the last line when the page is hidden, so that a reader who returns finds it. */
  readonly #onVisibility = (): void => {
    if (document.hidden && !this.#popped) this.box.view.markLast(this.#owner.model.rows, performance.now(), this.words["held.mark"]);
  };

  #escape(): void {
    if (this.panels.open) this.panels.close();
    else this.holding.live();
  }

  #resize(steps: number): void {
    this.preferences.change({ size: stepped("size", this.preferences.settings.size, steps) });
  }

  #setHeld(held: boolean): void {
    const { model } = this.#owner;
    const now = performance.now();
    if (held) this.box.view.markLast(model.rows, now, this.words["held.mark"]);
    model.hold(held, now);
    this.draw(now);
    this.#owner.tell("held");
  }

  #applyMode(): void {
    const { element } = this.box;
    element.dataset["mode"] = this.mode;
    element.dataset["controls"] = this.#owner.element.getAttribute("controls") ?? "";
    element.dataset["position"] = this.mode === "over" ? this.preferences.settings.position : "bottom";
    this.#placement.enabled = this.panels.movable = this.mode === "over";
    this.panels.draw();
    this.#owner.schedule();
  }

  #applySettings(): void {
    const { model } = this.#owner;
    const { choices, settings } = this.preferences;
    this.box.setLooks(looksOf(choices));
    this.box.element.dataset["theme"] = settings.theme;
    this.box.setLog(settings.readingLog, this.words["log.label"]);
    model.clear_after_ms = settings.hold === 0 ? Infinity : settings.hold * 1_000;
    model.showOnlyFinished(settings.partial === "finished", performance.now());
    this.#decoration.follow(settings);
    void this.#loadFont();
    this.#applyMode();
  }

  async #loadFont(): Promise<void> {
    const base = new URL(this.#owner.element.getAttribute("fonts") ?? new URL("fonts/", here).href, document.baseURI).href;
    this.#fontFailed = !(await loadFont(this.preferences.settings.font, base, this.window.document));
    this.#sayFailed();
  }

  /** Says in the settings what could not be loaded. */
  #sayFailed(): void {
    const failed: StringKey | null = this.#fontFailed ? "settings.font.failed" : this.#decoration.failed ? "settings.maskProfanity.failed" : null;
    if (failed === this.panels.failed) return;
    this.panels.failed = failed;
    this.panels.draw();
  }

  #moved(): void {
    this.box.unwatchSize();
    this.box.watchSize();
    this.#applySettings();
    this.#owner.moved();
    this.#owner.tell("mode");
  }
}
