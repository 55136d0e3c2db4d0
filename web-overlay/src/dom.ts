/** HTMLElement; on a server, where there is none, any class, of which nobody makes an element. */
export const ElementBase: typeof HTMLElement = "HTMLElement" in globalThis ? HTMLElement : (Object as unknown as typeof HTMLElement);

let sheet: CSSStyleSheet | undefined;

/** The style sheet that all elements of a page share. */
export function sheetOf(style: string): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
  }
  return sheet;
}

/** Assigns again what was assigned before the element was defined, when it had no setters. */
export function takeOver<E extends HTMLElement>(element: E, names: readonly (keyof E & string)[]): void {
  for (const name of names) {
    if (!Object.hasOwn(element, name)) continue;
    const value = element[name];
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    delete (element as Record<string, unknown>)[name];
    element[name] = value;
  }
}

/** Calls back in a later task, after other events. Unlike timers, messages are not delayed in hidden pages. */
export function inNextTask(then: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then();
  };
  port2.postMessage(null);
}

/** Creates an element whose class and part are `name`. Strings are appended as text, never parsed as markup. */
export function part<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = name;
  element.setAttribute("part", name);
  element.append(...children);
  return element;
}

/** Writes only text that differs: some screen readers repeat text that is written again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Makes `children` the children of `parent`, moving only those that are out of place. */
export function arrange(parent: Element, children: readonly Element[]): void {
  const wanted = new Set<Element>(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    const there = parent.children[index];
    if (there !== child) parent.insertBefore(child, there ?? null);
  });
}

const icons = {
  hold: "M8 5v14M16 5v14",
  live: "M6 4l9 8-9 8zM19 5v14",
  history: "M12 7v5l3 2M3.5 12a8.5 8.5 0 1 0 2.6-6.1M3.5 3.5v4h4",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4.5v5M7 14.5v5",
  out: "M14 4h6v6M20 4l-8 8M18 14v4a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h4",
  in: "M20 4l-8 8M12 6v6h6M18 15v3a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2h3",
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  close: "M6 6l12 12M18 6L6 18",
  up: "M6 15l6-6 6 6",
  down: "M6 9l6 6 6-6",
  help: "M9.2 9.2a2.8 2.8 0 1 1 4 2.5c-.8.4-1.2 1-1.2 1.8M12 16.8v.2",
} as const;
export type Icon = keyof typeof icons;

export function icon(name: Icon): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", icons[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon. Its label is its accessible name and its tooltip. */
export function iconButton(name: string, drawn: Icon, label: string, pressed: () => void): HTMLButtonElement {
  const button = part("button", name);
  button.type = "button";
  button.append(icon(drawn));
  relabel(button, label);
  button.addEventListener("click", pressed);
  return button;
}

export function relabel(button: HTMLElement, label: string): void {
  if (label === "" || button.ariaLabel === label) return;
  button.ariaLabel = label;
  button.title = label;
}
