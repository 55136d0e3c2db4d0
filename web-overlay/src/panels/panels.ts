import { HistoryPanel, type HistorySource } from "./history-panel";
import type { Shortcut } from "../controls/keys";
import { KeysPanel } from "./keys-panel";
import type { Preferences } from "../settings/preferences";
import { SettingsPanel } from "./settings-panel";
import { strings, type Language } from "../strings/strings";

export type PanelName = "settings" | "history" | "keys";

/** The panels, at most one of which is open. */
export class Panels {
  language: Language = "en";
  fontFailed = false;
  shortcuts: readonly Shortcut[] = [];
  /** Whether the captions can be moved. */
  movable = true;
  readonly #into: HTMLElement;
  readonly #preferences: Preferences;
  readonly #changed: () => void;
  readonly #settings: SettingsPanel;
  readonly #history: HistoryPanel;
  readonly #keys: KeysPanel;

  /** `changed` is called when a panel opens or closes. */
  constructor(into: HTMLElement, preferences: Preferences, source: HistorySource, changed: () => void) {
    this.#into = into;
    this.#preferences = preferences;
    this.#changed = changed;
    this.#settings = new SettingsPanel(preferences, changed);
    this.#history = new HistoryPanel(source, changed);
    this.#keys = new KeysPanel(changed);
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
    if (this.open === "settings") this.#settings.draw(words, this.fontFailed);
    else if (this.open === "history") this.#history.draw(words, this.language);
    else if (this.open === "keys") this.#keys.draw(words, this.shortcuts, this.#preferences.settings.singleKeys, this.movable ? [] : ["p"]);
  }

  /** Notes that a cue is new or has changed. */
  touch(session: string, id: string): void {
    this.#history.touch(session, id);
  }

  tick(at: number): void {
    this.#history.tick(at);
  }

  #panel(name: PanelName) {
    return { settings: this.#settings, history: this.#history, keys: this.#keys }[name].panel;
  }
}
