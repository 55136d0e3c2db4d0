import type { Participant, RemoteParticipant, Room } from "livekit-client";
import { isFields, parsePacket, type Packet } from "../contract";
import type { CaptionSink } from "./caption-sink";
import { Conversation } from "./conversation";
import { factsOf } from "./facts";
import { ownName } from "./names";
import { pictureAddress } from "./pictures";
import { Requests, rightsOf } from "./requests";
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
/** For packets that only this participant gets, or a few. */
const answersTopic = "captions.answers";
const listened = ["connectionStateChanged", "participantConnected", "participantDisconnected", "participantAttributesChanged"] as const;
/** Sent by the caption service through the media server's API, again and again, for as long as it has no bot for the room. */
const waitingTopic = "captions.waiting";
const waiting_ms = 30_000;
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
  #requests: Requests | null = null;
  #hadSession = false;
  #isFirst = true;
  #wasIdle = false;
  readonly #arrived = new SlicedQueue<Arrived>(
    (one) => this.#open(one),
    () => this.#sink.skip("too-many"),
  );
  #waiting: ReturnType<typeof setTimeout> | null = null;

  constructor(room: Room, sink: CaptionSink, wanted: boolean) {
    this.#wanted = wanted;
    this.#room = room;
    this.#sink = sink;
    room.on("dataReceived", this.#onData);
    room.on("reconnected", this.#onReconnected);
    room.on("participantPermissionsChanged", this.#onPermissions);
    for (const event of listened) room.on(event, this.#choose);
    this.#choose();
  }

  stop(): void {
    this.want(false);
    this.#wait(0);
    this.#conversation?.end();
    this.#room.off("dataReceived", this.#onData);
    this.#room.off("reconnected", this.#onReconnected);
    this.#room.off("participantPermissionsChanged", this.#onPermissions);
    for (const event of listened) this.#room.off(event, this.#choose);
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

  get room(): string {
    return this.#room.name;
  }

  /** Whether the media server reports this participant as speaking. */
  isHeard(identity: string): boolean {
    return this.#room.remoteParticipants.get(identity)?.isSpeaking ?? this.#room.localParticipant.isSpeaking;
  }

  /** This page's own identity. */
  get me(): string {
    return this.#room.localParticipant.identity;
  }

  /** The address of a participant's picture on the page's own origin, or null. */
  pictureOf(identity: string): string | null {
    return pictureAddress(this.#participant(identity)?.attributes ?? {}, location.href);
  }

  #participant(identity: string): Participant | undefined {
    return identity === this.me ? this.#room.localParticipant : this.#room.remoteParticipants.get(identity);
  }

  /** The name that a participant has given itself; "" if there is none. */
  nameOf(identity: string): string {
    const one = this.#participant(identity);
    return one ? ownName(one) : "";
  }

  /** Sends the bot a request. Rejects with `CaptionsRefused`. */
  async call(method: string, payload: object): Promise<Readonly<Record<string, unknown>>> {
    if (!this.#requests) throw new CaptionsRefused("no-service", "there is no bot to ask");
    if (!rightsOf(this.#room.localParticipant).maySend) throw new CaptionsRefused("may-not-send", "this participant may send nothing");
    try {
      return await this.#requests.call(method, payload);
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
    this.#sink.service(connected ? (facts?.state ?? (this.#waiting ? "waiting" : "none")) : null, facts);
    this.#releaseHeld();
    const isIdle = facts?.state === "idle";
    if (isIdle && !this.#wasIdle) this.#conversation?.idle();
    this.#wasIdle = isIdle;
  };

  readonly #onPermissions = (): void => {
    if (this.#session !== null) this.#converse(this.#session);
  };

  readonly #onReconnected = (): void => {
    this.#choose();
    this.#conversation?.hello(this.#wanted);
  };

  readonly #onData = (bytes: Uint8Array, from?: RemoteParticipant, _kind?: unknown, on?: string, encryption?: number): void => {
    // No participant can send without an identity.
    if (on === waitingTopic && !from) this.#wait(waiting_ms);
    if ((on !== topic && on !== answersTopic) || !from?.isAgent) return;
    // In an encrypted room the media server is not trusted: it could have sent this packet itself.
    if (this.#isEncrypted && !encryption) {
      this.#sink.skip("not-encrypted");
      return;
    }
    if (on === answersTopic) {
      if (from.identity === this.#bot?.identity) this.#takeAnswer(bytes);
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

  /** The room waits for a bot, for so long unless that is said again. */
  #wait(for_ms: number): void {
    if (this.#waiting) clearTimeout(this.#waiting);
    this.#waiting = for_ms === 0 ? null : setTimeout(() => this.#stopWaiting(), for_ms);
    if (for_ms > 0) this.#choose();
  }

  #stopWaiting(): void {
    this.#waiting = null;
    this.#choose();
  }

  get #isEncrypted(): boolean {
    // The room reports encryption once its worker is ready, the participant as soon as it is requested.
    return this.#room.isE2EEEnabled || this.#room.localParticipant.isE2EEEnabled;
  }

  #takeAnswer(bytes: Uint8Array): void {
    let answer: unknown;
    try {
      answer = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    } catch {
      this.#sink.skip("not-json");
      return;
    }
    if (!isFields(answer)) this.#sink.skip("not-an-object");
    else if (answer["reply"] === undefined) this.#conversation?.take(answer);
    else this.#requests?.take(answer);
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
    this.#conversation = this.#requests = null;
    if (session === null) return;
    this.#sink.apply({ type: "bot-back", session });
    this.#isFirst = !this.#hadSession;
    this.#hadSession = true;
    this.#converse(session);
  }

  #converse(session: string): void {
    if (!this.#bot) return;
    const { maySend, isHidden } = rightsOf(this.#room.localParticipant);
    const requests = (this.#requests = new Requests(this.#room.localParticipant, this.#bot.identity));
    const before = this.#isFirst ? {} : { before: true };
    // A bot that has lost the room's decisions captions nobody whose page has not said this.
    const known = () => ({ wish: this.#sink.wish() ?? "none", ...before });
    const call = (method: string, payload: object) => requests.call(method, method === "captions.hello" ? { ...payload, ...known() } : payload);
    this.#conversation?.end();
    this.#conversation = new Conversation(session, maySend ? call : null, this.#sink);
    const isUnheard = isHidden && !maySend;
    this.#sink.reach(isUnheard ? "unheard" : "reached");
    if (!isUnheard) this.#conversation.hello(this.#wanted);
  }
}

/** The bot that joined first; of two that joined together, the one with the smaller sid. */
function earliestBot(room: Room): RemoteParticipant | null {
  const bots = [...room.remoteParticipants.values()].filter((one) => one.isAgent && one.attributes["captions.session"]);
  const joined = (one: RemoteParticipant) => one.joinedAt?.getTime() ?? Infinity;
  bots.sort((a, b) => joined(a) - joined(b) || (a.sid < b.sid ? -1 : 1));
  return bots[0] ?? null;
}
