import { iconButton, part, relabel, setText } from "../dom";

/** A non-modal dialog in the top layer that takes the focus when it opens and leaves the captions in sight. */
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
      if (event.key === "Tab") this.#stay(event);
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

  /** Keeps the focus inside a panel that covers the page instead of standing beside it. */
  #stay(event: KeyboardEvent): void {
    const { innerWidth } = this.element.ownerDocument.defaultView ?? window;
    const { left, right } = this.element.getBoundingClientRect();
    if (left > 0 && right >= innerWidth) return;
    const stops = [...this.element.querySelectorAll<HTMLElement>("button, input, select, [tabindex='0']")].filter((one) => one.checkVisibility() && !one.matches(":disabled"));
    const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (focused(this.element) !== from) return;
    event.preventDefault();
    to?.focus();
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
