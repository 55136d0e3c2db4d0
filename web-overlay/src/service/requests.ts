import { isFields } from "../contract";

type Answer = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const patience_ms = 10_000;

/** As much of this page's participant as requests need. */
export interface Local {
  readonly identity: string;
  readonly permissions?: { readonly canPublishData: boolean; readonly hidden: boolean } | undefined;
  performRpc(request: { destinationIdentity: string; method: string; payload: string }): Promise<string>;
}

/** What the media server lets this page's user do. */
export function rightsOf({ permissions }: Local): { readonly maySend: boolean; readonly isHidden: boolean } {
  return { maySend: permissions?.canPublishData !== false, isHidden: permissions?.hidden === true };
}

/** The bot refused a request; `code` and `data` are those of a LiveKit `RpcError`. */
class Refused extends Error {
  constructor(
    message: string,
    readonly code: unknown,
    readonly data: unknown,
  ) {
    super(message);
  }
}

/**
 * The requests to one bot. The media server does not name a hidden participant, so LiveKit's answers do not reach
 * it: it names itself, and the bot answers with a packet.
 */
export class Requests {
  readonly #local: Local;
  readonly #bot: string;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  /** `bot` is its identity. */
  constructor(local: Local, bot: string) {
    this.#local = local;
    this.#bot = bot;
  }

  async call(method: string, payload: object): Promise<Answer> {
    const { isHidden } = rightsOf(this.#local);
    const answer = isHidden ? await this.#callHidden(method, payload) : (JSON.parse(await this.#perform(method, payload)) as unknown);
    if (!isFields(answer)) throw new Error("the bot's answer is no object");
    return answer;
  }

  /** Takes a packet of the bot that answers a request. */
  take({ reply, answer, again_ms, message, error, data }: Answer): void {
    const waiting = this.#waiting.get(Number(reply));
    if (isFields(answer)) waiting?.resolve({ ...answer, again_ms });
    else waiting?.reject(new Refused(String(message), error, data));
  }

  #perform(method: string, payload: object): Promise<string> {
    return this.#local.performRpc({ destinationIdentity: this.#bot, method, payload: JSON.stringify({ v: 1, ...payload }) });
  }

  async #callHidden(method: string, payload: object): Promise<Answer> {
    const id = (this.#last += 1);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        timer = setTimeout(() => {
          reject(new Error("the bot did not answer"));
        }, patience_ms);
        // Always fails in the end, for want of an answer.
        this.#perform(method, { ...payload, reply: { to: this.#local.identity, id } }).catch(() => undefined);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }
}
