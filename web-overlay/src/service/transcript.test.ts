import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { keptTranscript } from "./transcript";

const partsOf = (text: string, size = 10) => {
  const packed = deflateSync(text);
  return async (at: number) => Promise.resolve({ file: "m.vtt", days: 30, size: packed.length, at, data: packed.subarray(at, at + size).toString("base64") });
};

test("the parts of a transcript become its text again", async () => {
  const text = "WEBVTT\n\n<v Zoé>Été 🙂";
  const kept = await keptTranscript(partsOf(text));
  expect([kept.file, kept.days, await kept.text()]).toEqual(["m.vtt", 30, text]);
});

test.each([{}, { file: "m.vtt" }, { file: "m.vtt", size: 1e12, data: "" }])("%j is no transcript", async (answer) => {
  await expect(keptTranscript(async () => Promise.resolve(answer))).rejects.toMatchObject({ reason: "no-answer" });
});

test("parts that do not go on, or go too far, end the download", async () => {
  for (const data of ["", Buffer.alloc(60).toString("base64")]) {
    const kept = await keptTranscript(async () => Promise.resolve({ file: "m.vtt", size: 50, data }));
    await expect(kept.text()).rejects.toMatchObject({ reason: "no-answer" });
  }
});
