import { Panel } from "./panel";
import type { Words } from "./strings";

export class HistoryPanel {
  readonly panel: Panel;

  constructor(closed: () => void) {
    this.panel = new Panel("history", closed);
  }

  draw(words: Words): void {
    this.panel.name(words["history.title"], words["bar.close"]);
  }
}
