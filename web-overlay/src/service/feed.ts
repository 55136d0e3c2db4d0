import { parsePacket, readPacket, type Fault, type Packet } from "../contract";
import { SlicedQueue } from "./sliced-queue";

interface Fed {
  readonly packet: Uint8Array | object;
  readonly received: number;
  fault: Fault | null;
}

/** Packets that the page itself brings, without a room. */
export class Feed {
  readonly #queue: SlicedQueue<Fed>;

  /** `take` is given each packet that can be read, `skip` why one was skipped. */
  constructor(take: (packet: Packet, received: number) => void, skip: (reason: Fault | "too-many") => void) {
    const open = (fed: Fed): void => {
      const parsed = fed.packet instanceof Uint8Array ? parsePacket(fed.packet) : readPacket(fed.packet);
      if ("packet" in parsed) take(parsed.packet, fed.received);
      else skip((fed.fault = parsed.fault));
    };
    this.#queue = new SlicedQueue(open, () => skip("too-many"));
  }

  /** Returns why the packet was skipped; null if it was taken, or waits because very many came at once. */
  push(packet: Uint8Array | object): Fault | null {
    const fed: Fed = { packet, received: performance.timeOrigin + performance.now(), fault: null };
    this.#queue.push(fed);
    return fed.fault;
  }

  /** Resolves when nothing waits. */
  async drained(): Promise<void> {
    await this.#queue.drained();
  }
}
