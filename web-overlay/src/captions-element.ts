import { CaptionsClient, type SpeakerState } from "./service/client";
import type { Fault, Packet } from "./contract";
import { Feed } from "./service/feed";
import type { CaptionFacts, HostChange, HostChoice, Reach, ServiceState, You } from "./service/facts";
import type { Shortcut } from "./controls/keys";
import { ElementBase, sheetOf, takeOver } from "./dom";
import { CaptionModel } from "./cues/model";
import { PaintScheduler } from "./view/paint-scheduler";
import { knownCue, PaintEvents, type KnownCue, type Measures, type PaintedDetail } from "./view/paint-events";
import { RoomCaptions, type Room } from "./service/room";
import { speakersOf } from "./cues/rows";
import { CaptionsRefused, type Refusal } from "./service/rpc";
import { readChoices, type Choices, type Settings } from "./settings/settings";
import { completeTo, cuesInOrder, missingAfter, speakersIn, type Action } from "./cues/state";
import { stateSentence } from "./service/status";
import { languageFor, type Words } from "./strings/strings";
import type { ShownRow } from "./view/caption-view";
import type { PanelName } from "./panels/panels";
import { styleText, Widget, type Mode } from "./widget";

export { CaptionsClient, CaptionsRefused };
export type { CaptionFacts, Choices, Fault, HostChange, HostChoice, KnownCue, Measures, Mode, Packet, PaintedDetail, PanelName, Refusal, ServiceState, Settings, Shortcut, ShownRow, SpeakerState, You };

const tick_ms = 500;

/** The `<live-captions>` element. Set `room`, or call `feed`; the README has the whole interface. */
export class LiveCaptionsElement extends ElementBase {
  static readonly observedAttributes = ["hidden", "locale", "mode", "controls", "measure", "history-title"];

