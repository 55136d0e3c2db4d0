import { isFields } from "../contract";

/** Why the bot refused a request, by the codes of the contract. */
const reasons = {
  1: "bad-request",
  2: "not-allowed",
  3: "unknown-version",
  4: "too-many-requests",
  5: "too-large",
  6: "no-such-choice",
  7: "not-stored",
  8: "not-available",
} as const;

/** The last three mean that the bot was not asked, or did not answer. */
export type Refusal = (typeof reasons)[keyof typeof reasons] | "may-not-send" | "no-service" | "no-answer";

/** LiveKit's code for a method that is not registered, as with a bot of an earlier version. */
export const unsupportedMethod = 1400;

/** The bot refused a request or did not answer. `message` is the bot's own, in English. */
export class CaptionsRefused extends Error {
  constructor(
    readonly reason: Refusal,
    message: string,
    /** The valid choices, if the bot lists them. */
    readonly choices: readonly string[] = [],
    /** Why this user is not a host, if that is why. */
    readonly why: "not-host" | "unsigned" | null = null,
  ) {
    super(message);
    this.name = "CaptionsRefused";
  }
}

/** Converts any RPC error into a refusal. */
export function refusalOf(error: unknown): CaptionsRefused {
  if (error instanceof CaptionsRefused) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === unsupportedMethod) return new CaptionsRefused("not-available", message);
  const reason = reasons[code as keyof typeof reasons] as Refusal | undefined;
  return new CaptionsRefused(reason ?? "no-answer", message, choicesIn(error), whyIn(error));
}

function whyIn(error: unknown): "not-host" | "unsigned" | null {
  const data = isFields(error) ? error["data"] : undefined;
  return data === "not-host" || data === "unsigned" ? data : null;
}

export function codeOf(error: unknown): unknown {
  return isFields(error) ? error["code"] : undefined;
}

function choicesIn(error: unknown): string[] {
  const data = isFields(error) ? error["data"] : undefined;
  if (typeof data !== "string") return [];
  try {
    const parsed: unknown = JSON.parse(data);
    const list = isFields(parsed) ? Object.values(parsed).find(Array.isArray) : parsed;
    return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}
