import type { SpeakerState } from "./client";
import type { CaptionFacts, Reach, ServiceState } from "./facts";
import type { GapPacket } from "../contract";
import { say, type StringKey, type Words } from "../strings/strings";

/** A sentence about the state of the service. */
export function stateSentence(state: ServiceState | null, facts: CaptionFacts | null, words: Words, reach: Reach = "reached"): string {
  if (state === null) return "";
  if (reach === "trying" && isRunning(state)) return words["reach.trying"];
  if (reach === "unheard" && state === "idle") return words["reach.unheard"];
  if (state === "off" && facts?.by) return say(words["state.off.by"], { name: facts.by });
  return words[`state.${state}`];
}

export function isRunning(state: ServiceState | null): boolean {
  return state === "on" || state === "idle";
}

export interface SpeakerNote {
  readonly speaker: string;
  /** Whether it is about this page's own user; then the sentence says so. */
  readonly isOwn: boolean;
  readonly sentence: string;
}

/** What readers must know about single speakers. A refusal matters only while its speaker is heard. */
export function speakerNotes(speakers: readonly SpeakerState[], isHeard: (speaker: string) => boolean, words: Words, me = ""): SpeakerNote[] {
  return speakers.flatMap(({ speaker, state, lag_ms }) => {
    if (state === "on" || (state === "refused" && !isHeard(speaker))) return [];
    const isOwn = speaker === me;
    return [{ speaker, isOwn, sentence: say(words[`${isOwn ? "you" : "speaker"}.${state}`], { seconds: Math.max(1, Math.round(lag_ms / 1000)) }) }];
  });
}

export function gapText(gap: Pick<GapPacket, "start_ms" | "end_ms" | "reason">, words: Words): string {
  const missing = say(words["gap.missing"], { seconds: Math.max(1, Math.round((gap.end_ms - gap.start_ms) / 1000)) });
  const reason = (words as Readonly<Record<string, string>>)[`gap.${gap.reason}` satisfies string as StringKey];
  return reason === undefined ? missing : `${missing} (${reason})`;
}