  /** The room's caption service: its state, and requests to it. */
  readonly captions = new CaptionsClient();
  readonly #model = new CaptionModel();
  readonly #widget: Widget;
  readonly #scheduler: PaintScheduler;
  #skipped: Record<string, number> = {};
  #speakers: readonly string[] = [];
  #room: Room | null = null;
  #source: RoomCaptions | null = null;
  #ticking: ReturnType<typeof setInterval> | undefined;
  readonly #paintEvents = new PaintEvents(this);
  readonly #feed = new Feed((packet, received) => this.#take(packet, received), (reason) => this.#skip(reason));

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheetOf(styleText)];
    this.#widget = new Widget({
      element: this,
      root,
      model: this.#model,
      captions: this.captions,
      schedule: () => this.#scheduler.schedule(),
      moved: () => this.#scheduler.restart(),
      tell: (event) => this.dispatchEvent(new Event(event)),
      loadOlder: () => this.#source?.loadOlder() ?? Promise.resolve(false),
      nameOf: (speaker) => this.nameOf(speaker),
      me: () => this.#source?.me ?? "",
      isHeard: (speaker) => this.#source?.isHeard(speaker) ?? true,
      pictureOf: (speaker) => this.#source?.pictureOf(speaker) ?? null,
    });
    this.#scheduler = new PaintScheduler(() => this.#widget.window, () => this.#draw(), () => this.#paintEvents.painted());
    this.captions.addEventListener("change", () => this.#showService());
  }

  /** The livekit-client Room whose captions are shown. It need not be connected yet. */
  get room(): Room | null {
    return this.#room;
  }

  set room(room: Room | null) {
    if (room === this.#room) return;
    this.#room = room;
    this.#listen();
  }

  /** The state of the caption service: "none" without a service, null outside a room. */
  get service(): ServiceState | null {
    return this.captions.state;
  }

  /** Where the captions are shown: over the containing box, in the flow of the page, or in a separate window. */
  get mode(): Mode {
    return this.#widget.mode;
  }

  set mode(mode: Mode) {
    this.setAttribute("mode", mode);
  }

  /** The settings that the reader chose; the page decides the others. Assigned settings are stored on this device. */
  get settings(): Choices {
    return this.#widget.preferences.choices;
  }

  set settings(choices: Choices) {
    this.#widget.preferences.choose(readChoices(choices)?.choices ?? {});
  }

  /** The host page's shortcuts, which are listed and switched off together with the element's own. */
  get shortcuts(): readonly Shortcut[] {
    return this.#widget.keyboard.shortcuts;
  }

  set shortcuts(shortcuts: readonly Shortcut[]) {
    this.#widget.setShortcuts(shortcuts);
  }

  /** The open panel, or null. */
  get panel(): PanelName | null {
    return this.#widget.panels.open;
  }

  /** Whether the captions are on hold. */
  get held(): boolean {
    return this.#widget.holding.held;
  }

  /** The element's texts in its language, by key: `words["refused.not-allowed"]`. */
  get words(): Words {
    return this.#widget.words;
  }

  /** The identities of participants captioned in the last two seconds. The event `speakers` reports a change. */
  get speakers(): readonly string[] {
    return this.#speakers;
  }

  /** The number of packets skipped, by reason. */
  get skipped(): Readonly<Record<string, number>> {
    return { ...this.#skipped, ...this.#model.state.ignored };
  }

  openSettings(): void {
    this.#widget.panels.show("settings");
  }

  openHistory(): void {
    this.#widget.panels.show("history");
  }

  /** Opens the list of keyboard shortcuts. */
  openKeys(): void {
    this.#widget.panels.show("keys");
  }

  closePanel(): void {
    this.#widget.panels.close();
  }

  /** Keeps the captions in place until `jumpToLive`. */
  hold(): void {
    this.#widget.holding.hold();
  }

  jumpToLive(): void {
    this.#widget.holding.live();
  }

  /** Moves the captions into a separate window. Needs a user gesture; resolves to false if the browser opens no window. */
  async popOut(): Promise<boolean> {
    return this.#widget.popOut();
  }

  popIn(): void {
    this.#widget.popIn();
  }

  /** Takes a packet of the contract; the caller vouches for its sender. Returns why it was skipped; null if it was taken, or waits behind very many. */
  feed(packet: Uint8Array | object): Fault | null {
    return this.#feed.push(packet);
  }

  /** The known cues, ordered by start time. */
  cues(): KnownCue[] {
    return cuesInOrder(this.#model.state).map(knownCue);
  }

  /** The visible words, row by row. */
  shownText(): ShownRow[] {
    return this.#widget.box.view.shown(this.#model.rows);
  }

  /** With the attribute `measure`, what the captions have cost this page since the last call. */
  takeMeasures(): Measures {
    return this.#paintEvents.takeMeasures();
  }

  /** Resolves when everything taken so far is drawn and painted. */
  async rendered(): Promise<void> {
    await this.#feed.drained();
    await this.#scheduler.rendered();
  }

  connectedCallback(): void {
    takeOver(this, ["room", "mode", "settings", "shortcuts"]);
    this.#ticking = setInterval(() => this.#tick(), tick_ms);
    this.#widget.setLanguage(this.#language());
    this.#widget.connect();
    this.#listen();
  }

  disconnectedCallback(): void {
    this.#widget.disconnect();
    clearInterval(this.#ticking);
    this.#listen();
  }

  attributeChangedCallback(name: string): void {
    if (name === "hidden") this.#source?.want(!this.hidden);
    else if (name === "measure") this.#paintEvents.watch();
    else if (name === "locale") {
      this.#widget.setLanguage(this.#language());
      this.#showService();
    } else this.#widget.readAttributes();
  }

  readonly #language = () => languageFor(this.getAttribute("locale") ?? (document.documentElement.lang || navigator.language));

  #listen(): void {
    this.#source?.stop();
    this.#source = null;
    this.captions.connect(null);
    if (!this.#room || !this.isConnected) return;
    const sink = {
      packet: (packet: Packet, received: number) => this.#take(packet, received),
      skip: (reason: string) => this.#skip(reason),
      apply: (action: Action) => this.#apply(action),
      service: (state: ServiceState | null, facts: CaptionFacts | null) => this.captions.takeService(state, facts),
      reach: (reach: Reach) => this.captions.takeReach(reach),
      you: (you: You) => this.captions.takeYou(you),
      wish: () => this.captions.wish,
      older: () => this.#scheduler.schedule(),
      missingAfter: (session: string) => missingAfter(this.#model.state, session),
      completeTo: (session: string) => completeTo(this.#model.state, session),
    };
    this.#source = new RoomCaptions(this.#room, sink, !this.hidden);
    this.captions.connect(this.#source);
  }

  #skip(reason: string): void {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1;
    if (reason === "unknown-version") this.#showService();
  }

  #take(packet: Packet, received: number): void {
    const before = "id" in packet ? this.#model.cue(packet.session, packet.id) : undefined;
    this.#apply({ type: "packet", packet });
    if (packet.type === "track") this.captions.takeSpeakers(speakersIn(this.#model.state, packet.session));
    if (packet.type === "removed") this.#widget.box.forget(packet.speaker);
    if (packet.type === "name") this.captions.takeName(packet.speaker, packet.name);
    if (!("id" in packet)) return;
    const cue = this.#model.cue(packet.session, packet.id);
    if (cue === before) return;
    this.#widget.panels.touch(packet.session, packet.id);
    if (cue && !before) this.#widget.holding.waiting += 1;
    if (cue?.state === "closed" && before?.state !== "closed") this.#widget.log(cue);
    this.#paintEvents.expect(packet, cue, received);
  }

  /** The name under which a participant is shown: told apart from others, telephone numbers masked, never an identity. */
  nameOf(identity: string): string {
    const row = this.#model.rows.rows.find((one) => one.kind === "turn" && one.speaker === identity);
    const own = this.#source?.nameOf(identity) ?? "";
    return this.captions.nameOf(identity) ?? (own || (row?.kind === "turn" ? row.name : this.words["person.guest"]));
  }

  #apply(action: Action): void {
    if (this.#model.apply(action, performance.now())) this.#scheduler.schedule();
  }

  #tick(): void {
    this.#model.tick(performance.now());
    this.#scheduler.schedule();
  }

  #draw(): void {
    const now = performance.now();
    this.#paintEvents.draw(() => this.#widget.draw(now), this.#widget.box.frame);
    const speakers = speakersOf(this.#model.rows, now);
    if (speakers.join("\n") === this.#speakers.join("\n")) return;
    this.#speakers = speakers;
    this.dispatchEvent(new Event("speakers"));
  }

  #showService(): void {
    const { state, facts, reach } = this.captions;
    const tooOld = this.#skipped["unknown-version"] !== undefined;
    this.#widget.say(tooOld ? this.words["state.too-old"] : stateSentence(state, facts, this.words, reach));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "live-captions": LiveCaptionsElement;
  }
}

if ("customElements" in globalThis && !customElements.get("live-captions")) customElements.define("live-captions", LiveCaptionsElement);
