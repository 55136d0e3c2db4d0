import { HistoryPanel, type HistorySource } from "./history-panel";
import type { Shortcut } from "../controls/keys";
import { KeysPanel } from "./keys-panel";
import type { Preferences } from "../settings/preferences";
import { SettingsPanel } from "./settings-panel";
import { strings, type Language, type StringKey } from "../strings/strings";

export type PanelName = "settings" | "history" | "keys";

/** The panels, at most one of which is open. */
export class Panels {
  language: Language = "en";
  /** What could not be loaded for a setting, if anything. */
  failed: StringKey | null = null;
  /** The host page's own title of the history; null for the element's. */
  historyTitle: string | null = null;
  shortcuts: readonly Shortcut[] = [];
  /** Whether the captions can be moved. */
  movable = true;
  readonly #into: HTMLElement;
  readonly #preferences: Preferences;
  readonly #changed: () => void;
  readonly #covering = new ResizeObserver(() => this.#cover());
  readonly #settings: SettingsPanel;
  readonly #history: HistoryPanel;
  readonly #keys: KeysPanel;

  /** `changed` is called when a panel opens or closes. */
  constructor(into: HTMLElement, preferences: Preferences, source: HistorySource, changed: () => void) {
    this.#into = into;
    this.#covering.observe(into);
    this.#preferences = preferences;
    this.#changed = () => {
      this.#cover();
      changed();
    };
    this.#settings = new SettingsPanel(preferences, this.#changed);
    this.#history = new HistoryPanel(source, this.#changed);
    this.#keys = new KeysPanel(this.#changed);
  }

  get open(): PanelName | null {
    return (["settings", "history", "keys"] as const).find((name) => this.#panel(name).isOpen) ?? null;
  }

  show(name: PanelName): void {
    if (this.open === name) return;
    this.close();
    this.#panel(name).open(this.#into);
    this.draw();
    this.#changed();
  }

  close(): void {
    if (this.open) this.#panel(this.open).close();
  }

  toggle(name: PanelName): void {
    if (this.open === name) this.close();
    else this.show(name);
  }

  /** Draws the open panel again. */
  draw(): void {
    const words = strings[this.language];
    if (this.open === "settings") this.#settings.draw(words, this.failed);
    else if (this.open === "history") this.#history.draw(words, this.language, this.historyTitle ?? words["history.title"]);
    else if (this.open === "keys") this.#keys.draw(words, this.shortcuts, this.#preferences.settings.singleKeys, this.movable ? [] : ["p"]);
  }

  /** Notes that a cue is new or has changed. */
  touch(session: string, id: string): void {
    this.#history.touch(session, id);
  }

  tick(at: number): void {
    this.#history.tick(at);
  }

  /** Keeps the captions above a panel that rises from the lower edge of a small window. */
  #cover(): void {
    const { open } = this;
    const whole = this.#into.getBoundingClientRect();
    const panel = open === null || open === "keys" ? null : this.#panel(open).element.getBoundingClientRect();
    const isBelow = panel && panel.top > 0 && panel.left <= whole.left;
    this.#into.style.setProperty("--_covered", `${isBelow ? Math.max(0, Math.round(whole.bottom - panel.top)) : 0}px`);
  }

  #panel(name: PanelName) {
    return { settings: this.#settings, history: this.#history, keys: this.#keys }[name].panel;
  }
}
