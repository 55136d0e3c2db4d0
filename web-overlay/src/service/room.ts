import type { RemoteParticipant, Room } from "livekit-client";
import { isFields, parsePacket, type Packet } from "../contract";
import type { CaptionSink } from "./caption-sink";
import { Conversation } from "./conversation";
import { factsOf } from "./facts";
import { CaptionsRefused, refusalOf } from "./rpc";
import { SlicedQueue } from "./sliced-queue";

export type { Room };

interface Arrived {
  readonly bytes: Uint8Array;
  readonly from: RemoteParticipant;
  readonly received: number;
}

interface Held {
  readonly from: RemoteParticipant;
  readonly packet: Packet;
  readonly received: number;
}

const topic = "captions";
const heldLimit = 64;
const held_ms = 3_000;

/** Listens to the caption bot of a room. The SFU vouches for which participant it is. */
export class RoomCaptions {
  readonly #room: Room;
  readonly #sink: CaptionSink;
  #bot: RemoteParticipant | null = null;
  #session: string | null = null;
  #wanted: boolean;
  #held: Held[] = [];
  #conversation: Conversation | null = null;
  #hadSession = false;
  readonly #arrived = new SlicedQueue<Arrived>(
    (one) => this.#open(one),
    () => this.#sink.skip("too-many"),
  );

  constructor(room: Room, sink: CaptionSink, wanted: boolean) {
    this.#wanted = wanted;
    this.#room = room;
    this.#sink = sink;
    room.on("dataReceived", this.#onData);
    room.on("connectionStateChanged", this.#choose);
    room.on("reconnected", this.#onReconnected);
    room.on("participantConnected", this.#choose);
    room.on("participantDisconnected", this.#choose);
    room.on("participantAttributesChanged", this.#choose);
    this.#choose();
  }

  stop(): void {
    this.want(false);
    this.#conversation?.end();
    this.#room.off("dataReceived", this.#onData);
    this.#room.off("connectionStateChanged", this.#choose);
    this.#room.off("reconnected", this.#onReconnected);
    this.#room.off("participantConnected", this.#choose);
    this.#room.off("participantDisconnected", this.#choose);
    this.#room.off("participantAttributesChanged", this.#choose);
  }

  /** Sets whether somebody reads captions here. The bot stops listening when nobody in the room reads. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#conversation?.hello(wanted);
  }

  /** Fetches the next page of older captions. Resolves to whether there are more; rejects with `CaptionsRefused`. */
  async loadOlder(): Promise<boolean> {
    return (await this.#conversation?.loadOlder()) ?? false;
  }

  /** Whether the media server reports this participant as speaking. */
  isHeard(identity: string): boolean {
    return this.#room.remoteParticipants.get(identity)?.isSpeaking ?? this.#room.localParticipant.isSpeaking;
  }

  nameOf(identity: string): string | null {
    return this.#room.remoteParticipants.get(identity)?.name ?? null;
  }

  /** Sends the bot a request. Rejects with `CaptionsRefused`. */
  async call(method: string, payload: object): Promise<Readonly<Record<string, unknown>>> {
    if (!this.#bot) throw new CaptionsRefused("no-service", "there is no bot to ask");
    try {
      return await this.#call(method, payload);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  readonly #choose = (): void => {
    // Compared as strings: importing the enum's values would bundle LiveKit into the element.
    const state: string = this.#room.state;
    const connected = state === "connected";
    if (!connected && state !== "disconnected") {
      // Data may still arrive while signalling reconnects, so the bot stays the same.
      this.#sink.service("connecting", null);
      return;
    }
    const bot = connected ? earliestBot(this.#room) : null;
    const session = bot?.attributes["captions.session"] ?? null;
    if (session !== this.#session) this.#changeSession(bot, session);
    this.#bot = bot;
    const facts = bot && factsOf(bot.attributes);
    this.#sink.service(connected ? (facts?.state ?? "none") : null, facts);
    this.#releaseHeld();
  };

  readonly #onReconnected = (): void => {
    this.#choose();
    this.#conversation?.hello(this.#wanted);
  };

  readonly #onData = (bytes: Uint8Array, from?: RemoteParticipant, _kind?: unknown, on?: string, encryption?: number): void => {
    if (on !== topic || !from?.isAgent) return;
    // In an encrypted room the media server is not trusted: it could have sent this packet itself.
    if (this.#isEncrypted && !encryption) {
      this.#sink.skip("not-encrypted");
      return;
    }
    this.#arrived.push({ bytes, from, received: performance.timeOrigin + performance.now() });
  };

  #open({ bytes, from, received }: Arrived): void {
    const parsed = parsePacket(bytes);
    if ("fault" in parsed) {
      this.#sink.skip(parsed.fault);
      return;
    }
    this.#releaseHeld();
    if (this.#isFromBot(from, parsed.packet)) this.#pass(parsed.packet, received);
    else this.#hold({ from, packet: parsed.packet, received });
  }

  get #isEncrypted(): boolean {
    // The room reports encryption once its worker is ready, the participant as soon as it is requested.
    return this.#room.isE2EEEnabled || this.#room.localParticipant.isE2EEEnabled;
  }

  /** Keeps a packet for a moment, because the attribute that vouches for its session may arrive after it. */
  #hold(held: Held): void {
    if (this.#held.length === heldLimit) this.#sink.skip("other-session");
    else this.#held.push(held);
  }

  #releaseHeld(): void {
    const oldest = performance.timeOrigin + performance.now() - held_ms;
    const held = this.#held;
    this.#held = [];
    for (const one of held) {
      if (this.#isFromBot(one.from, one.packet)) this.#pass(one.packet, one.received);
      else if (one.received < oldest) this.#sink.skip("other-session");
      else this.#held.push(one);
    }
  }

  #isFromBot(from: RemoteParticipant, packet: Packet): boolean {
    return from.identity === this.#bot?.identity && packet.session === this.#session;
  }

  #pass(packet: Packet, received: number): void {
    this.#sink.packet(packet, received);
    this.#conversation?.heal();
  }

  #changeSession(bot: RemoteParticipant | null, session: string | null): void {
    if (this.#session !== null) this.#sink.apply({ type: "bot-left", session: this.#session, at: performance.now() });
    this.#bot = bot;
    this.#session = session;
    this.#conversation?.end();
    this.#conversation = null;
    if (session === null) return;
    this.#sink.apply({ type: "bot-back", session });
    const before = this.#hadSession ? { before: true } : {};
    this.#hadSession = true;
    // A bot that has lost the room's decisions captions nobody whose page has not said this.
    const known = () => ({ wish: this.#sink.wish() ?? "none", ...before });
    const call = (method: string, payload: object) => this.#call(method, method === "captions.hello" ? { ...payload, ...known() } : payload);
    this.#conversation = new Conversation(session, call, this.#sink);
    this.#conversation.hello(this.#wanted);
  }

  async #call(method: string, payload: object): Promise<Readonly<Record<string, unknown>>> {
    if (!this.#bot) throw new Error("no bot to ask");
    const answer: unknown = JSON.parse(
      await this.#room.localParticipant.performRpc({
        destinationIdentity: this.#bot.identity,
        method,
        payload: JSON.stringify({ v: 1, ...payload }),
      }),
    );
    if (!isFields(answer)) throw new Error("the bot's answer is no object");
    return answer;
  }
}

/** The bot that joined first; of two that joined together, the one with the smaller sid. */
function earliestBot(room: Room): RemoteParticipant | null {
  const bots = [...room.remoteParticipants.values()].filter((one) => one.isAgent && one.attributes["captions.session"]);
  const joined = (one: RemoteParticipant) => one.joinedAt?.getTime() ?? Infinity;
  bots.sort((a, b) => joined(a) - joined(b) || (a.sid < b.sid ? -1 : 1));
  return bots[0] ?? null;
}
