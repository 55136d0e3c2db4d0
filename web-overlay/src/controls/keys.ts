import type { StringKey } from "../strings/strings";

/** A single-key shortcut, without Ctrl or Alt, that works anywhere in the page. */
export interface Shortcut {
  /** A value of `KeyboardEvent.key`, in lower case. */
  readonly key: string;
  /** What the shortcut does, in the reader's language. */
  readonly label: string;
  run(): void;
}

export const ownKeys = {
  "?": "keys.help",
  h: "keys.hold",
  y: "keys.history",
  s: "keys.settings",
  o: "keys.pop-out",
  p: "keys.move",
  "+": "keys.larger",
  "-": "keys.smaller",
} as const satisfies Record<string, StringKey>;
export type OwnKey = keyof typeof ownKeys;

/** The shortcut for a key press; null while the user is typing or holds a modifier key. */
export function shortcutFor<S extends Pick<Shortcut, "key">>(event: KeyboardEvent, shortcuts: readonly S[]): S | null {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return null;
  if (isWriting(event)) return null;
  const key = event.key === "=" ? "+" : event.key.toLowerCase();
  return shortcuts.find((shortcut) => shortcut.key === key) ?? null;
}

function isWriting(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  if (!(target instanceof Node) || target.nodeType !== Node.ELEMENT_NODE) return false;
  const element = target as HTMLElement;
  if (element.isContentEditable || element.localName === "textarea" || element.localName === "select") return true;
  return element.localName === "input" && !["checkbox", "radio", "range", "button", "color"].includes((element as HTMLInputElement).type);
}

/** Listens for shortcuts in every document that shows the captions. */
export class Keyboard {
  /** The host page's shortcuts. */
  shortcuts: readonly Shortcut[] = [];
  readonly #own: readonly { readonly key: string; readonly run: () => void }[];
  readonly #escape: () => void;
  readonly #areSingleKeysOn: () => boolean;

  constructor(own: Readonly<Record<OwnKey, () => void>>, escape: () => void, areSingleKeysOn: () => boolean) {
    this.#own = Object.entries(own).map(([key, run]) => ({ key, run }));
    this.#escape = escape;
    this.#areSingleKeysOn = areSingleKeysOn;
  }

  listen(there: Document): void {
    there.addEventListener("keydown", this.#onKey);
  }

  unlisten(there: Document): void {
    there.removeEventListener("keydown", this.#onKey);
  }

  readonly #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.defaultPrevented) this.#escape();
    const shortcut = this.#areSingleKeysOn() ? shortcutFor(event, [...this.#own, ...this.shortcuts]) : null;
    if (!shortcut) return;
    event.preventDefault();
    shortcut.run();
  };
}
