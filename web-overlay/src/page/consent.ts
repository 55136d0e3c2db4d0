import type { CaptionsClient } from "../service/client";
import type { Wish } from "../service/facts";
import { CaptionsRefused, type Refusal } from "../service/rpc";

/** The user's own choice about captions of their voice. It is sent again when they have rejoined, before they speak. */
export class Consent {
  readonly #client: CaptionsClient;
  readonly #changed: () => void;
  readonly #hasSaid: () => boolean;
  #saidAgainTo: object | null = null;
  isBusy = false;
  isStored = true;
  refusal: Refusal | null = null;
  /** Whether the user has refused here, and may want to take back what is captioned already. */
  mayRemove = false;

  /** `hasSaid` tells whether something that the user said is captioned. */
  constructor(client: CaptionsClient, hasSaid: () => boolean, changed: () => void) {
    this.#client = client;
    this.#hasSaid = hasSaid;
    this.#changed = changed;
    client.addEventListener("change", () => {
      this.#repeat();
    });
  }

  async choose(wish: Wish): Promise<void> {
    const wasCaptioned = this.#client.you?.captioned === true;
    await this.#ask(async () => {
      this.isStored = (await this.#client.consent(wish)).stored;
      this.mayRemove = !wish.captioned && (this.mayRemove || (wasCaptioned && this.#hasSaid()));
    });
  }

  /** Removes what the user said from everybody's captions, or leaves it there. */
  async removeSaid(remove: boolean): Promise<void> {
    await this.#ask(async () => {
      if (remove) await this.#client.removeSaid();
      this.mayRemove = false;
    });
  }

  async #ask(request: () => Promise<void>): Promise<void> {
    this.isBusy = true;
    this.refusal = null;
    this.#changed();
    try {
      await request();
    } catch (error) {
      this.refusal = error instanceof CaptionsRefused ? error.reason : "no-answer";
    }
    this.isBusy = false;
    this.#changed();
  }

  /** Sends the choice again if the bot's answer contradicts it, once per answer: after rejoining, the bot sees a new participant. */
  #repeat(): void {
    const { you, wish } = this.#client;
    if (!you || !wish || this.isBusy || this.#saidAgainTo === you) return;
    if (you.captioned === wish.captioned && you.kept === wish.kept) return;
    this.#saidAgainTo = you;
    void this.choose(wish);
  }
}
