import type { CaptionFacts, ServiceState, You } from "../service/facts";
import type { SpeakerState } from "../service/client";
import type { Person } from "../room/meeting";
import type { PageKey, PageWords } from "../strings/page-strings";
import { say, type Language } from "../strings/strings";

/** The state of one person's captions. */
export interface PersonStatus {
  readonly kind: "on" | "waiting" | "delayed" | "stalled" | "unavailable" | "refused" | "off" | "silent";
  readonly sentence: string;
}

const gravest: readonly SpeakerState["state"][] = ["refused", "unavailable", "stalled", "delayed", "on"];

/** The worst state of a person's tracks, who may share both a microphone and a screen's sound. */
export function statusOf(person: Person, speakers: readonly SpeakerState[], state: ServiceState | null, words: PageWords): PersonStatus {
  const own = speakers.filter(({ speaker }) => speaker === person.identity);
  const worst = gravest.flatMap((one) => own.filter((speaker) => speaker.state === one))[0];
  if (worst?.state === "refused") return { kind: "refused", sentence: words["person.refused"] };
  if (!person.hasVoice) return { kind: "silent", sentence: words["person.silent"] };
  // In an encrypted room those who can be heard are captioned.
  if (state !== "on" && state !== "idle" && state !== "encrypted") return { kind: "off", sentence: words["person.off"] };
  const kind = worst?.state ?? "waiting";
  if (worst?.reason === "encrypted" || worst?.reason === "not-received") return { kind, sentence: words[`person.${worst.reason}`] };
  const seconds = Math.max(1, Math.round((worst?.lag_ms ?? 0) / 1000));
  return { kind, sentence: say(words[`person.${kind}`], { seconds }) };
}

/** Sentences about an engine that stands in for the chosen one, and the delay. */
export function delaySentences(facts: CaptionFacts, words: PageWords, language: Language): string[] {
  const name = (engine: string) => engineName(engine, words);
  const delay = facts.delay_ms === null || facts.delay_ms === 0 ? [] : [say(words["room.delay"], { seconds: seconds(facts.delay_ms, language) })];
  return facts.standsIn === "" ? delay : [say(words["room.stands-in"], { engine: name(facts.engine), standIn: name(facts.standsIn) }), ...delay];
}

export function engineName(engine: string, words: PageWords): string {
  return engine === "embedded" || engine === "kyutai" || engine === "realtime" ? words[`engine.${engine}`] : engine;
}

function seconds(ms: number, language: Language): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(ms / 1000);
}

/** What a participant with a microphone must know about captions of their voice. */
export type Notice = "on" | "kept" | "not-kept" | "refused" | "asks" | "said";

const listening: readonly (ServiceState | null)[] = ["on", "idle", "starting", "interrupted"];

export function noticeFor(state: ServiceState | null, facts: CaptionFacts | null, you: You | null): Notice | null {
  if (!facts || !you || !(listening.includes(state) || facts.transcript)) return null;
  if (!you.captioned) return facts.consent === "if-agreed" ? "asks" : "refused";
  if (!facts.transcript) return "on";
  return you.kept ? "kept" : "not-kept";
}

/** Why this user cannot change the room's captions; null if they can. */
export function whyNot(you: You | null): PageKey | null {
  if (!you) return "room.why.unknown";
  return you.host ? null : `room.why.${you.why ?? "not-host"}`;
}
