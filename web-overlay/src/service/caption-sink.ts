import type { Fault, Packet } from "../contract";
import type { Action } from "../cues/state";
import type { CaptionFacts, ServiceState, You } from "./facts";

/** Where the captions of a room go. */
export interface CaptionSink {
  packet(packet: Packet, received: number): void;
  skip(fault: Fault | "other-session" | "not-encrypted"): void;
  apply(action: Action): void;
  service(state: ServiceState | null, facts: CaptionFacts | null): void;
  you(you: You): void;
  /** Whether the bot has more that was said before. */
  older(there: boolean): void;
  /** The number after which packets of a session are missing; null when none is. */
  missingAfter(session: string): number | null;
  /** The number up to which a session is known from its beginning; null when it is not. */
  completeTo(session: string): number | null;
}
