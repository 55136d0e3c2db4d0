import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cueOf, FakeRoom, listen, packet, session } from "./fake-room";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the packets of the bot are heard", () => {
  const room = new FakeRoom();
  const bot = room.joins("bot", session("s1"));
  const { packets } = listen(room);
  room.sends(bot, packet(3));
  expect(packets).toMatchObject([{ seq: 3 }]);
});

test("nobody else is heard: no human, no other agent, no other topic, no other session", () => {
  const room = new FakeRoom();
  const bot = room.joins("bot", session("s1"));
  const { packets } = listen(room);
  room.sends(room.joins("eve", { ...session("s1"), isAgent: false }), packet(1));
  room.sends(room.joins("helper", { joinedAt: new Date(2_000) }), packet(2));
  room.sends(room.joins("second", { ...session("s2"), joinedAt: new Date(3_000) }), packet(3, "s2"));
  room.sends(bot, packet(4), "chat");
  room.sends(bot, packet(5, "s2"));
  expect(packets).toEqual([]);
});

test("garbage from an agent is counted and hurts nobody", () => {
  const room = new FakeRoom();
  const bot = room.joins("bot", session("s1"));
  const { packets, skipped } = listen(room);
  room.emit("dataReceived", Uint8Array.of(0xff), bot, 0, "captions");
  room.sends(bot, packet(1));
  expect(skipped).toEqual(["not-utf8"]);
  expect(packets).toHaveLength(1);
});

test("an attribute that comes after the first packets loses none of them", () => {
  const room = new FakeRoom();
  const bot = room.joins("bot");
  const { packets } = listen(room);
  room.sends(bot, packet(1));
  room.sends(bot, packet(2));
  bot.attributes = session("s1").attributes;
  room.emit("participantAttributesChanged", bot.attributes, bot);
  expect(packets).toMatchObject([{ seq: 1 }, { seq: 2 }]);
});

test("packets are held for a moment only", () => {
  const room = new FakeRoom();
  const bot = room.joins("bot");
  const { packets, skipped } = listen(room);
  for (let seq = 0; seq < 100; seq += 1) room.sends(bot, packet(seq));
  vi.advanceTimersByTime(4_000);
  room.sends(bot, packet(100));
  bot.attributes = session("s1").attributes;
  room.emit("participantAttributesChanged", bot.attributes, bot);
  expect(packets).toMatchObject([{ seq: 100 }]);
  expect(skipped).toHaveLength(100);
});

test("of two bots the one that joined earlier is heard", () => {
  const room = new FakeRoom();
  const late = room.joins("late", { ...session("s2"), joinedAt: new Date(9_000) });
  const early = room.joins("early", session("s1"));
  const { packets } = listen(room);
  room.sends(late, packet(1, "s2"));
  room.sends(early, packet(2));
  expect(packets).toMatchObject([{ seq: 2 }]);
});

test("hello brings what was said, page by page", async () => {
  const room = new FakeRoom();
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, origin_utc_ms: 0, now_utc_ms: 5_000, tracks: [], cues: [cueOf("a")], cursor: "1" });
  room.answers["captions.history"] = () => ({ session: "s1", seq: 7, cues: [cueOf("b")], cursor: null });
  room.joins("bot", session("s1"));
  const { packets, actions } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  expect(packets.map((one) => "id" in one && one.id)).toEqual(["a", "b"]);
  expect(actions).toEqual(["bot-back", "clock", "synced"]);
  expect(room.calls).toEqual([
    ["captions.hello", { v: 1, want: true, wish: "none" }],
    ["captions.history", { v: 1, session: "s1", cursor: "1" }],
  ]);
});

test("a hole is asked for once, not once a packet", async () => {
  const room = new FakeRoom();
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 1, cues: [], cursor: null });
  room.answers["captions.history"] = () => ({ session: "s1", seq: 9, cues: [], cursor: null });
  const bot = room.joins("bot", session("s1"));
  listen(room, () => 4);
  await vi.advanceTimersByTimeAsync(10);
  room.calls.length = 0;
  for (const seq of [7, 8, 9]) room.sends(bot, packet(seq));
  await vi.advanceTimersByTimeAsync(400);
  expect(room.calls).toEqual([["captions.history", { v: 1, session: "s1", after_seq: 4 }]]);
});

test("who hides the captions tells the bot that they no longer read", async () => {
  const room = new FakeRoom();
  room.joins("bot", session("s1"));
  const { captions } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  captions.want(false);
  expect(room.calls.at(-1)).toMatchObject(["captions.hello", { v: 1, want: false }]);
});

test("the state of the service is the bot's, and none without a bot", () => {
  const room = new FakeRoom();
  const { services, actions } = listen(room);
  const bot = room.joins("bot", session("s1"));
  bot.attributes = { ...bot.attributes, "captions.state": "interrupted" };
  room.emit("participantAttributesChanged", {}, bot);
  room.leaves(bot);
  room.state = "disconnected";
  room.emit("connectionStateChanged");
  expect(services).toEqual(["none", "on", "interrupted", "none", null]);
  expect(actions).toEqual(["bot-back", "bot-left"]);
});

