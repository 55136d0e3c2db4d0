import { isFields } from "../contract";

const serviceStates = ["off", "starting", "idle", "on", "interrupted", "unavailable", "encrypted", "no-language"] as const;

/** The state of the caption service: "none" if the room has no service, "waiting" if every recogniser is taken, "connecting" while the page joins or rejoins. */
export type ServiceState = "none" | "waiting" | "connecting" | (typeof serviceStates)[number];

/**
 * Whether the bot knows that somebody reads here. "trying": it has not answered yet. "unheard": this page can
 * neither be seen nor heard by it.
 */
export type Reach = "reached" | "trying" | "unheard";

/** What the bot tells everybody in the room, in its participant attributes. */
export interface CaptionFacts {
  readonly session: string;
  readonly state: ServiceState;
  /** A BCP 47 tag; "" if it is not known. */
  readonly language: string;
  /** What may be spoken: the same, or "auto:fr,en" if it is found by voice among those, or "auto" if among all. */
  readonly spoken: string;
  readonly engine: string;
  /** The engine that replaces the chosen one while it is unavailable; "" otherwise. */
  readonly standsIn: string;
  readonly engines: readonly string[];
  readonly languages: readonly string[];
  /** The name of the host who made the last change; "" if there is none or hosts are not named. */
  readonly by: string;
  /** Whether a transcript is being kept. */
  readonly transcript: boolean;
  readonly consent: "unless-refused" | "if-agreed";
  /** The typical delay of words behind the voice; null if the bot does not report it. */
  readonly delay_ms: number | null;
}

/** What a user chose about their own speech. */
export interface Wish {
  readonly captioned: boolean;
  readonly kept: boolean;
}

/** What the bot knows about this page's own user. */
export interface You {
  readonly host: boolean;
  /** Why the user is not a host; null if they are. */
  readonly why: "not-host" | "unsigned" | null;
  /** Whether the user's own speech is captioned; `kept`: and kept in a transcript. */
  readonly captioned: boolean;
  readonly kept: boolean;
  /** Whether this follows from their own choice. */
  readonly said: boolean;
  /** Whether the choice outlives a restart of the bot. */
  readonly stored: boolean;
  /** What the user says that they speak; "" if they say nothing, null if the bot is of an earlier version. */
  readonly language: string | null;
}

/** What a host can change. Absent fields stay as they are. */
export interface HostChange {
  readonly enabled?: boolean;
  readonly language?: string;
  readonly engine?: string;
  readonly transcript?: boolean;
  /** Names and terms that may be said, in place of those before. */
  readonly vocabulary?: readonly string[];
}

export interface HostChoice {
  readonly state: ServiceState;
  readonly enabled: boolean;
  readonly language: string;
  readonly engine: string;
  readonly transcript: boolean;
  /** The names and terms of hosts that count, of which the first `used` are listened for; null if the service takes none. */
  readonly vocabulary: readonly string[] | null;
  readonly used: number;
}

type Attributes = Readonly<Record<string, string>>;

export function factsOf(attributes: Attributes): CaptionFacts {
  const said = (name: string) => attributes[`captions.${name}`] ?? "";
  const delay_ms = Number.parseInt(said("delay_ms"), 10);
  const language = said("lang") === "und" ? "" : said("lang");
  const among = said("auto");
  return {
    session: said("session"),
    state: serviceStates.find((state) => state === said("state")) ?? "starting",
    language,
    spoken: among === "" ? language : among === "*" ? "auto" : `auto:${among}`,
    engine: said("engine"),
    standsIn: said("stands_in"),
    engines: listIn(said("engines")),
    languages: listIn(said("languages")),
    by: said("by"),
    transcript: said("transcript") === "on",
    consent: said("consent") === "if-agreed" ? "if-agreed" : "unless-refused",
    delay_ms: delay_ms >= 0 ? delay_ms : null,
  };
}

/** Reads the field `you` of an answer; null if a bot of an earlier version does not send it. */
export function youOf(value: unknown): You | null {
  if (!isFields(value)) return null;
  const { host, why, captioned, kept, said, stored, language } = value;
  if (typeof captioned !== "boolean") return null;
  return { host: host === true, why: why === "not-host" || why === "unsigned" ? why : null, captioned, kept: kept === true, said: said === true, stored: stored !== false, language: typeof language === "string" ? language : null };
}

export function choiceOf(value: Readonly<Record<string, unknown>>): HostChoice {
  const text = (name: string) => (typeof value[name] === "string" ? value[name] : "");
  const { vocabulary, used } = value;
  return {
    state: serviceStates.find((state) => state === value["state"]) ?? "starting",
    enabled: value["enabled"] === true,
    language: text("language"),
    engine: text("engine"),
    transcript: value["transcript"] === true,
    vocabulary: Array.isArray(vocabulary) ? vocabulary.filter((one) => typeof one === "string") : null,
    used: typeof used === "number" ? used : 0,
  };
}

function listIn(text: string): string[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .slice(0, 100);
}
