import { part } from "../dom";
import { ownKeys, type OwnKey, type Shortcut } from "../controls/keys";
import { Panel } from "./panel";
import type { Words } from "../strings/strings";

/** The panel that lists the keyboard shortcuts. */
export class KeysPanel {
  readonly panel: Panel;

  constructor(closed: () => void) {
    this.panel = new Panel("keys", closed);
  }

  /** `without` lists the element's own keys that have no effect at the moment. */
  draw(words: Words, more: readonly Shortcut[], areOn: boolean, without: readonly OwnKey[]): void {
    this.panel.name(words["keys.title"], words["bar.close"]);
    const own = Object.entries(ownKeys).filter(([key]) => !without.includes(key as OwnKey));
    const rows: (readonly [string, string])[] = [...own.map(([key, label]) => [key, words[label]] as const), ...more.map(({ key, label }) => [key, label] as const)];
    if (!areOn) rows.length = 0;
    const list = part("dl", "key-list");
    for (const [key, label] of [...rows, ["Esc", words["keys.close"]] as const]) {
      list.append(part("dt", "key", part("kbd", "cap", key.length === 1 ? key.toUpperCase() : key)), part("dd", "key-label", label));
    }
    const note = part("p", "hint", words["keys.off"]);
    this.panel.body.replaceChildren(...(areOn ? [] : [note]), list);
  }
}
