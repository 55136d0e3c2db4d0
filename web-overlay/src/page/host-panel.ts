import type { LiveCaptionsElement } from "../captions-element";
import { setText } from "../dom";
import type { CaptionFacts, HostChange } from "../service/facts";
import { delaySentences, engineName, whyNot } from "./host-status";
import { choiceName, choices, setOptions } from "./languages";
import type { Person } from "../room/meeting";
import type { Consent } from "./consent";
import { byId, button, closeButton, make } from "./page-dom";
import type { PageWords } from "../strings/page-strings";
import { CaptionsRefused, type Refusal } from "../service/rpc";
import { say, type Language } from "../strings/strings";
import { KeptFile } from "./kept-file";
import { VoiceChoice } from "./own-voice";
import { PeopleList } from "./people-list";
import { Vocabulary } from "./vocabulary";

interface Switch {
  readonly row: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly shown: HTMLElement;
}

interface Choice {
  readonly row: HTMLElement;
  readonly select: HTMLSelectElement;
  readonly shown: HTMLElement;
}

/** The panel that shows the state of the room's captions and lets hosts change it. */
export class HostPanel {
  readonly #element: HTMLElement;
  readonly #captions: LiveCaptionsElement;
  readonly #words: PageWords;
  readonly #language: Language;
  readonly #state = make("p", "panel-state");
  readonly #facts = make("div", "panel-facts");
  readonly #why = make("p", "panel-why");
  readonly #error = make("p", "error");
  readonly #enabled: Switch;
  readonly #transcript: Switch;
  readonly #spoken: Choice;
  readonly #engine: Choice;
  readonly #switches: HTMLElement;
  readonly #people: PeopleList;
  readonly #voice: VoiceChoice;
  readonly #kept: KeptFile;
  readonly #vocabulary: Vocabulary;
  #refusal: { readonly reason: Refusal; readonly choices: readonly string[] } | null = null;

