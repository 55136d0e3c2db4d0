import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CaptionsClient } from "./client";
import { keepWish, keptWish } from "./wish-store";

const refused = { captioned: false, kept: false };
const agreed = { captioned: true, kept: true };
const you = { host: false, why: null, stored: true, language: "" } as const;

function storage(): Storage {
  const items = new Map<string, string>();
  return { getItem: (key: string) => items.get(key) ?? null, setItem: (key: string, value: string) => items.set(key, value) } as unknown as Storage;
}

const newTab = () => vi.stubGlobal("sessionStorage", storage());

beforeEach(() => {
  newTab();
  vi.stubGlobal("localStorage", storage());
  vi.useFakeTimers();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("a refusal outlives the tab, an agreement does not, and each is of its room", () => {
  keepWish("budget", refused);
  keepWish("school", agreed);
  expect([keptWish("budget"), keptWish("school"), keptWish("other")]).toEqual([refused, agreed, null]);
  newTab();
  expect([keptWish("budget"), keptWish("school")]).toEqual([refused, null]);
  keepWish("budget", agreed);
  newTab();
  expect(keptWish("budget")).toBeNull();
});

test("what is stored is bounded, and nonsense in it is not passed on", () => {
  for (let room = 0; room < 100; room += 1) keepWish(`room ${room}`, refused);
  expect([keptWish("room 0"), keptWish("room 99")]).toEqual([null, refused]);
  localStorage.setItem("live-captions.wishes", '{"a":{"captioned":1},"b":[]}');
  newTab();
  expect([keptWish("a"), keptWish("b")]).toEqual([null, null]);
  localStorage.setItem("live-captions.wishes", "no json");
  expect(keptWish("a")).toBeNull();
});

test("a browser that stores nothing forgets it with the page, and nothing else happens", () => {
  vi.stubGlobal("localStorage", undefined);
  vi.stubGlobal("sessionStorage", undefined);
  keepWish("budget", refused);
  expect(keptWish("budget")).toBeNull();
});

test("a client knows the wish of the last visit, and says when the bot knows it too", async () => {
  keepWish("budget", refused);
  const client = new CaptionsClient();
  client.connect({ room: "budget", call: () => Promise.reject(new Error("no")) });
  client.takeService("on", null);
  expect(client.wish).toEqual(refused);
  let told: boolean | null = null;
  void client.told().then((known) => (told = known));
  await vi.advanceTimersByTimeAsync(9_000);
  client.takeYou({ ...you, ...agreed, said: false });
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toBeNull();
  client.takeYou({ ...you, ...refused, said: true });
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toBe(true);
});

test("a bot that never confirms the wish does not know it; without a wish or a bot there is nothing to know", async () => {
  const client = new CaptionsClient();
  client.connect({ room: "school", call: () => Promise.reject(new Error("no")) });
  client.takeService("on", null);
  expect(await client.told()).toBe(true);
  await client.consent(refused).catch(() => undefined);
  const told = client.told();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await told).toBe(false);
  client.takeService("none", null);
  expect(await client.told()).toBe(true);
  expect(keptWish("school")).toEqual(refused);
});
