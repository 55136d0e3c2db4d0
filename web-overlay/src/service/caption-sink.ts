import type { Fault, Packet } from "../contract";
import type { Action } from "../cues/state";
import type { CaptionFacts, Reach, ServiceState, Wish, You } from "./facts";

/** Receives the captions of a room and the state of its caption service. */
export interface CaptionSink {
  packet(packet: Packet, received: number): void;
  skip(fault: Fault | "other-session" | "not-encrypted" | "too-many"): void;
  apply(action: Action): void;
  service(state: ServiceState | null, facts: CaptionFacts | null): void;
  reach(reach: Reach): void;
  you(you: You): void;
  /** The choice that a bot without this user's decisions must learn, or null. */
  wish(): Wish | null;
  /** Reports whether the bot has older captions. */
  older(there: boolean): void;
  /** The sequence number after which packets of a session are missing, or null if none are. */
  missingAfter(session: string): number | null;
  /** The sequence number up to which a session is complete from its start, or null if it is not. */
  completeTo(session: string): number | null;
}
