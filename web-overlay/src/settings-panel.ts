import { Panel } from "./panel";
import type { Words } from "./strings";

export class SettingsPanel {
  readonly panel: Panel;

  constructor(closed: () => void) {
    this.panel = new Panel("settings", closed);
  }

  draw(words: Words): void {
    this.panel.name(words["settings.title"], words["bar.close"]);
  }
}
