import { isFields } from "../contract";

const serviceStates = ["off", "starting", "idle", "on", "interrupted", "unavailable", "encrypted", "no-language"] as const;

/** What the caption service says of itself; "none" when the room has none, "connecting" while the page is on its way. */
export type ServiceState = "none" | "connecting" | (typeof serviceStates)[number];

/** What the bot says of itself to everybody in the room. */
export interface CaptionFacts {
  readonly session: string;
  readonly state: ServiceState;
  /** BCP 47; "" when it is not known. */
  readonly language: string;
  readonly engine: string;
  /** The engine that works while the chosen one is away; "" while none has to. */
  readonly standsIn: string;
  readonly engines: readonly string[];
  readonly languages: readonly string[];
  /** Who last switched; "" when nobody did or hosts are not named. */
  readonly by: string;
  /** Whether a transcript is being kept. */
  readonly transcript: boolean;
  readonly consent: "unless-refused" | "if-agreed";
  /** How far words typically are behind the voice; null when the bot does not say. */
  readonly delay_ms: number | null;
}

/** What the bot knows of this page's own user. */
export interface You {
  readonly host: boolean;
  /** Why not a host. */
  readonly why: "not-host" | "unsigned" | null;
  /** Whether their own speech is captioned, and kept in a transcript. */
  readonly captioned: boolean;
  readonly kept: boolean;
}

/** What a host can change. */
export interface HostChange {
  readonly enabled?: boolean;
  readonly language?: string;
  readonly engine?: string;
  readonly transcript?: boolean;
}

export interface HostChoice {
  readonly state: ServiceState;
  readonly enabled: boolean;
  readonly language: string;
  readonly engine: string;
  readonly transcript: boolean;
}

type Attributes = Readonly<Record<string, string>>;

export function factsOf(attributes: Attributes): CaptionFacts {
  const said = (name: string) => attributes[`captions.${name}`] ?? "";
  const delay_ms = Number.parseInt(said("delay_ms"), 10);
  return {
    session: said("session"),
    state: serviceStates.find((state) => state === said("state")) ?? "starting",
    language: said("lang") === "und" ? "" : said("lang"),
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

/** Reads `you` of an answer; null when a bot of an earlier version does not say it. */
export function youOf(value: unknown): You | null {
  if (!isFields(value)) return null;
  const { host, why, captioned, kept } = value;
  if (typeof captioned !== "boolean") return null;
  return { host: host === true, why: why === "not-host" || why === "unsigned" ? why : null, captioned, kept: kept === true };
}

export function choiceOf(value: Readonly<Record<string, unknown>>): HostChoice {
  const text = (name: string) => (typeof value[name] === "string" ? value[name] : "");
  return {
    state: serviceStates.find((state) => state === value["state"]) ?? "starting",
    enabled: value["enabled"] === true,
    language: text("language"),
    engine: text("engine"),
    transcript: value["transcript"] === true,
  };
}

function listIn(text: string): string[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "")
    .slice(0, 100);
}
