import type { RemoteParticipant, Room } from "livekit-client";
import { isFields, parsePacket, readPacket, type Fault, type Packet } from "./contract";
import type { Action } from "./state";

const serviceStates = ["off", "starting", "idle", "on", "interrupted", "unavailable", "encrypted", "no-language"] as const;

/** What the caption service says of itself; "none" when the room has none. */
export type ServiceState = "none" | (typeof serviceStates)[number];

/** Where the captions of a room go. */
export type { Room };

export interface CaptionSink {
  packet(packet: Packet, received: number): void;
  skip(fault: Fault | "other-session"): void;
  apply(action: Action): void;
  service(state: ServiceState | null): void;
  /** The number after which packets of a session are missing; null when none is. */
  missingAfter(session: string): number | null;
  /** The number up to which a session is known from its beginning; null when it is not. */
  completeTo(session: string): number | null;
}

interface Held {
  readonly from: RemoteParticipant;
  readonly packet: Packet;
  readonly received: number;
}

const topic = "captions";
const heldLimit = 64;
const held_ms = 3_000;
const historyPause_ms = 250;
const retries_ms = [1_000, 2_000, 5_000, 10_000, 30_000];
const pageLimit = 1_000;
const unsupportedMethod = 1400;

/** Listens to the caption bot of a room: who it is by the SFU's word, its packets, its answers. */
export class RoomCaptions {
  readonly #room: Room;
  readonly #sink: CaptionSink;
  readonly #silent = new Set<string>();
  #bot: RemoteParticipant | null = null;
  #session: string | null = null;
  #wanted = false;
  #held: Held[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: symbol | null = null;

  constructor(room: Room, sink: CaptionSink) {
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
    clearTimeout(this.#timer);
    this.#asking = null;
    this.#room.off("dataReceived", this.#onData);
    this.#room.off("connectionStateChanged", this.#choose);
    this.#room.off("reconnected", this.#onReconnected);
    this.#room.off("participantConnected", this.#choose);
    this.#room.off("participantDisconnected", this.#choose);
    this.#room.off("participantAttributesChanged", this.#choose);
  }

  /** Whether somebody reads captions here. The bot stops listening when nobody in the room does. */
  want(wanted: boolean): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) this.#hello();
    else if (this.#bot) void this.#call("captions.hello", { want: false }).catch(() => undefined);
  }

  readonly #choose = (): void => {
    // The states of an enum of which only the type is at hand: this module must not bundle LiveKit.
    const state: string = this.#room.state;
    const connected = state === "connected";
    if (!connected && state !== "disconnected") {
      // Data may still arrive while the signalling reconnects, so the bot stays who it was.
      this.#sink.service(null);
      return;
    }
    const bot = connected ? earliestBot(this.#room) : null;
    const session = bot?.attributes["captions.session"] ?? null;
    if (session !== this.#session) this.#changeSession(bot, session);
    this.#bot = bot;
    this.#sink.service(connected ? serviceOf(bot) : null);
    this.#releaseHeld();
  };

  readonly #onReconnected = (): void => {
    this.#choose();
    this.#hello();
  };

  readonly #onData = (bytes: Uint8Array, from?: RemoteParticipant, _kind?: unknown, on?: string): void => {
    if (on !== topic || !from?.isAgent) return;
    const received = performance.timeOrigin + performance.now();
    const parsed = parsePacket(bytes);
    if ("fault" in parsed) {
      this.#sink.skip(parsed.fault);
      return;
    }
    this.#releaseHeld();
    if (this.#isFromBot(from, parsed.packet)) this.#pass(parsed.packet, received);
    else this.#hold({ from, packet: parsed.packet, received });
  };

  /** The attribute that vouches for a session may arrive a moment after its first packet. */
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
    if (this.#asking === null && this.#sink.missingAfter(packet.session) !== null) this.#ask("captions.history", historyPause_ms);
  }

