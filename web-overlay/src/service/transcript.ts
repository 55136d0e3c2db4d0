import { CaptionsRefused } from "./rpc";

/** The transcript that the caption service keeps of the meeting. */
export interface KeptTranscript {
  /** The name of its file, in the operator's folder. */
  readonly file: string;
  /** After how many days the operator deletes it; null for never. */
  readonly days: number | null;
  /** The WebVTT file. Rejects with `CaptionsRefused`. */
  text(): Promise<string>;
}

type Answer = Readonly<Record<string, unknown>>;

const most_bytes = 50_000_000;

/** `ask` requests where the transcript lies, and with `at` the part that begins at that byte. */
export async function keptTranscript(ask: (at?: number) => Promise<Answer>): Promise<KeptTranscript> {
  const { file, days } = await ask();
  if (typeof file !== "string") throw noPart();
  return {
    file,
    days: typeof days === "number" ? days : null,
    text: async () => {
      const first = await ask(0);
      const { size } = first;
      if (typeof size !== "number" || size > most_bytes) throw noPart();
      const packed = new Uint8Array(size);
      let at = 0;
      for (let part = first; ; part = await ask(at)) {
        const data = bytesOf(part);
        if (data.length === 0 || at + data.length > size) throw noPart();
        packed.set(data, at);
        at += data.length;
        if (at === size) return inflated(packed);
      }
    },
  };
}

function bytesOf({ data }: Answer): Uint8Array {
  return Uint8Array.from(atob(typeof data === "string" ? data : ""), (letter) => letter.charCodeAt(0));
}

async function inflated(packed: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}

function noPart(): CaptionsRefused {
  return new CaptionsRefused("no-answer", "the bot's answer is no part of a transcript");
}
