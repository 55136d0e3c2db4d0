import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { keptTranscript } from "./transcript";

const partsOf = (text: string, size = 10) => {
  const packed = deflateSync(text);
  const asked: (number | undefined)[] = [];
  const ask = async (at?: number) => {
    asked.push(at);
    const part = at === undefined ? {} : { size: packed.length, at, data: packed.subarray(at, at + size).toString("base64") };
    return Promise.resolve({ file: "m.vtt", days: 30, ...part });
  };
  return { ask, asked };
};

test("the parts of a transcript become its text again", async () => {
  const text = "WEBVTT\n\n<v Zoé>Été 🙂";
  const { ask, asked } = partsOf(text);
  const kept = await keptTranscript(ask);
  expect([kept.file, kept.days]).toEqual(["m.vtt", 30]);
  // Where it lies is known without any part of it.
  expect(asked).toEqual([undefined]);
  expect(await kept.text()).toBe(text);
  expect(asked.slice(1, 3)).toEqual([0, 10]);
});

test.each([{}, { file: "m.vtt" }, { file: "m.vtt", size: 1e12, data: "" }])("%j is no transcript", async (answer) => {
  const read = async () => (await keptTranscript(async () => Promise.resolve(answer))).text();
  await expect(read()).rejects.toMatchObject({ reason: "no-answer" });
});

test("parts that do not go on, or go too far, end the download", async () => {
  for (const data of ["", Buffer.alloc(60).toString("base64")]) {
    const kept = await keptTranscript(async () => Promise.resolve({ file: "m.vtt", size: 50, data }));
    await expect(kept.text()).rejects.toMatchObject({ reason: "no-answer" });
  }
});
