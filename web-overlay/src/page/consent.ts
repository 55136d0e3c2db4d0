import type { CaptionsClient } from "../service/client";
import type { Wish } from "../service/facts";
import { CaptionsRefused, type Refusal } from "../service/rpc";

/** The user's own choice about captions of their voice. It is sent again when they have rejoined, before they speak. */
export class Consent {
  readonly #client: CaptionsClient;
  readonly #changed: () => void;
  #saidAgainTo: object | null = null;
  isBusy = false;
  isStored = true;
  refusal: Refusal | null = null;

  constructor(client: CaptionsClient, changed: () => void) {
    this.#client = client;
    this.#changed = changed;
    client.addEventListener("change", () => {
      this.#repeat();
    });
  }

  async choose(wish: Wish): Promise<void> {
    this.isBusy = true;
    this.refusal = null;
    this.#changed();
    try {
      this.isStored = (await this.#client.consent(wish)).stored;
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
