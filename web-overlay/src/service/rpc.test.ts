import { expect, test } from "vitest";
import { CaptionsClient } from "./client";
import { factsOf, youOf } from "./facts";
import { CaptionsRefused, refusalOf } from "./rpc";
import { strings } from "../strings/strings";

const refusal = (code: number, data?: string) => refusalOf(Object.assign(new Error("no"), { code, data }));

test("every code of the contract has its reason, and every reason its sentence in both languages", () => {
  const reasons = [1, 2, 3, 4, 5, 6, 7, 8].map((code) => refusal(code).reason);
  expect(reasons).toEqual(["bad-request", "not-allowed", "unknown-version", "too-many-requests", "too-large", "no-such-choice", "not-stored", "not-available"]);
  for (const reason of [...reasons, "no-service", "no-answer"] as const) for (const words of Object.values(strings)) expect(words[`refused.${reason}`]).toBeTruthy();
});

test("a call that LiveKit could not deliver had no answer; a method that nobody has is not available", () => {
  expect([1401, 1502, 1503].map((code) => refusal(code).reason)).toEqual(["no-answer", "no-answer", "no-answer"]);
  expect(refusal(1400).reason).toBe("not-available");
  expect(refusalOf("what").reason).toBe("no-answer");
});

test("a choice that does not exist comes with those that do", () => {
  expect(refusal(6, '{"languages":["fr","en"]}').choices).toEqual(["fr", "en"]);
  expect([refusal(6, "no json").choices, refusal(6, "[1]").choices, refusal(6).choices]).toEqual([[], [], []]);
});

test("the bot's attributes are read, and nonsense in them is not passed on", () => {
  const facts = factsOf({ "captions.state": "dancing", "captions.engines": "kyutai, embedded,,", "captions.delay_ms": "x", "captions.lang": "und", "captions.consent": "if-agreed" });
  expect(facts).toMatchObject({ state: "starting", engines: ["kyutai", "embedded"], delay_ms: null, language: "", consent: "if-agreed", transcript: false });
  expect(factsOf({ "captions.delay_ms": "640" }).delay_ms).toBe(640);
  const spoken = ["", "fr,en", "*"].map((auto) => factsOf({ "captions.lang": "fr", "captions.auto": auto }).spoken);
  expect(spoken).toEqual(["fr", "auto:fr,en", "auto"]);
  expect(youOf({ host: true, captioned: true, kept: false })).toEqual({ host: true, why: null, captioned: true, kept: false, said: false, stored: true, language: null });
  expect([youOf(null), youOf({ captioned: "yes" })]).toEqual([null, null]);
});

test("who asks without a service is told so", async () => {
  await expect(new CaptionsClient().set({ enabled: true })).rejects.toMatchObject({ reason: "no-service" });
});

test("consent that the bot confirms is what the client then knows", async () => {
  const client = new CaptionsClient();
  const asked: unknown[] = [];
  client.connect({
    room: "r",
    call: (method, payload) => {
      asked.push([method, payload]);
      return Promise.resolve({ v: 1, captioned: false, kept: false });
    },
  });
  let changes = 0;
  client.addEventListener("change", () => (changes += 1));
  await client.consent({ captioned: false, kept: false });
  expect(asked).toEqual([["captions.consent", { captioned: false, kept: false }]]);
  expect(client.you).toMatchObject({ captioned: false });
  expect(changes).toBe(1);
});

test("who says what they speak is known to speak it, and a host says it of somebody", async () => {
  const client = new CaptionsClient();
  const asked: unknown[] = [];
  client.connect({ room: "r", call: (_, payload) => (asked.push(payload), Promise.resolve({ language: "fr", by: "speaker" })) });
  client.takeYou({ host: true, why: null, captioned: true, kept: true, said: false, stored: true, language: "" });
  expect(await client.speak("fr")).toEqual({ language: "fr", by: "speaker" });
  await client.speak("de", "bob");
  expect(asked).toEqual([{ language: "fr" }, { language: "de", speaker: "bob" }]);
  expect(client.you?.language).toBe("fr");
});

test("who is refused because they are no host any more is known to be none", async () => {
  const client = new CaptionsClient();
  client.connect({ room: "r", call: () => Promise.reject(refusal(2, "not-host")) });
  client.takeYou({ host: true, why: null, captioned: true, kept: true, said: false, stored: true, language: "" });
  await expect(client.set({ enabled: false })).rejects.toMatchObject({ reason: "not-allowed" });
  expect(client.you).toMatchObject({ host: false, why: "not-host" });
});

test("a refusal leaves the client as it was", async () => {
  const client = new CaptionsClient();
  client.connect({ room: "r", call: () => Promise.reject(new CaptionsRefused("not-stored", "disk full")) });
  await expect(client.consent({ captioned: false, kept: false })).rejects.toMatchObject({ reason: "not-stored" });
  expect(client.you).toBeNull();
});
