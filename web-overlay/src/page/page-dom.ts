import { iconButton } from "../dom";

type Child = Node | string;

/** Creates an element with a class. Strings are appended as text, never parsed as markup. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (name !== "") element.className = name;
  element.append(...children);
  return element;
}

export function button(name: string, text: string, pressed: () => void): HTMLButtonElement {
  const made = make("button", name, text);
  made.type = "button";
  made.addEventListener("click", pressed);
  return made;
}

/** A button with a cross, the one way to close what can be closed. */
export function closeButton(label: string, pressed: () => void): HTMLButtonElement {
  return iconButton("button close", "close", label, pressed);
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}
