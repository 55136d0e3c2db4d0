import { ExternalE2EEKeyProvider, isE2EESupported, type Room, type RoomOptions } from "livekit-client";

/** The shared key in the fragment of the page's address, which browsers do not send to servers; null without one. */
export function keyIn(fragment: string): string | null {
  const fields = new URLSearchParams(fragment.replace(/^#/, "").replaceAll("+", "%2B"));
  return fields.get("key") || null;
}

export const canEncrypt = isE2EESupported;

/** End-to-end encryption of one room's audio, data packets and RPC with a shared key. */
export class Encryption {
  readonly options: Pick<RoomOptions, "encryption">;
  readonly #keys = new ExternalE2EEKeyProvider();
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
    const worker = new Worker(new URL("livekit-client/e2ee-worker", import.meta.url), { type: "module" });
    // The older option `e2ee` does not encrypt data channels.
    this.options = { encryption: { keyProvider: this.#keys, worker } };
  }

  /** Must be called before the room is joined, so that the first byte sent is encrypted. */
  async turnOn(room: Room): Promise<void> {
    await this.#keys.setKey(this.#key);
    await room.setE2EEEnabled(true);
  }
}
