import { ExternalE2EEKeyProvider, isE2EESupported, type Room, type RoomOptions } from "livekit-client";

/** The shared key that the page's address carries behind its "#", which no browser sends to a server; null without one. */
export function keyIn(fragment: string): string | null {
  const fields = new URLSearchParams(fragment.replace(/^#/, "").replaceAll("+", "%2B"));
  return fields.get("key") || null;
}

export const canEncrypt = isE2EESupported;

/** End-to-end encryption of one room with a key that all who may take part share: sound, captions and calls. */
export class Encryption {
  readonly options: Pick<RoomOptions, "encryption">;
  readonly #keys = new ExternalE2EEKeyProvider();
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
    const worker = new Worker(new URL("livekit-client/e2ee-worker", import.meta.url), { type: "module" });
    // Not `e2ee`, which leaves data channels as they are.
    this.options = { encryption: { keyProvider: this.#keys, worker } };
  }

  /** Before the room is joined: what is sent in it is encrypted from the first byte on. */
  async turnOn(room: Room): Promise<void> {
    await this.#keys.setKey(this.#key);
    await room.setE2EEEnabled(true);
  }
}
