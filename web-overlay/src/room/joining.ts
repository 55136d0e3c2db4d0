import { canEncrypt } from "./encryption";
import { canMeet, fetchPass, Meeting, Refused, type Ending, type Pass } from "./meeting";

/** Why the page is not in a room. */
export type Trouble = Ending | "unreachable" | "expired" | "no-webrtc" | "no-encryption";

const retries_ms = [1_000, 2_000, 5_000, 10_000, 30_000];

/** The troubles after which the page tries again by itself. */
const passing: readonly (Trouble | null)[] = ["lost", "unreachable"];

/** Joins the page's room, and rejoins it after the connection is lost. */
export class RoomJoining {
  readonly meeting: Meeting;
  readonly #visitor: { readonly name: string | null; readonly role: string | null };
  readonly #mustEncrypt: boolean;
  readonly #changed: () => void;
  #failed: Trouble | null = null;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  isEntering = false;
  pass: Pass | null = null;

  /** `key` is the shared key of an encrypted room, or null. */
  constructor(visitor: { readonly name: string | null; readonly role: string | null }, key: string | null, changed: () => void) {
    this.#visitor = visitor;
    this.#mustEncrypt = key !== null;
    this.#changed = changed;
    this.meeting = new Meeting(key, () => {
      this.#look();
    });
    for (const event of ["online", "pageshow"]) addEventListener(event, this.#now);
    document.addEventListener("visibilitychange", this.#now);
    document.addEventListener("resume", this.#now);
  }

  get trouble(): Trouble | null {
    return this.#failed ?? this.meeting.ending;
  }

  async enter(): Promise<void> {
    if (this.isEntering) return;
    clearTimeout(this.#timer);
    this.isEntering = true;
    this.#changed();
    try {
      if (!canMeet()) throw new Unfit("no-webrtc");
      // A browser that cannot encrypt must not join in clear text.
      if (this.#mustEncrypt && !canEncrypt()) throw new Unfit("no-encryption");
      this.pass = await fetchPass(this.#visitor);
      await this.meeting.enter(this.pass);
      this.#failed = null;
      this.#attempts = 0;
    } catch (error) {
      console.warn("could not join:", error);
      this.#failed = error instanceof Unfit ? error.lacks : error instanceof Refused ? "expired" : "unreachable";
    }
    this.isEntering = false;
    this.#look();
  }

  #look(): void {
    if (!this.isEntering && this.meeting.connection === "disconnected" && passing.includes(this.trouble)) this.#later();
    this.#changed();
  }

  #later(): void {
    clearTimeout(this.#timer);
    const pause_ms = retries_ms[Math.min(this.#attempts, retries_ms.length - 1)] ?? 0;
    this.#timer = setTimeout(() => {
      this.#attempts += 1;
      void this.enter();
    }, pause_ms);
  }

  /** Retries at once when the network is back or the page is visible again. */
  readonly #now = (): void => {
    if (document.visibilityState === "visible" && this.meeting.connection === "disconnected" && passing.includes(this.trouble)) void this.enter();
  };
}

/** The browser lacks a feature that the meeting needs. */
class Unfit extends Error {
  constructor(readonly lacks: "no-webrtc" | "no-encryption") {
    super(lacks);
  }
}
