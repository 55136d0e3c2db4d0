import { part } from "../dom";

interface PictureInPicture {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

const size = { width: 720, height: 320 };

/** Opens a small window, always on top where the browser supports it; null if the browser refuses. */
async function openWindow(title: string): Promise<Window | null> {
  const { documentPictureInPicture } = window as { documentPictureInPicture?: PictureInPicture };
  const floating = await documentPictureInPicture?.requestWindow(size).catch(() => null);
  const opened = floating ?? window.open("", "", `popup,width=${size.width},height=${size.height}`);
  if (opened) opened.document.title = title;
  return opened;
}

/** The separate window, and the way to close it. */
export interface Popped {
  readonly window: Window;
  close(): void;
}

/**
 * Moves `content` into a separate window, under a shadow root with the same style.
 * When that window closes, `content` is detached and `back` is called.
 */
export async function popOut(content: HTMLElement, style: string, facts: { title: string; lang: string; from: HTMLElement }, back: () => void): Promise<Popped | null> {
  const opened = await openWindow(facts.title);
  if (!opened) return null;
  const { document: there } = opened;
  there.documentElement.lang = facts.lang;
  there.body.style.margin = "0";
  there.body.style.background = "#000";
  const host = there.createElement("div");
  host.setAttribute("mode", "window");
  host.setAttribute("role", "main");
  for (const [name, value] of customProperties(facts.from)) host.style.setProperty(name, value);
  there.body.append(host);
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheetIn(opened, style)];
  root.append(content);
  const close = () => opened.close();
  const closed = () => {
    content.remove();
    removeEventListener("pagehide", close);
    back();
  };
  opened.addEventListener("pagehide", closed, { once: true });
  addEventListener("pagehide", close);
  return { window: opened, close };
}

/** Creates the sheet in the target window: a constructed style sheet works only in the document that created it. */
function sheetIn(there: Window, style: string): CSSStyleSheet {
  const { CSSStyleSheet: Sheet } = there as unknown as { CSSStyleSheet: typeof CSSStyleSheet };
  const sheet = new Sheet();
  sheet.replaceSync(style);
  return sheet;
}

const handed = ["size", "lines", "line-length", "font", "align", "color", "tail-color", "name-color", "background", "window"];

/** Reads the custom properties to copy, because a separate window does not inherit them. */
function customProperties(element: HTMLElement): (readonly [name: string, value: string])[] {
  const style = getComputedStyle(element);
  const found = handed.map((name) => [`--captions-${name}`, style.getPropertyValue(`--captions-${name}`)] as const);
  return found.filter(([, value]) => value !== "");
}

/** A note in place of the captions while they are in a separate window. */
export function awayNote(sentence: string, back: string, bringBack: () => void): HTMLElement {
  const button = part("button", "button", back);
  button.type = "button";
  button.addEventListener("click", bringBack);
  return part("div", "away", part("p", "away-text", sentence), button);
}
