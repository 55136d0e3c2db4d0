import { setText } from "../dom";
import type { Person } from "../room/meeting";
import { make } from "./page-dom";
import { fit } from "./tile-grid";
import { hueOf, initials } from "../view/badge";
import type { PageWords } from "../strings/page-strings";

const gap_px = 12;

/** One tile per person, as large as the space allows. Existing tiles are reused. */
export class Tiles {
  readonly #list: HTMLElement;
  readonly #words: PageWords;
  #count = 0;

  constructor(list: HTMLElement, words: PageWords) {
    this.#list = list;
    this.#words = words;
    new ResizeObserver(() => {
      this.#arrange();
    }).observe(list);
  }

  draw(people: readonly Person[]): void {
    const known = new Map([...this.#list.querySelectorAll<HTMLElement>(".tile")].map((tile) => [tile.dataset["identity"], tile]));
    const tiles = people.map((person) => this.#tile(known.get(person.identity) ?? newTile(person.identity), person));
    const isSame = tiles.length === this.#list.children.length && tiles.every((tile, index) => this.#list.children[index] === tile);
    if (!isSame) this.#list.replaceChildren(...tiles);
    this.#count = tiles.length;
    this.#arrange();
  }

  #arrange(): void {
    const { clientWidth: width, clientHeight: height } = this.#list;
    const grid = fit(this.#count, { width, height }, gap_px);
    this.#list.style.setProperty("--columns", String(grid.columns));
    this.#list.style.setProperty("--tile-width", `${grid.width}px`);
    this.#list.style.setProperty("--tile-height", `${grid.height}px`);
  }

  #tile(tile: HTMLElement, person: Person): HTMLElement {
    const words = this.#words;
    const isSpeaking = person.isSpeaking && !person.isMuted;
    const notes = [person.isLocal ? words.you : "", isSpeaking ? words.speaking : "", person.hasVoice && person.isMuted ? words.muted : ""];
    tile.classList.toggle("speaking", isSpeaking);
    write(tile, ".avatar", initials(person.name));
    write(tile, ".person", person.name);
    write(tile, ".remark", notes.filter((note) => note !== "").join(" · "));
    tile.style.setProperty("--hue", String(hueOf(person.identity)));
    return tile;
  }
}

function newTile(identity: string): HTMLElement {
  const avatar = make("span", "avatar");
  const voice = make("span", "voice", make("i", ""), make("i", ""), make("i", ""));
  avatar.ariaHidden = voice.ariaHidden = "true";
  const tile = make("li", "tile", avatar, make("p", "plate", voice, make("bdi", "person"), make("span", "remark")));
  tile.dataset["identity"] = identity;
  return tile;
}

function write(tile: HTMLElement, selector: string, text: string): void {
  const target = tile.querySelector(selector);
  if (target) setText(target, text);
}
