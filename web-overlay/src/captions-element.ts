import { parsePacket, readPacket, type Fault, type Packet } from "./contract";
import { part } from "./cue-view";
import { CaptionModel } from "./model";
import { RoomCaptions, type Room, type ServiceState } from "./room";
import { speakersOf } from "./rows";
import { completeTo, cuesInOrder, missingAfter, type Action, type CueRecord } from "./state";
import { languageFor, strings } from "./strings";
import { styleText } from "./style";
import { CaptionView, type ShownRow } from "./view";

export type { Fault, Packet, ServiceState, ShownRow };

/** Detail of the event `painted`: when a packet came and when it was seen, in ms since the epoch. */
export interface PaintedDetail extends Pick<CueRecord, "session" | "id" | "rev" | "text" | "settled"> {
  readonly state: "open" | "closed" | "deleted";
  readonly heard: number | null;
  readonly received: number;
  readonly painted: number;
}

export type KnownCue = Pick<CueRecord, "session" | "id" | "rev" | "speaker" | "name" | "start_ms" | "end_ms" | "text" | "settled" | "state">;

const tick_ms = 500;
const unpaintedLimit = 500;
// Letters and spaces as frequent as in running text, so that its mean width is that of captions.
const sample = "Captions appear under each speaker as they talk, et les mots restent bien sur leur ligne.";

const sheet = new CSSStyleSheet();
sheet.replaceSync(styleText);

/** `<live-captions>`: set `room`, or call `feed`. The README says what it can do. */
export class LiveCaptionsElement extends HTMLElement {
  static readonly observedAttributes = ["hidden", "locale"];

