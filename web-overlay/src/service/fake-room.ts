import type { Packet } from "../contract";
import type { CaptionSink } from "./caption-sink";
import type { Wish } from "./facts";
import { RoomCaptions, type Room } from "./room";

/** For tests: a room without LiveKit. */
export interface FakeParticipant {
  identity: string;
  sid: string;
  isAgent: boolean;
  joinedAt: Date;
  attributes: Record<string, string>;
}
type Answer = (payload: Record<string, unknown>) => unknown;

export const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** As much of a Room as the captions use: events, participants, RPC. */
export class FakeRoom {
  state = "connected";
  isE2EEEnabled = false;
  remoteParticipants = new Map<string, FakeParticipant>();
  calls: [string, Record<string, unknown>][] = [];
  answers: Record<string, Answer> = {};
  #listeners = new Map<string, Set<(...values: unknown[]) => void>>();
  localParticipant = {
    identity: "me",
    permissions: { canPublishData: true, hidden: false },
    performRpc: ({ method, payload }: { method: string; payload: string }) => {
      const request = JSON.parse(payload) as Record<string, unknown>;
      this.calls.push([method, request]);
      const answer = this.answers[method];
      return answer ? Promise.resolve(JSON.stringify(answer(request))) : Promise.reject(Object.assign(new Error("unsupported"), { code: 1400 }));
    },
  };

  on(event: string, listener: (...values: unknown[]) => void): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener: (...values: unknown[]) => void): void {
    this.#listeners.get(event)?.delete(listener);
  }

  emit(event: string, ...values: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(...values);
  }

  joins(identity: string, facts: Partial<FakeParticipant> = {}): FakeParticipant {
    const one = { identity, sid: `PA_${identity}`, isAgent: true, joinedAt: new Date(1_000), attributes: {}, ...facts };
    this.remoteParticipants.set(identity, one);
    this.emit("participantConnected", one);
    return one;
  }

  leaves(one: FakeParticipant): void {
    this.remoteParticipants.delete(one.identity);
    this.emit("participantDisconnected", one);
  }

  sends(from: FakeParticipant | undefined, value: unknown, topic = "captions", encryption = 0): void {
    this.emit("dataReceived", bytes(value), from, 0, topic, encryption);
  }
}

export const packet = (seq: number, session = "s1") => ({ v: 1, type: "seq", session, seq });
export const cueOf = (id: string) => ({ id, rev: 1, state: "closed", settled: 2, speaker: "a", track: "", lang: "en", heard: 1, vtt: `${id}\n00:00:00.000 --> 00:00:01.000\n<v A>hi` });
export const session = (id: string) => ({ attributes: { "captions.session": id, "captions.state": "on" } });

/** Listens to a room, and keeps what the element would be given. */
export function listen(room: FakeRoom, missing: () => number | null = () => null, wish: Wish | null = null) {
  const heard = { packets: [] as Packet[], skipped: [] as string[], actions: [] as string[], services: [] as unknown[], yous: [] as unknown[], reaches: [] as string[], older: [] as boolean[] };
  const sink: CaptionSink = {
    packet: (one) => heard.packets.push(one),
    skip: (reason) => heard.skipped.push(reason),
    apply: (action) => heard.actions.push(action.type),
    service: (state) => heard.services.push(state),
    missingAfter: missing,
    completeTo: () => null,
    wish: () => wish,
    you: (you) => heard.yous.push(you),
    reach: (reach) => heard.reaches.push(reach),
    older: (there) => heard.older.push(there),
  };
  const captions = new RoomCaptions(room as unknown as Room, sink, true);
  return { ...heard, captions };
}
