import type { TrackPacket } from "../contract";
import { choiceOf, youOf, type CaptionFacts, type HostChange, type HostChoice, type Reach, type ServiceState, type Wish, type You } from "./facts";
import { CaptionsRefused } from "./rpc";
import { keptTranscript, type KeptTranscript } from "./transcript";
import { keepWish, keptWish } from "./wish-store";

/** How long a microphone may have to wait until the bot knows what its user wishes. */
const patience_ms = 10_000;
const namesLimit = 5_000;

/** Calls the bot of a room. */
export interface Link {
  readonly room: string;
  call(method: string, payload: object): Promise<Readonly<Record<string, unknown>>>;
}

/** The state of one speaker's captions. */
export type SpeakerState = Pick<TrackPacket, "speaker" | "track" | "state" | "lag_ms" | "reason" | "lang" | "lang_by">;

/**
 * The room's caption service, as `element.captions`: its state, and requests to it.
 * The event `change` reports any new state. A refused request rejects with `CaptionsRefused`.
 */
export class CaptionsClient extends EventTarget {
  #link: Link | null = null;
  #state: ServiceState | null = null;
  #facts: CaptionFacts | null = null;
  #reach: Reach = "reached";
  #you: You | null = null;
  /** For a browser that stores nothing. */
  #wish: Wish | null = null;
  #speakers: readonly SpeakerState[] = [];
  readonly #names = new Map<string, string>();

  /** "none" without a service, null outside a room. */
  get state(): ServiceState | null {
    return this.#state;
  }

  /** What the service tells everybody; null without a service. */
  get facts(): CaptionFacts | null {
    return this.#facts;
  }

  /** Whether the service knows that somebody reads here. */
  get reach(): Reach {
    return this.#reach;
  }

  /** What the service knows about this page's user; null until it has answered. */
  get you(): You | null {
    return this.#you;
  }

  /** What this user chose about their own speech, here or at an earlier visit; a bot that does not know it is told. */
  get wish(): Wish | null {
    return this.#link ? keptWish(this.#link.room) ?? this.#wish : this.#wish;
  }

  /** The speakers whose state the service has reported. */
  get speakers(): readonly SpeakerState[] {
    return this.#speakers;
  }

  /** Changes the room's captions, transcript, language or engine. For hosts only. Rejects with `CaptionsRefused`. */
  async set(change: HostChange): Promise<HostChoice> {
    try {
      return choiceOf(await this.#call("captions.set", change));
    } catch (error) {
      const isRefused = error instanceof CaptionsRefused && error.reason === "not-allowed";
      if (isRefused && this.#you?.host) this.takeYou({ ...this.#you, host: false, why: error.why });
      throw error;
    }
  }

  /** Sets whether this user's own speech is captioned, and kept. Rejects with `CaptionsRefused`. */
  async consent(wish: Wish): Promise<You> {
    // A refusal holds even if no answer arrives; agreement holds once the bot has confirmed it.
    if (!wish.captioned || !wish.kept) this.#keep(wish);
    const answer = await this.#call("captions.consent", wish);
    this.#keep(wish);
    const before = this.#you ?? { host: false, why: null, language: null };
    const you = youOf({ ...before, ...wish, stored: true, ...answer, said: true });
    if (!you) throw new CaptionsRefused("no-answer", "the bot's answer says nothing of captioned");
    this.takeYou(you);
    return you;
  }

  /**
   * Says what this user speaks, or for hosts what the participant `speaker` does: "fr", "auto:fr,en" (found by voice
   * among those), "auto" (among all), "" (as the room does). Resolves to what holds now, and by whose choice. Rejects
   * with `CaptionsRefused`.
   */
  async speak(language: string, speaker?: string): Promise<{ language: string; by: string }> {
    const answer = await this.#call("captions.language", { language, ...(speaker === undefined ? {} : { speaker }) });
    if (speaker === undefined && this.#you) this.takeYou({ ...this.#you, language });
    return { language: String(answer["language"]), by: String(answer["by"]) };
  }

  /**
   * Resolves to whether the service knows this user's choice, if there are both; waits for that for some seconds. Await
   * it before publishing a microphone, so that nothing is captioned that its speaker has refused.
   */
  async told(): Promise<boolean> {
    const until = Date.now() + patience_ms;
    while (!this.#isTold && Date.now() < until) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, until - Date.now());
        this.addEventListener("change", () => { clearTimeout(timer); resolve(); }, { once: true });
      });
    }
    return this.#isTold;
  }

  get #isTold(): boolean {
    const { wish } = this;
    if (!wish || this.#state === "none" || this.#state === null) return true;
    return this.#you?.said === true && this.#you.captioned === wish.captioned && this.#you.kept === wish.kept;
  }

  #keep(wish: Wish): void {
    this.#wish = wish;
    if (this.#link) keepWish(this.#link.room, wish);
  }

  /** Removes what this user said from everybody's captions and histories. Only for those who refuse. Rejects with `CaptionsRefused`. */
  async removeSaid(): Promise<void> {
    await this.#call("captions.remove", {});
  }

  /** The transcript that is kept of this meeting, as it is now. For hosts only. Rejects with `CaptionsRefused`. */
  async transcript(): Promise<KeptTranscript> {
    return keptTranscript((at) => this.#call("captions.transcript", at === undefined ? {} : { at }));
  }

  /** For the element: sets the way to the bot; null without one. */
  connect(link: Link | null): void {
    this.#link = link;
    if (!link) this.takeService(null, null);
  }

  /** For the element. */
  takeService(state: ServiceState | null, facts: CaptionFacts | null): void {
    if (state === this.#state && JSON.stringify(facts) === JSON.stringify(this.#facts)) return;
    if (facts?.session !== this.#facts?.session && state !== null) this.#you = null;
    this.#state = state;
    this.#facts = facts;
    // A bot that has left no longer knows its speakers; it reports them again when it is back.
    if (facts === null && state !== "connecting") this.#speakers = [];
    this.#tell();
  }

  /** The name under which the service shows a participant, where it is not the participant's own. */
  nameOf(identity: string): string | null {
    return this.#names.get(identity) ?? null;
  }

  /** For the element. */
  takeName(identity: string, name: string): void {
    if (this.#names.get(identity) === name) return;
    this.#names.set(identity, name);
    if (this.#names.size > namesLimit) this.#names.delete([...this.#names.keys()][0] ?? "");
    this.#tell();
  }

  /** For the element. */
  takeReach(reach: Reach): void {
    if (reach === this.#reach) return;
    this.#reach = reach;
    this.#tell();
  }

  /** For the element. */
  takeYou(you: You): void {
    if (you.said && !this.wish) this.#keep({ captioned: you.captioned, kept: you.kept });
    if (JSON.stringify(you) === JSON.stringify(this.#you)) return;
    this.#you = you;
    this.#tell();
  }

  /** For the element. */
  takeSpeakers(speakers: readonly SpeakerState[]): void {
    if (JSON.stringify(speakers) === JSON.stringify(this.#speakers)) return;
    this.#speakers = speakers;
    this.#tell();
  }

  async #call(method: string, payload: object): Promise<Readonly<Record<string, unknown>>> {
    if (!this.#link) throw new CaptionsRefused("no-service", "there is no caption service to ask");
    return this.#link.call(method, payload);
  }

  #tell(): void {
    this.dispatchEvent(new Event("change"));
  }
}