  readonly #model = new CaptionModel();
  readonly #view = new CaptionView();
  readonly #status = part("p", "status");
  readonly #statusText = document.createElement("span");
  readonly #ruler = part("span", "ruler");
  readonly #resize = new ResizeObserver(() => {
    this.#measureCharacter();
  });
  #skipped: Record<string, number> = {};
  #service: ServiceState | null = null;
  #spoken: string | null = null;
  #saidAutomatic = false;
  #everCaptioned = false;
  #speakers: readonly string[] = [];
  #room: Room | null = null;
  #source: RoomCaptions | null = null;
  #ticking: ReturnType<typeof setInterval> | undefined;
  #frame: Promise<void> | null = null;
  #unpainted: Omit<PaintedDetail, "painted">[] = [];

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.#status.setAttribute("role", "status");
    this.#status.append(this.#statusText);
    this.#ruler.textContent = sample;
    this.#view.element.hidden = true;
    const measure = part("div", "measure");
    measure.ariaHidden = "true";
    measure.append(this.#ruler);
    const frame = part("div", "frame");
    frame.append(this.#view.element, this.#status, measure);
    root.append(frame);
  }

  /** The livekit-client Room whose captions are shown; connected or not yet. */
  get room(): Room | null {
    return this.#room;
  }

  set room(room: Room | null) {
    if (room === this.#room) return;
    this.#room = room;
    this.#listen();
  }

  /** What the caption service says of itself: "none" without one, null outside a room. */
  get service(): ServiceState | null {
    return this.#service;
  }

  /** Identities of those whose words came within the last two seconds. The event `speakers` tells of a change. */
  get speakers(): readonly string[] {
    return this.#speakers;
  }

  /** How many packets were not shown, by reason. */
  get skipped(): Readonly<Record<string, number>> {
    return { ...this.#skipped, ...this.#model.state.ignored };
  }

  /** Takes a packet of the contract, whose sender the caller vouches for. Returns why it was skipped, or null. */
  feed(packet: Uint8Array | object): Fault | null {
    const received = performance.timeOrigin + performance.now();
    const parsed = packet instanceof Uint8Array ? parsePacket(packet) : readPacket(packet);
    if ("packet" in parsed) this.#take(parsed.packet, received);
    else this.#skip(parsed.fault);
    return "fault" in parsed ? parsed.fault : null;
  }

  /** The cues that are known, in the order in which they began. */
  cues(): KnownCue[] {
    return cuesInOrder(this.#model.state).map((cue) => ({
      session: cue.session,
      id: cue.id,
      rev: cue.rev,
      speaker: cue.speaker,
      name: cue.name,
      start_ms: cue.start_ms,
      end_ms: cue.end_ms,
      text: cue.text,
      settled: cue.settled,
      state: cue.state,
    }));
  }

  /** The words that are in sight now, row by row. */
  shownText(): ShownRow[] {
    return this.#view.shown(this.#model.rows);
  }

  /** Resolves when everything taken so far has been drawn and painted. */
  async rendered(): Promise<void> {
    await this.#frame;
  }

  connectedCallback(): void {
    this.#resize.observe(this.#ruler);
    this.#ticking = setInterval(() => {
      this.#tick();
    }, tick_ms);
    this.#listen();
  }

  disconnectedCallback(): void {
    this.#resize.disconnect();
    clearInterval(this.#ticking);
    this.#listen();
  }

  attributeChangedCallback(name: string): void {
    if (name === "hidden") this.#source?.want(!this.hidden);
    else this.#showService();
  }

  #listen(): void {
    this.#source?.stop();
    this.#source = null;
    if (!this.#room || !this.isConnected) return;
    this.#source = new RoomCaptions(this.#room, {
      packet: (packet, received) => {
        this.#take(packet, received);
      },
      skip: (reason) => {
        this.#skip(reason);
      },
      apply: (action) => {
        this.#apply(action);
      },
      service: (state) => {
        this.#service = state;
        this.#showService();
      },
      missingAfter: (session) => missingAfter(this.#model.state, session),
      completeTo: (session) => completeTo(this.#model.state, session),
    });
    this.#source.want(!this.hidden);
  }

  #skip(reason: string): void {
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1;
  }

  #take(packet: Packet, received: number): void {
    const before = "id" in packet ? this.#model.cue(packet.session, packet.id) : undefined;
    this.#apply({ type: "packet", packet });
    if (!("id" in packet)) return;
    const cue = this.#model.cue(packet.session, packet.id);
    if (cue === before || this.#unpainted.length === unpaintedLimit) return;
    const { session, id, rev, state, heard, text, settled } = cue ?? { ...packet, state: "deleted", heard: null, text: "", settled: 0 };
    this.#unpainted.push({ session, id, rev, state, heard, text, settled, received });
  }

  #apply(action: Action): void {
    if (this.#model.apply(action, performance.now())) this.#schedule();
  }

  #tick(): void {
    this.#model.tick(performance.now());
    this.#schedule();
  }

  /** One drawing a frame, however many packets it brings. */
  #schedule(): void {
    this.#frame ??= new Promise((resolve) => {
      requestAnimationFrame(() => {
        this.#draw();
        afterPaint(() => {
          this.#frame = null;
          this.#tellPainted();
          resolve();
        });
      });
    });
  }

  #draw(): void {
    const now = performance.now();
    this.#view.draw(this.#model.rows, now);
    this.#tellSpeakers(speakersOf(this.#model.rows, now));
    this.#everCaptioned ||= !this.#view.element.hidden;
    this.#status.classList.toggle("unseen", this.#everCaptioned && this.#isRunning());
  }

  #tellSpeakers(speakers: readonly string[]): void {
    if (speakers.join("\n") === this.#speakers.join("\n")) return;
    this.#speakers = speakers;
    this.dispatchEvent(new Event("speakers"));
  }

  #tellPainted(): void {
    const painted = performance.timeOrigin + performance.now();
    const details = this.#unpainted;
    this.#unpainted = [];
    if (!this.hasAttribute("measure")) return;
    for (const detail of details) {
      this.dispatchEvent(new CustomEvent<PaintedDetail>("painted", { detail: { ...detail, painted }, bubbles: true, composed: true }));
    }
  }

  /** Once captions run they speak for themselves; the sentence stays for screen readers. */
  #showService(): void {
    const words = strings[languageFor(this.getAttribute("locale") ?? (document.documentElement.lang || navigator.language))];
    const sentence = this.#service === null ? "" : words[`state.${this.#service}`];
    const key = `${this.#service ?? ""} ${sentence}`;
    if (key === this.#spoken) return;
    this.#spoken = key;
    const first = this.#isRunning() && !this.#saidAutomatic;
    this.#saidAutomatic ||= first;
    this.#statusText.textContent = first ? `${sentence} ${words.automatic}` : sentence;
    this.#schedule();
  }

  #isRunning(): boolean {
    return this.#service === "on" || this.#service === "idle";
  }

  /** A line is counted in characters of mean width: `ch`, the width of a zero, is wider than that. */
  #measureCharacter(): void {
    const em = Number.parseFloat(getComputedStyle(this.#ruler).fontSize);
    const width = this.#ruler.getBoundingClientRect().width / sample.length;
    if (width > 0) this.style.setProperty("--_character", `${(width / em).toFixed(4)}em`);
  }
}

function afterPaint(then: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    then();
  };
  port2.postMessage(null);
}

declare global {
  interface HTMLElementTagNameMap {
    "live-captions": LiveCaptionsElement;
  }
}

if (!customElements.get("live-captions")) customElements.define("live-captions", LiveCaptionsElement);
