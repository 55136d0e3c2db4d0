import type { LiveCaptionsElement } from "../captions-element";
import { byId, make } from "./page-dom";
import type { PageWords } from "../strings/page-strings";
import { say } from "../strings/strings";

/** Turns the text of a query parameter into CSS properties; null if the text is not valid. */
type Rule = (value: string) => Readonly<Record<string, string>> | null;

const number = (from: number, to: number, become: (value: number) => Readonly<Record<string, string>>): Rule => {
  return (text) => {
    const value = Number(text);
    return text.trim() !== "" && value >= from && value <= to ? become(value) : null;
  };
};
const among = (choices: Readonly<Record<string, Readonly<Record<string, string>>>>): Rule => (text) => (Object.hasOwn(choices, text) ? (choices[text] ?? null) : null);
const colour = (property: string): Rule => (text) => (CSS.supports("color", text) ? { [property]: text } : null);

const rules: Readonly<Record<string, Rule>> = {
  lines: number(1, 6, (lines) => ({ "--captions-lines": String(Math.round(lines)) })),
  size: number(12, 200, (px) => ({ "--broadcast-size": `${px}px` })),
  length: number(20, 80, (characters) => ({ "--captions-line-length": String(characters) })),
  align: among({ start: { "--captions-align": "start" }, center: { "--captions-align": "center" } }),
  color: colour("--captions-color"),
  background: colour("--captions-background"),
  position: among({ bottom: { "--broadcast-place": "end" }, top: { "--broadcast-place": "start" } }),
  names: among({ on: { "--broadcast-name": "block" }, off: { "--broadcast-name": "none", "--captions-names": "0" } }),
};

/** The CSS properties that the query sets, and the parameters that are not valid. */
export function broadcastLooks(query: URLSearchParams): { readonly properties: Readonly<Record<string, string>>; readonly bad: readonly string[] } {
  const read = Object.entries(rules).flatMap(([name, rule]) => {
    const text = query.get(name);
    return text === null ? [] : [{ name, text, properties: rule(text) }];
  });
  return {
    properties: Object.assign({}, ...read.map(({ properties }) => properties ?? {})) as Record<string, string>,
    bad: read.filter(({ properties }) => properties === null).map(({ name, text }) => `${name}=${text}`),
  };
}

/** Shows captions alone on a transparent page, for OBS or a big screen. */
export function startBroadcast(captions: LiveCaptionsElement, query: URLSearchParams, words: PageWords): void {
  applyAddress(query, words);
  captions.setAttribute("controls", "none");
  captions.mode = "beside";
}

/** Shows the whole session on a second screen: the history fills the page and stays open. */
export function startTranscript(captions: LiveCaptionsElement, query: URLSearchParams, words: PageWords): void {
  document.title = words["transcript.title"];
  applyAddress(query, words);
  captions.mode = "beside";
  captions.setAttribute("history-title", document.title);
  captions.addEventListener("panel", () => {
    if (captions.panel === null) captions.openHistory();
  });
  captions.captions.addEventListener("change", () => {
    const { state } = captions.captions;
    document.body.toggleAttribute("data-calm", state === "on" || state === "idle");
  });
  captions.openHistory();
}

function applyAddress(query: URLSearchParams, words: PageWords): void {
  const { properties, bad } = broadcastLooks(query);
  for (const [name, value] of Object.entries(properties)) document.body.style.setProperty(name, value);
  byId("room-name").textContent = document.title;
  if (bad.length > 0) byId("stage").append(make("p", "broadcast-bad", say(words["broadcast.bad"], { what: bad.join(", ") })));
}
