import { iconButton, part, relabel, setText } from "./dom";

/** A panel above everything, that leaves the captions in sight and takes the focus while it is open. */
export class Panel {
  readonly element: HTMLDivElement;
  readonly body = part("div", "panel-body");
  readonly #title = part("h2", "panel-title");
  readonly #close: HTMLButtonElement;
  readonly #closed: () => void;
  #opener: HTMLElement | null = null;
  #isOpen = false;

  constructor(name: string, closed: () => void) {
    this.#closed = closed;
    this.#close = iconButton("tool close", "close", "", () => this.close());
    this.element = part("div", `panel ${name}`, part("div", "panel-head", this.#title, this.#close), this.body);
    this.element.setAttribute("role", "dialog");
    this.element.popover = "manual";
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault();
      this.close();
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  name(title: string, close: string): void {
    setText(this.#title, title);
    this.element.ariaLabel = title;
    relabel(this.#close, close);
  }

  open(into: HTMLElement): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#opener = focused(into);
    into.append(this.element);
    this.element.showPopover();
    this.#close.focus();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.element.remove();
    this.#opener?.focus();
    this.#opener = null;
    this.#closed();
  }
}

function focused(near: HTMLElement): HTMLElement | null {
  let active = near.ownerDocument.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active && "focus" in active ? (active as HTMLElement) : null;
}
