import type { Person } from "./meeting";
import type { StringKey } from "./strings";

type Words = Readonly<Record<StringKey, string>>;

/** Draws one tile a person, and keeps the tiles that are there. */
export function drawTiles(list: HTMLElement, people: readonly Person[], words: Words): void {
  const known = new Map([...list.querySelectorAll<HTMLElement>(".tile")].map((tile) => [tile.dataset["identity"], tile]));
  const tiles = people.map((person) => drawTile(known.get(person.identity) ?? newTile(person.identity), person, words));
  list.replaceChildren(...(tiles.length > 0 ? tiles : [emptyTile(words)]));
  list.dataset["count"] = String(tiles.length);
}

function newTile(identity: string): HTMLElement {
  const tile = element("li", "tile");
  tile.dataset["identity"] = identity;
  tile.append(element("span", "avatar"), element("p", "caption"));
  tile.querySelector(".avatar")?.setAttribute("aria-hidden", "true");
  tile.querySelector(".caption")?.append(element("bdi", "person"), element("span", "note"));
  return tile;
}

function drawTile(tile: HTMLElement, person: Person, words: Words): HTMLElement {
  tile.classList.toggle("speaking", person.isSpeaking);
  const notes = [person.isLocal ? words["page.you"] : "", person.isSpeaking ? words["page.speaking"] : "", person.isMuted ? words["page.muted"] : ""];
  write(tile, ".avatar", initials(person.name));
  write(tile, ".person", person.name);
  write(tile, ".note", notes.filter((note) => note !== "").join(" · "));
  tile.style.setProperty("--hue", String(hueOf(person.identity)));
  return tile;
}

function emptyTile(words: Words): HTMLElement {
  const item = element("li", "empty");
  item.textContent = words["page.empty"];
  return item;
}

function write(tile: HTMLElement, selector: string, text: string): void {
  const target = tile.querySelector(selector);
  if (target && target.textContent !== text) target.textContent = text;
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words;
  return ends.map((word) => Array.from(word ?? "")[0] ?? "").join("").toUpperCase();
}

function hueOf(identity: string): number {
  return Array.from(identity).reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7);
}

function element(tag: string, name: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  return made;
}
