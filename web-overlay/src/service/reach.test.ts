import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cueOf, FakeRoom, listen, session } from "./fake-room";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a hello that fails is said again for as long as the page is open, less and less often, and the page knows", async () => {
  const room = new FakeRoom();
  room.joins("bot", session("s1"));
  const { packets, reaches } = listen(room);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(reaches.at(-1)).toBe("trying");
  expect(room.calls.length).toBeGreaterThan(1);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(room.calls.length).toBeGreaterThan(100);
  expect(room.calls.length).toBeLessThan(300);
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, cues: [cueOf("e")], cursor: null, older: null });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(packets.map((one) => "id" in one && one.id)).toEqual(["e"]);
  expect(reaches.at(-1)).toBe("reached");
  const asked = room.calls.length;
  await vi.advanceTimersByTimeAsync(300_000);
  expect(room.calls).toHaveLength(asked);
});

test("a farewell that fails is said again too", async () => {
  const room = new FakeRoom();
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, cues: [], cursor: null, older: null });
  room.joins("bot", session("s1"));
  const { captions } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  const known = room.answers;
  room.answers = {};
  captions.want(false);
  room.answers = known;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(room.calls.map(([, { want }]) => want)).toEqual([true, false, false]);
});

test("a bot that says that nobody reads is told again that somebody does", async () => {
  const room = new FakeRoom();
  room.answers["captions.hello"] = () => ({ session: "s1", seq: 7, cues: [], cursor: null, older: null });
  const bot = room.joins("bot", session("s1"));
  const { captions } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  const says = async (state: string) => {
    bot.attributes = { ...bot.attributes, "captions.state": state };
    room.emit("participantAttributesChanged", {}, bot);
    await vi.advanceTimersByTimeAsync(10);
  };
  await says("idle");
  expect(room.calls).toHaveLength(2);
  await says("on");
  captions.want(false);
  await says("idle");
  expect(room.calls.map(([, { want }]) => want)).toEqual([true, true, false]);
});

test("who may send nothing asks nothing, and takes what the bot sends", async () => {
  const room = new FakeRoom();
  room.localParticipant.permissions.canPublishData = false;
  const bot = room.joins("bot", session("s1"));
  const { packets, yous, reaches, actions, captions } = listen(room);
  const page = { v: 1, session: "s1", seq: 7, state: "on", cues: [cueOf("a")], older: "3", you: null };
  room.sends(bot, page, "captions.answers");
  room.sends(bot, { v: 1, session: "s1", seq: 7, cues: [cueOf("b")], older: null }, "captions.answers");
  room.sends(bot, { v: 1, session: "s1", you: { host: false, captioned: true, kept: true } }, "captions.answers");
  room.sends(room.joins("eve", { joinedAt: new Date(2_000) }), { ...page, cues: [cueOf("x")] }, "captions.answers");
  room.sends(bot, { ...page, session: "s2", cues: [cueOf("y")] }, "captions.answers");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(packets.map((one) => "id" in one && one.id)).toEqual(["a", "b"]);
  expect(yous).toMatchObject([{ host: false, captioned: true }]);
  expect(actions).toContain("synced");
  expect(reaches.at(-1)).toBe("reached");
  expect(room.calls).toEqual([]);
  expect(await captions.loadOlder()).toBe(false);
  await expect(captions.call("captions.consent", {})).rejects.toMatchObject({ reason: "may-not-send" });
});

test("who is allowed to send during the meeting says hello then", async () => {
  const room = new FakeRoom();
  room.localParticipant.permissions.canPublishData = false;
  room.joins("bot", session("s1"));
  listen(room);
  room.localParticipant.permissions.canPublishData = true;
  room.emit("participantPermissionsChanged", {}, room.localParticipant);
  await vi.advanceTimersByTimeAsync(10);
  expect(room.calls.map(([method]) => method)).toEqual(["captions.hello"]);
});

test("a hidden participant names itself, is answered by packets, and says hello as often as it is told", async () => {
  const room = new FakeRoom();
  room.localParticipant.permissions.hidden = true;
  const bot = room.joins("bot", session("s1"));
  const { packets, captions } = listen(room);
  await vi.advanceTimersByTimeAsync(10);
  const reply = () => (room.calls.at(-1)?.[1]["reply"] as { id: number }).id;
  expect(room.calls).toEqual([["captions.hello", { v: 1, want: true, wish: "none", reply: { to: "me", id: 1 } }]]);
  room.sends(bot, { v: 1, session: "s1", reply: 1, again_ms: 30_000, answer: { session: "s1", seq: 3, cues: [cueOf("a")], cursor: null } }, "captions.answers");
  await vi.advanceTimersByTimeAsync(30_010);
  expect(packets.map((one) => "id" in one && one.id)).toEqual(["a"]);
  expect(room.calls).toHaveLength(2);
  const consent = captions.call("captions.consent", {});
  room.sends(bot, { v: 1, session: "s1", reply: reply(), error: 2, message: "you are hidden", data: "" }, "captions.answers");
  await expect(consent).rejects.toMatchObject({ reason: "not-allowed" });
});

test("who is neither seen nor heard by the bot is told so", () => {
  const room = new FakeRoom();
  room.localParticipant.permissions = { canPublishData: false, hidden: true };
  room.joins("bot", session("s1"));
  expect(listen(room).reaches).toEqual(["unheard"]);
});
