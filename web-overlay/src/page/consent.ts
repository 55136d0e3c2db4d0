import type { CaptionsClient } from "../service/client";
import { CaptionsRefused, type Refusal } from "../service/rpc";

export interface Wish {
  readonly captioned: boolean;
  readonly kept: boolean;
}

/** The user's own choice about captions of their voice. It is sent again when they have rejoined, before they speak. */
export class Consent {
  readonly #client: CaptionsClient;
  readonly #changed: () => void;
  #wish: Wish | null = null;
  #saidAgainTo: object | null = null;
  isBusy = false;
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
      await this.#client.consent(wish);
      this.#wish = wish;
    } catch (error) {
      this.refusal = error instanceof CaptionsRefused ? error.reason : "no-answer";
    }
    this.isBusy = false;
    this.#changed();
  }

  /** Sends the choice again if the bot's answer contradicts it, once per answer: after rejoining, the bot sees a new participant. */
  #repeat(): void {
    const { you } = this.#client;
    if (!you || !this.#wish || this.isBusy || this.#saidAgainTo === you) return;
    if (you.captioned === this.#wish.captioned && you.kept === this.#wish.kept) return;
    this.#saidAgainTo = you;
    void this.choose(this.#wish);
  }
}
