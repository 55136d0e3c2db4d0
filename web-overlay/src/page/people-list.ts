import type { LiveCaptionsElement } from "../captions-element";
import { setText } from "../dom";
import type { CaptionFacts } from "../service/facts";
import type { SpeakerState } from "../service/client";
import { isolated, say, type Language } from "../strings/strings";
import type { PageWords } from "../strings/page-strings";
import { statusOf } from "./host-status";
import { choiceName, choices, languageName, setOptions } from "./languages";
import type { Person } from "../room/meeting";
import { make } from "./page-dom";

const room = "";

interface Row {
  readonly element: HTMLLIElement;
  readonly name: HTMLElement;
  readonly state: HTMLElement;
  readonly spoken: HTMLElement;
  readonly select: HTMLSelectElement;
}

/** Who is captioned, how, and in which language; hosts may say what somebody speaks. */
export class PeopleList {
  readonly element = make("ul", "people");
  readonly #captions: LiveCaptionsElement;
  readonly #words: PageWords;
  readonly #language: Language;
  readonly #rows = new Map<string, Row>();
  /** What this host has chosen for whom, until the bot says more of them. */
  readonly #chosen = new Map<string, string>();
  readonly #refused: (error: unknown) => void;

  constructor(captions: LiveCaptionsElement, words: PageWords, language: Language, refused: (error: unknown) => void) {
    this.#captions = captions;
    this.#words = words;
    this.#language = language;
    this.#refused = refused;
  }

  draw(people: readonly Person[]): void {
    const { state, speakers, facts, you } = this.#captions.captions;
    const rows = people.map((person) => {
      const row = this.#rows.get(person.identity) ?? this.#row(person.identity);
      const status = statusOf(person, speakers, state, this.#words);
      row.element.dataset["kind"] = status.kind;
      setText(row.name, person.isLocal ? `${isolated(person.name)} (${this.#words.you})` : person.name);
      setText(row.state, status.sentence);
      const spoken = speakers.find(({ speaker, lang }) => speaker === person.identity && lang !== undefined);
      setText(row.spoken, spoken ? this.#spoken(spoken) : "");
      this.#drawSelect(row.select, person, spoken, you?.host === true && you.language !== null ? facts : null);
      return row;
    });
    for (const [identity, row] of this.#rows) if (!rows.includes(row)) this.#rows.delete(identity);
    const isSame = rows.length === this.element.children.length && rows.every(({ element }, index) => this.element.children[index] === element);
    if (!isSame) this.element.replaceChildren(...rows.map(({ element }) => element));
  }

  #row(identity: string): Row {
    const select = make("select", "select one-language");
    select.addEventListener("change", () => void this.#choose(identity, select.value));
    // A hundred languages for each of a hundred people only where somebody looks.
    for (const event of ["focus", "pointerdown"]) select.addEventListener(event, () => { this.#fill(select); });
    const row: Row = { element: make("li", "one"), name: make("bdi", "one-name"), state: make("span", "one-state"), spoken: make("span", "one-spoken"), select };
    row.element.dataset["identity"] = identity;
    row.element.append(row.name, row.state, row.spoken, select);
    this.#rows.set(identity, row);
    return row;
  }

  /** How the language of a voice is known. */
  #spoken({ lang = "", lang_by = "" }: SpeakerState): string {
    const language = languageName(lang, this.#language);
    const by = lang_by === "voice" || lang_by === "speaker" || lang_by === "host" ? lang_by : "known";
    return say(this.#words[`person.language.${by}`], { language });
  }

  #drawSelect(select: HTMLSelectElement, person: Person, spoken: SpeakerState | undefined, facts: CaptionFacts | null): void {
    // What people say of themselves comes first, and they say it under "Your own voice".
    select.hidden = !facts || person.isLocal || !person.hasVoice || spoken?.lang_by === "speaker" || facts.languages.length < 2;
    if (!facts || select.hidden || select === document.activeElement) return;
    const chosen = this.#chosen.get(person.identity) ?? (spoken?.lang_by === "host" ? spoken.lang ?? room : room);
    select.ariaLabel = say(this.#words["person.language.label"], { name: person.name });
    setOptions(select, chosen === room ? [room] : [room, chosen], (choice) => this.#nameOf(choice, facts));
    select.value = chosen;
  }

  #fill(select: HTMLSelectElement): void {
    const { facts } = this.#captions.captions;
    if (!facts) return;
    const { value } = select;
    setOptions(select, [...new Set([room, value, ...choices(facts, this.#language)])], (choice) => this.#nameOf(choice, facts));
    select.value = value;
  }

  #nameOf(choice: string, facts: CaptionFacts): string {
    const name = choiceName(choice === room ? facts.spoken : choice, this.#language, this.#words);
    return choice === room ? say(this.#words["language.room"], { language: name }) : name;
  }

  async #choose(identity: string, choice: string): Promise<void> {
    try {
      await this.#captions.captions.speak(choice, identity);
      this.#chosen.set(identity, choice);
      this.#refused(null);
    } catch (error) {
      this.#chosen.delete(identity);
      this.#refused(error);
    }
  }
}
