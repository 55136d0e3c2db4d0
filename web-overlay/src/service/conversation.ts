import { readPacket } from "../contract";
import type { CaptionSink } from "./caption-sink";
import { youOf } from "./facts";
import { refusalOf } from "./rpc";

type Answer = Readonly<Record<string, unknown>>;
export type Call = (method: string, payload: object) => Promise<Answer>;
type Method = "captions.hello" | "captions.history";

const historyPause_ms = 250;
const retries_ms = [1_000, 2_000, 5_000, 10_000, 30_000] as const;
/** An answer that takes longer is missed. */
const patience_ms = 3_000;
const pageLimit = 1_000;
/** Older pages fetched in advance; with the first page that makes some 200 captions. */
const pagesAhead = 3;
/** The requests to the bot about one of its sessions: hello, missed packets, older captions. */
export class Conversation {
  readonly #session: string;
  readonly #call: Call | null;
  readonly #sink: CaptionSink;
  #want = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #missing: ReturnType<typeof setTimeout> | undefined;
  #asking: symbol | null = null;
  #older: string | null = null;
  #loading: Promise<void> | null = null;
  #again: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  /** `call` is null if this page may send nothing: then the bot sends what it would have asked for. */
  constructor(session: string, call: Call | null, sink: CaptionSink) {
    this.#session = session;
    this.#call = call;
    this.#sink = sink;
    this.#setOlder(null);
  }

  /** Tells the bot whether somebody reads here. A page without captions needs part of the answer too. */
  hello(want: boolean): void {
    this.#want = want;
    clearTimeout(this.#again);
    clearTimeout(this.#missing);
    this.#missing = setTimeout(() => {
      this.#sink.reach("trying");
    }, patience_ms);
    this.#ask("captions.hello", want ? 0 : null);
  }

  /** The bot says that nobody reads. */
  idle(): void {
    if (this.#want && this.#asking === null) this.hello(true);
  }

  /** Takes what the bot sends to those who may not ask for it. */
  take(answer: Answer): void {
    if (answer["session"] !== this.#session || this.#ended) return;
    this.#reached(answer);
    if (answer["cues"] === undefined) return;
    this.#takePage(answer);
    if (typeof answer["seq"] === "number") this.#sink.apply({ type: "synced", session: this.#session, seq: answer["seq"] });
  }

  /** Requests missing packets, if there are any and no request is pending. */
  heal(): void {
    if (this.#call && this.#asking === null && this.#sink.missingAfter(this.#session) !== null) this.#ask("captions.history", historyPause_ms);
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#again);
    clearTimeout(this.#missing);
    clearTimeout(this.#timer);
    this.#asking = null;
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
    const page = await this.#call?.("captions.history", { session: this.#session, older }).catch((error: unknown) => {
      throw refusalOf(error);
    });
    if (!page || this.#ended || page["session"] !== this.#session) return;
    this.#takePage(page);
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

  /** Sends a request after a pause, at once if that is null, and again with longer pauses for as long as it fails. */
  #ask(method: Method, pause_ms: number | null, attempt = 0): void {
    const call = this.#call;
    if (this.#ended || !call) return;
    const asking = Symbol(method);
    this.#asking = asking;
    clearTimeout(this.#timer);
    const send = () => {
      this.#exchange(call, method, asking).then(
        () => {
          if (this.#asking !== asking) return;
          this.#asking = null;
          if (method === "captions.hello" && this.#want) this.#loadAhead().catch(() => undefined);
        },
        () => {
          if (this.#asking !== asking) return;
          this.#sink.reach("trying");
          // Many pages may have lost the same bot, so they do not all ask it at the same moment.
          const longest = retries_ms[attempt] ?? retries_ms[4];
          this.#ask(method, longest * (0.5 + Math.random() / 2), attempt + 1);
        },
      );
    };
    if (pause_ms === null) send();
    else this.#timer = setTimeout(send, pause_ms);
  }

  async #exchange(call: Call, method: Method, asking: symbol): Promise<void> {
    const session = this.#session;
    const first = await call(method, this.#request(method));
    if (first["session"] !== session) throw new Error("the bot answered for another session");
    if (this.#asking !== asking) return;
    this.#reached(first);
    if (method === "captions.hello" && !this.#want) return;
    if (typeof first["older"] === "string") this.#setOlder(first["older"]);
    let page = first;
    for (let pages = 0; this.#asking === asking; pages += 1) {
      this.#takePage(page);
      const cursor = page["cursor"];
      if (cursor === null || cursor === undefined) {
        if (typeof first["seq"] === "number") this.#sink.apply({ type: "synced", session, seq: first["seq"] });
        return;
      }
      if (pages === pageLimit) throw new Error("the bot's history has no end");
      page = await call("captions.history", { session, cursor });
    }
  }

  #request(method: Method): object {
    const session = this.#session;
    if (method === "captions.history") return { session, after_seq: this.#sink.missingAfter(session) };
    if (!this.#want) return { want: false, session, after_seq: Number.MAX_SAFE_INTEGER };
    const after_seq = this.#sink.completeTo(session);
    return { want: true, ...(after_seq === null ? {} : { session, after_seq }) };
  }

  #reached(answer: Answer): void {
    clearTimeout(this.#missing);
    this.#sink.reach("reached");
    const you = youOf(answer["you"]);
    if (you) this.#sink.you(you);
    const again_ms = answer["again_ms"];
    if (typeof again_ms !== "number" || !this.#want) return;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      this.#ask("captions.hello", null);
    }, again_ms);
  }

  #takePage(page: Answer): void {
    const session = this.#session;
    const received = performance.timeOrigin + performance.now();
    const { origin_utc_ms: origin, now_utc_ms: now } = page;
    if (typeof origin === "number" && typeof now === "number") this.#sink.apply({ type: "clock", session, now_ms: now - origin, origin_ms: origin });
    for (const value of [...items(page["tracks"], "track"), ...items(page["gaps"], "gap"), ...items(page["names"], "name"), ...items(page["removed"], "removed"), ...items(page["cues"], "caption")]) {
      const parsed = readPacket({ ...value, session, v: 1 });
      if ("fault" in parsed) this.#sink.skip(parsed.fault);
      else this.#sink.packet(parsed.packet, received);
    }
  }
}

/** Removes the parts' own `seq`: the envelope's counts. */
function items(list: unknown, type: "track" | "gap" | "name" | "removed" | "caption"): Record<string, unknown>[] {
  if (!Array.isArray(list)) return [];
  return list.filter((one) => typeof one === "object" && one !== null).map(({ seq, ...fields }: Record<string, unknown>) => ({ ...fields, type }));
}
