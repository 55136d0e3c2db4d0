import { readPacket } from "../contract";
import type { CaptionSink } from "./caption-sink";
import { youOf } from "./facts";
import { codeOf, refusalOf, unsupportedMethod } from "./rpc";

type Answer = Readonly<Record<string, unknown>>;
export type Call = (method: string, payload: object) => Promise<Answer>;
type Method = "captions.hello" | "captions.history";

const historyPause_ms = 250;
const retries_ms = [1_000, 2_000, 5_000, 10_000, 30_000];
const pageLimit = 1_000;
/** Older pages fetched in advance; with the first page that makes some 200 captions. */
const pagesAhead = 3;
/** The bot may not know this participant yet: the media server reports newcomers to it every three seconds. */
const whoPause_ms = 1_000;
const whoLimit = 10;

/** The requests to the bot about one of its sessions: hello, missed packets, older captions. */
export class Conversation {
  readonly #session: string;
  readonly #call: Call;
  readonly #sink: CaptionSink;
  readonly #unknown = new Set<Method>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: symbol | null = null;
  #older: string | null = null;
  #loading: Promise<void> | null = null;
  #who: ReturnType<typeof setTimeout> | undefined;
  #whoAsked = 0;
  #ended = false;

  constructor(session: string, call: Call, sink: CaptionSink) {
    this.#session = session;
    this.#call = call;
    this.#sink = sink;
    this.#setOlder(null);
  }

  /** Tells the bot whether somebody reads here. A page without captions needs part of the answer too. */
  hello(want: boolean): void {
    clearTimeout(this.#who);
    if (want) {
      this.#ask("captions.hello", 0);
      return;
    }
    this.#stopAsking();
    this.#sayAlone(want);
  }

  /** Requests missing packets, if there are any and no request is pending. */
  heal(): void {
    if (this.#asking === null && this.#sink.missingAfter(this.#session) !== null) this.#ask("captions.history", historyPause_ms);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#who);
    this.#stopAsking();
  }

  /** Fetches the next page of older captions. Resolves to whether there are more; rejects with `CaptionsRefused`. */
  async loadOlder(): Promise<boolean> {
    if (this.#older === null || this.#ended) return false;
    this.#loading ??= this.#takeOlder(this.#older).finally(() => {
      this.#loading = null;
    });
    await this.#loading;
    return this.#hasOlder();
  }

  #hasOlder(): boolean {
    return this.#older !== null;
  }

  async #takeOlder(older: string): Promise<void> {
    const page = await this.#call("captions.history", { session: this.#session, older }).catch((error: unknown) => {
      throw refusalOf(error);
    });
    if (this.#ended || page["session"] !== this.#session) return;
    this.#take(page);
    // A cursor that points to itself would be requested for ever.
    const next = page["older"];
    this.#setOlder(typeof next === "string" && next !== older ? next : null);
  }

  async #loadAhead(): Promise<void> {
    for (let pages = 0; pages < pagesAhead; pages += 1) if (!(await this.loadOlder())) return;
  }

  #setOlder(older: string | null): void {
    this.#older = older;
    this.#sink.older(older !== null);
  }

  #stopAsking(): void {
    clearTimeout(this.#timer);
    this.#asking = null;
  }

  /** Sends a request after a pause, and retries with longer pauses if it fails. */
  #ask(method: Method, pause_ms: number, attempt = 0): void {
    if (this.#ended || this.#unknown.has(method)) return;
    const asking = Symbol(method);
    this.#asking = asking;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#exchange(method, asking).then(
        () => {
          if (this.#asking !== asking) return;
          this.#asking = null;
          if (method === "captions.hello") this.#loadAhead().catch(() => undefined);
        },
        (error: unknown) => {
          if (this.#asking !== asking) return;
          this.#asking = null;
          const pause = retries_ms[attempt];
          if (pause !== undefined) this.#ask(method, pause, attempt + 1);
          else if (codeOf(error) === unsupportedMethod) this.#unknown.add(method);
        },
      );
    }, pause_ms);
  }

  async #exchange(method: Method, asking: symbol): Promise<void> {
    const session = this.#session;
    const after_seq = method === "captions.hello" ? this.#sink.completeTo(session) : this.#sink.missingAfter(session);
    const known = after_seq === null ? {} : { session, after_seq };
    const first = await this.#call(method, method === "captions.hello" ? { want: true, ...known } : { session, after_seq });
    if (first["session"] !== session) throw new Error("the bot answered for another session");
    if (this.#asking !== asking) return;
    this.#takeYou(first, true);
    if (typeof first["older"] === "string") this.#setOlder(first["older"]);
    let page = first;
    for (let pages = 0; this.#asking === asking; pages += 1) {
      this.#take(page);
      const cursor = page["cursor"];
      if (cursor === null || cursor === undefined) {
        if (typeof first["seq"] === "number") this.#sink.apply({ type: "synced", session, seq: first["seq"] });
        return;
      }
      if (pages === pageLimit) throw new Error("the bot's history has no end");
      page = await this.#call("captions.history", { session, cursor });
    }
  }

  /** Sends hello without requesting captions. */
  #sayAlone(want: boolean): void {
    this.#call("captions.hello", { want, session: this.#session, after_seq: Number.MAX_SAFE_INTEGER }).then(
      (answer) => {
        this.#takeYou(answer, want);
      },
      () => undefined,
    );
  }

  #takeYou(answer: Answer, want: boolean): void {
    if (answer["session"] !== this.#session || this.#ended) return;
    const you = youOf(answer["you"]);
    if (you) this.#sink.you(you);
    clearTimeout(this.#who);
    if (answer["you"] !== null || this.#whoAsked === whoLimit) return;
    this.#whoAsked += 1;
    this.#who = setTimeout(() => {
      this.#sayAlone(want);
    }, whoPause_ms);
  }

  #take(page: Answer): void {
    const session = this.#session;
    const received = performance.timeOrigin + performance.now();
    const { origin_utc_ms: origin, now_utc_ms: now } = page;
    if (typeof origin === "number" && typeof now === "number") this.#sink.apply({ type: "clock", session, now_ms: now - origin, origin_ms: origin });
    for (const value of [...items(page["tracks"], "track"), ...items(page["gaps"], "gap"), ...items(page["cues"], "caption")]) {
      const parsed = readPacket({ ...value, session, v: 1 });
      if ("fault" in parsed) this.#sink.skip(parsed.fault);
      else this.#sink.packet(parsed.packet, received);
    }
  }
}

/** Removes the parts' own `seq`: the envelope's counts. */
function items(list: unknown, type: "track" | "gap" | "caption"): Record<string, unknown>[] {
  if (!Array.isArray(list)) return [];
  return list.filter((one) => typeof one === "object" && one !== null).map(({ seq, ...fields }: Record<string, unknown>) => ({ ...fields, type }));
}