  #changeSession(bot: RemoteParticipant | null, session: string | null): void {
    if (this.#session !== null) this.#sink.apply({ type: "bot-left", session: this.#session, at: performance.now() });
    this.#bot = bot;
    this.#session = session;
    this.#asking = null;
    clearTimeout(this.#timer);
    if (session === null) return;
    this.#sink.apply({ type: "bot-back", session });
    this.#hello();
  }

  #hello(): void {
    if (this.#wanted && this.#bot) this.#ask("captions.hello", 0);
  }

  /** Asks after a pause, and again with longer ones when no answer comes. */
  #ask(method: "captions.hello" | "captions.history", pause_ms: number, attempt = 0): void {
    const session = this.#session;
    if (session === null || this.#silent.has(`${session} ${method}`)) return;
    const asking = Symbol(method);
    this.#asking = asking;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#exchange(method, session, asking).then(
        () => {
          if (this.#asking === asking) this.#asking = null;
        },
        (error: unknown) => {
          if (this.#asking !== asking) return;
          this.#asking = null;
          const pause = retries_ms[attempt];
          if (pause !== undefined) this.#ask(method, pause, attempt + 1);
          else if (codeOf(error) === unsupportedMethod) this.#silent.add(`${session} ${method}`);
        },
      );
    }, pause_ms);
  }

  async #exchange(method: "captions.hello" | "captions.history", session: string, asking: symbol): Promise<void> {
    const after_seq = method === "captions.hello" ? this.#sink.completeTo(session) : this.#sink.missingAfter(session);
    const known = after_seq === null ? {} : { session, after_seq };
    const first = await this.#call(method, method === "captions.hello" ? { want: true, ...known } : { session, after_seq });
    if (first["session"] !== session) throw new Error("the bot answered for another session");
    let page = first;
    for (let pages = 0; this.#asking === asking; pages += 1) {
      this.#take(page, session);
      const cursor = page["cursor"];
      if (cursor === null || cursor === undefined) {
        if (typeof first["seq"] === "number") this.#sink.apply({ type: "synced", session, seq: first["seq"] });
        return;
      }
      if (pages === pageLimit) throw new Error("the bot's history has no end");
      page = await this.#call("captions.history", { session, cursor });
    }
  }

  #take(page: Readonly<Record<string, unknown>>, session: string): void {
    const received = performance.timeOrigin + performance.now();
    const { origin_utc_ms: origin, now_utc_ms: now } = page;
    if (typeof origin === "number" && typeof now === "number") this.#sink.apply({ type: "clock", session, now_ms: now - origin });
    for (const value of [...items(page["tracks"], "track"), ...items(page["cues"], "caption")]) {
      const parsed = readPacket({ ...value, session, v: 1 });
      if ("fault" in parsed) {
        this.#sink.skip(parsed.fault);
        continue;
      }
      this.#sink.packet(parsed.packet, received);
    }
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

/** Of two bots the one that joined earlier is heard, then the one with the smaller sid. */
function earliestBot(room: Room): RemoteParticipant | null {
  const bots = [...room.remoteParticipants.values()].filter((one) => one.isAgent && one.attributes["captions.session"]);
  const joined = (one: RemoteParticipant) => one.joinedAt?.getTime() ?? Infinity;
  bots.sort((a, b) => joined(a) - joined(b) || (a.sid < b.sid ? -1 : 1));
  return bots[0] ?? null;
}

function serviceOf(bot: RemoteParticipant | null): ServiceState {
  if (!bot) return "none";
  const said = bot.attributes["captions.state"];
  return serviceStates.find((state) => state === said) ?? "starting";
}

/** The seq of an answer's parts is the envelope's affair. */
function items(list: unknown, type: "track" | "caption"): Record<string, unknown>[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isFields).map(({ seq, ...fields }) => ({ ...fields, type }));
}

function codeOf(error: unknown): unknown {
  return isFields(error) ? error["code"] : undefined;
}