  constructor(element: HTMLElement, captions: LiveCaptionsElement, consent: Consent, words: PageWords, language: Language, close: () => void) {
    this.#element = element;
    this.#captions = captions;
    this.#words = words;
    this.#language = language;
    this.#enabled = this.#switch("enabled", words["room.enabled"]);
    this.#transcript = this.#switch("transcript", words["room.transcript"]);
    this.#spoken = this.#choice("language", words["room.language"]);
    this.#engine = this.#choice("engine", words["room.engine.label"]);
    this.#voice = new VoiceChoice(captions, consent, words, language);
    this.#people = new PeopleList(captions, words, language, (error) => {
      this.#refuse(error);
    });
    this.#kept = new KeptFile(captions, words);
    this.#vocabulary = new Vocabulary(captions, words);
    this.#error.setAttribute("role", "alert");
    this.#switches = section(words["room.switches"], this.#enabled.row, this.#transcript.row, this.#kept.element, this.#spoken.row, this.#engine.row, this.#vocabulary.element, this.#why, this.#error);
    const title = make("h2", "panel-title", words["room.title"]);
    title.id = "room-title";
    title.tabIndex = -1;
    element.setAttribute("aria-labelledby", title.id);
    const closing = closeButton(words["room.close"], close);
    // Fields that appear late must not push what has the focus out of sight. The browser's own scrolling comes first.
    const show = () => element.querySelector(":focus")?.scrollIntoView({ block: "nearest" });
    new ResizeObserver(() => requestAnimationFrame(show)).observe(this.#switches);
    element.append(make("div", "panel-head", title, closing), this.#state, this.#facts, this.#switches, this.#voice.element, section(words["room.people"], this.#people.element));
  }

  draw(people: readonly Person[], hasMicrophone: boolean): void {
    if (this.#element.hidden) return;
    const { state, facts, you } = this.#captions.captions;
    const { words } = this.#captions;
    const why = whyNot(you);
    setText(this.#state, state === null ? "" : words[`state.${state}`]);
    this.#state.dataset["state"] = state ?? "";
    this.#drawFacts(facts);
    this.#switches.hidden = facts === null;
    if (facts) this.#drawSwitches(facts, why === null);
    setText(this.#why, why === null ? "" : this.#words[why]);
    setText(this.#error, this.#refusal ? refusalText(words[`refused.${this.#refusal.reason}`], this.#refusal.choices) : "");
    this.#voice.draw(hasMicrophone);
    this.#kept.draw();
    this.#vocabulary.draw();
    this.#people.draw(people.filter((one) => one.hasVoice || one.isLocal));
  }

  #drawFacts(facts: CaptionFacts | null): void {
    const by = facts && facts.by !== "" ? [say(this.#words["room.by"], { name: facts.by })] : [];
    const sentences = facts ? [...by, ...delaySentences(facts, this.#words, this.#language)] : [this.#words["room.none"]];
    const known = [...this.#facts.children].map((child) => child.textContent);
    if (known.join("\n") !== sentences.join("\n")) this.#facts.replaceChildren(...sentences.map((one) => make("p", "", one)));
    this.#facts.classList.toggle("warning", (facts?.standsIn ?? "") !== "");
  }

  #drawSwitches(facts: CaptionFacts, mayChange: boolean): void {
    const words = this.#words;
    // Whoever can switch sees the switch; the sentence above says the same of captions.
    drawSwitch(this.#enabled, facts.state !== "off", mayChange, mayChange ? ["", ""] : [words["room.on"], words["room.off"]]);
    drawSwitch(this.#transcript, facts.transcript, mayChange, [words["room.transcript.on"], words["room.transcript.off"]]);
    const nameOf = (choice: string) => choiceName(choice, this.#language, words);
    const spoken = facts.spoken === "" ? words["room.language.unknown"] : nameOf(facts.spoken);
    drawChoice(this.#spoken, facts.spoken, choices(facts, this.#language), mayChange, spoken, nameOf);
    drawChoice(this.#engine, facts.engine, options(facts.engines, facts.engine), mayChange, engineName(facts.engine, words), (name) => engineName(name, words));
  }

  #switch(name: "enabled" | "transcript", label: string): Switch {
    const shown = make("span", "switch-text");
    const pressed = button("switch", "", () => void this.#set({ [name]: pressed.ariaChecked !== "true" }));
    pressed.setAttribute("role", "switch");
    pressed.id = `room-${name}`;
    const title = make("span", "field-name", label);
    title.id = `room-${name}-label`;
    pressed.setAttribute("aria-labelledby", title.id);
    return { row: make("div", "field", title, shown, pressed), button: pressed, shown };
  }

  #choice(name: "language" | "engine", label: string): Choice {
    const select = make("select", "select");
    const title = make("label", "field-name", label);
    const shown = make("span", "field-text");
    select.id = title.htmlFor = `room-${name}`;
    select.addEventListener("change", () => void this.#set({ [name]: select.value }));
    return { row: make("div", "field", title, shown, select), select, shown };
  }

  /** Shows why something was refused, or null, and the current state: the controls must not show the request. */
  #refuse(error: unknown): void {
    this.#refusal = error === null ? null : error instanceof CaptionsRefused ? error : { reason: "no-answer", choices: [] };
    this.#captions.captions.dispatchEvent(new Event("change"));
  }

  async #set(change: HostChange): Promise<void> {
    this.#switches.ariaBusy = "true";
    try {
      await this.#captions.captions.set(change);
      this.#refuse(null);
    } catch (error) {
      this.#refuse(error);
    }
    this.#switches.ariaBusy = "false";
  }
}

/** Opens or closes a panel. Closing returns the focus to the button that opened it. */
export function showPanel(panel: HTMLElement, opener: HTMLElement, open: boolean): void {
  panel.hidden = !open;
  opener.setAttribute("aria-expanded", String(open));
  if (open) byId("room-title").focus();
  else if (document.activeElement === document.body || panel.contains(document.activeElement)) opener.focus();
}

function section(title: string, ...children: Node[]): HTMLElement {
  return make("section", "panel-section", make("h3", "panel-heading", title), ...children);
}

function options(offered: readonly string[], chosen: string): string[] {
  return [...new Set([...offered, ...(chosen === "" ? [] : [chosen])])];
}

function drawSwitch({ button: pressed, shown }: Switch, on: boolean, mayChange: boolean, [yes, no]: readonly [string, string]): void {
  pressed.ariaChecked = String(on);
  pressed.hidden = !mayChange;
  setText(shown, on ? yes : no);
}

/** Shows text instead of a menu when the user may not choose, or there is only one choice. */
function drawChoice({ row, select, shown }: Choice, value: string, all: readonly string[], mayChange: boolean, text: string, nameOf: (value: string) => string): void {
  row.hidden = value === "" && all.length === 0;
  const isChoice = mayChange && all.length > 1;
  select.hidden = !isChoice;
  setText(shown, isChoice ? "" : text);
  setOptions(select, all, nameOf);
  if (select.value !== value) select.value = value;
}

function refusalText(sentence: string, choices: readonly string[]): string {
  return choices.length === 0 ? sentence : `${sentence} (${choices.join(", ")})`;
}