test("a room without a bot waits for as long as the media server says so", async () => {
  const room = new FakeRoom();
  const { services } = listen(room);
  const guest = room.joins("guest");
  room.sends(guest, {}, "captions.waiting"); // anybody could
  room.sends(undefined, {}, "captions.waiting");
  await vi.advanceTimersByTimeAsync(29_000);
  room.sends(undefined, {}, "captions.waiting");
  await vi.advanceTimersByTimeAsync(29_000);
  expect(services.at(-1)).toBe("waiting");
  const bot = room.joins("bot", session("s1"));
  expect(services.at(-1)).toBe("on");
  room.leaves(bot);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(services.at(-1)).toBe("none");
});

test("while the connection is being repaired nothing is said about the service, and packets count", () => {
  const room = new FakeRoom();
  const bot = room.joins("bot", session("s1"));
  const { services, packets } = listen(room);
  room.state = "signalReconnecting";
  room.emit("connectionStateChanged");
  room.sends(bot, packet(1));
  expect(services).toEqual(["on", "connecting"]);
  expect(packets).toHaveLength(1);
});

test("after stop nothing is heard", () => {
  const room = new FakeRoom();
  const bot = room.joins("bot", session("s1"));
  const { captions, packets } = listen(room);
  captions.stop();
  room.sends(bot, packet(1));
  expect(packets).toEqual([]);
});

test("in an encrypted room only what came encrypted is heard", () => {
  const room = new FakeRoom();
  room.isE2EEEnabled = true;
  const bot = room.joins("bot", session("s1"));
  const { packets, skipped } = listen(room);
  room.sends(bot, packet(1));
  room.sends(bot, packet(2), "captions", 1);
  expect(packets.map((one) => one.seq)).toEqual([2]);
  expect(skipped).toEqual(["not-encrypted"]);
});

test("a newcomer gets the newest, three older pages ahead, and the rest when it is asked for", async () => {
  const room = new FakeRoom();
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, cues: [cueOf("e")], cursor: null, older: "5", you: { host: true, captioned: true, kept: false } });
  room.answers["captions.history"] = ({ older }) => ({ session: "s1", seq: 7, cues: [cueOf(`p${String(older)}`)], older: older === "1" ? null : String(Number(older) - 1) });
  room.joins("bot", session("s1"));
  const { packets, yous, captions } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  expect(packets.map((one) => "id" in one && one.id)).toEqual(["e", "p5", "p4", "p3"]);
  expect(yous).toEqual([{ host: true, why: null, captioned: true, kept: false, said: false, stored: true, language: null }]);
  expect([await captions.loadOlder(), await captions.loadOlder(), await captions.loadOlder()]).toEqual([true, false, false]);
  expect(packets.map((one) => "id" in one && one.id)).toEqual(["e", "p5", "p4", "p3", "p2", "p1"]);
});

test("who the media server has not told the bot of yet reads at once, and is told later what they may do", async () => {
  const room = new FakeRoom();
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, cues: [cueOf("e")], cursor: null, older: null, you: null });
  const bot = room.joins("bot", session("s1"));
  const { packets, yous } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  expect(packets.map((one) => "id" in one && one.id)).toContain("e");
  expect(yous).toEqual([]);
  room.sends(bot, { v: 1, session: "s1", you: { host: true, captioned: true, kept: true } }, "captions.answers");
  expect(yous).toMatchObject([{ host: true }]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(room.calls).toHaveLength(1);
});

test("a page that cannot be fetched is told to whoever asked, and can be asked for again", async () => {
  const room = new FakeRoom();
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, cues: [], cursor: null, older: "1" });
  room.joins("bot", session("s1"));
  const { captions, packets } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  await expect(captions.loadOlder()).rejects.toMatchObject({ reason: "not-available" });
  room.answers["captions.history"] = () => ({ session: "s1", seq: 7, cues: [cueOf("old")], older: null });
  expect(await captions.loadOlder()).toBe(false);
  expect(packets.map((one) => "id" in one && one.id)).toEqual(["old"]);
});

test("gaps and speakers' states come with hello", async () => {
  const room = new FakeRoom();
  const gaps = [{ start: 1_000, end: 3_000, reason: "bot-restarted" }];
  const tracks = [{ track: "TR_a", speaker: "a", state: "refused" }];
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, cues: [], gaps, tracks, cursor: null, older: null });
  room.joins("bot", session("s1"));
  const { packets, skipped } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  expect(packets).toMatchObject([{ type: "track", state: "refused" }, { type: "gap", start_ms: 1_000, end_ms: 3_000 }]);
  expect(skipped).toEqual([]);
});

test("every new session is told what the user chose, and that it is not the first", async () => {
  const room = new FakeRoom();
  const bot = room.joins("bot", session("s1"));
  const wish = { captioned: false, kept: false };
  listen(room, () => null, wish);
  await vi.advanceTimersByTimeAsync(0);
  bot.attributes = { "captions.session": "s2", "captions.state": "on" };
  room.emit("participantAttributesChanged");
  await vi.advanceTimersByTimeAsync(0);
  const hellos = room.calls.filter(([method]) => method === "captions.hello").map(([, payload]) => payload);
  expect(hellos).toEqual([
    { v: 1, want: true, wish },
    { v: 1, want: true, wish, before: true },
  ]);
});
