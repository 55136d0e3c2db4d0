"""A bot that leaves gives its room to another one: no word is said by both, and none by neither."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from captioner.bot import handover
from captioner.bot.bot import Bot, Engine
from captioner.bot.scripted_meeting import QUIET, VOICE, HandClock, has_voice, scripted_meeting
from captioner.contract_attributes import ANY, SUCCESSOR
from captioner.contract_requests import HANDOVER, SET
from captioner.controls.decisions import Decided
from captioner.controls.state_store import MemoryStore, Stored
from captioner.errors import InvalidRequest, RequestCode
from captioner.room.protocol import Kind, Person
from captioner.room.scripted_room import ScriptedRoom
from streaming.recognizer import Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

NEXT = Person("next", kind=Kind.AGENT, sid="PA_next", joined_ms=9)


async def test_a_bot_comes_to_an_end_in_a_pause_of_each_speaker_and_then_leaves() -> None:
    clock = HandClock()
    async with scripted_meeting(publisher=clock.publisher()) as meeting:
        room = meeting.room
        meeting.come("anna")
        room.come(NEXT)
        room.mute("next", muted=True)
        await room.until(lambda: room.told["captions.state"] == "on")
        await clock.speak(meeting, 2.0, "anna")
        with pytest.raises(InvalidRequest):  # nobody asked it to leave
            await room.ask("next", HANDOVER, step="look")
        meeting.bot.hand_over()
        await room.until(lambda: room.told.get(SUCCESSOR) == ANY)
        with pytest.raises(InvalidRequest) as refused:  # who is no agent
            await room.ask("anna", HANDOVER, step="look")
        assert refused.value.code is RequestCode.NOT_ALLOWED
        looked = await room.ask("next", HANDOVER, step="look")
        assert looked["hears"] == ["TR_anna"]
        assert looked["now_ms"] == pytest.approx(2_000, abs=20)

        taking = asyncio.create_task(room.ask("next", HANDOVER, step="take"))
        await room.until(lambda: room.told.get(SUCCESSOR) == "next")
        for _ in range(20):
            await clock.speak(meeting, 0.08, "anna")
            await asyncio.sleep(0.02)
        assert not taking.done()  # she speaks
        spoke_ms = round(clock.now_s * 1000)
        for _ in range(10):
            clock.now_s += 0.08
            await meeting.speak(frames=1, quiet=("anna",))
            await asyncio.sleep(0.02)
        taken = await taking
        assert spoke_ms < taken["cuts"]["TR_anna"] < round(clock.now_s * 1000)
        assert not meeting.microphones["anna"].heard
        assert all(p["state"] != "open" for p in _last_of_each(room.packets))
        with pytest.raises(InvalidRequest) as late:
            await room.ask("anna", SET, enabled=False)
        assert late.value.code is RequestCode.NOT_AVAILABLE
        await room.ask("next", HANDOVER, step="taken")


def _last_of_each(packets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({p["id"]: p for p in packets if "id" in p}.values())


async def test_who_never_pauses_is_cut_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "HAND_S", 0.2)
    clock = HandClock()
    async with scripted_meeting(publisher=clock.publisher()) as meeting:
        room = meeting.room
        meeting.come("anna")
        room.come(NEXT)
        room.mute("next", muted=True)
        await room.until(lambda: room.told["captions.state"] == "on")
        await clock.speak(meeting, 2.0, "anna")
        meeting.bot.hand_over()
        await room.until(lambda: room.told.get(SUCCESSOR) == ANY)
        taken = await room.ask("next", HANDOVER, step="take")
        [gap] = [p for p in room.packets if p.get("type") == "gap"]
        assert gap["start"] < taken["cuts"]["TR_anna"] < gap["end"]
        await room.ask("next", HANDOVER, step="taken")


class Leaving:
    """A bot that leaves, as its successor sees it: it has heard anna until ``cut_ms``."""

    def __init__(self, cut_ms: int, *, version: int = 1) -> None:
        self.cut_ms = cut_ms
        self.version = version
        self.steps: list[str] = []
        self.took = asyncio.Event()

    def __call__(self, payload: str) -> str | None:
        asked = json.loads(payload)
        if asked["v"] != self.version or "step" not in asked:
            return None
        self.steps.append(asked["step"])
        answer = {"v": self.version, "asked_ms": 60_000, "now_ms": 60_000}
        match asked["step"]:
            case "look":
                answer |= {"origin_utc_ms": 17, "hears": ["TR_anna"]}
            case "take":
                self.took.set()
                answer |= {"cuts": {"TR_anna": self.cut_ms}, "at_ms": self.cut_ms}
        return json.dumps(answer)


def _successor(
    leaving: Leaving, clock: HandClock, recognizer: Callable[[], ScriptedRecognizer]
) -> tuple[Bot, ScriptedRoom]:
    publisher = clock.publisher()
    room = ScriptedRoom(lambda: bot.publisher.clock.now_ms())
    attributes = {"captions.session": "old", SUCCESSOR: ANY}
    old = Person("old", kind=Kind.AGENT, sid="PA_old", joined_ms=0, attributes=attributes)
    room.come(old)
    room.mute("old", muted=True)
    room.others["old"] = leaving
    store = MemoryStore()  # which both have
    store.rooms["RM_scripted"] = Stored(Decided("en", "scripted"), "old", 17)
    engine = Engine("en", (ScriptedEngine(recognizer),), load_voice=lambda: has_voice)
    bot = Bot(engine, url="", token=str, open_room=lambda _: room, publisher=publisher,
              store=store)  # fmt: skip
    return bot, room


async def test_a_successor_goes_on_where_the_other_one_ended_with_what_it_has_kept() -> None:
    clock = HandClock()
    recognizer = ScriptedRecognizer([Word("mine", 80), WordEnd(400)])
    leaving = Leaving(60_800)
    bot, room = _successor(leaving, clock, lambda: recognizer)
    anna = room.come(Person("anna", "Anna", signed=True))

    async def speak() -> None:
        """0.8 s that the other bot heard, and 1.6 s that it did not, before it answers."""
        while not anna.heard:  # noqa: ASYNC110 (nothing would tell)
            await asyncio.sleep(0.01)
        for n in range(30):
            clock.now_s += 0.08
            anna.say(VOICE if n != 10 else QUIET)
            await asyncio.sleep(0)

    speaking = asyncio.create_task(speak())
    running = asyncio.create_task(bot.run())
    await bot.joined.wait()
    await speaking
    assert bot.publisher.clock.origin_utc_ms == 17
    async with asyncio.timeout(30):
        while "taken" not in leaving.steps or not recognizer.heard:  # noqa: ASYNC110 (nothing would tell)
            await asyncio.sleep(0.01)
    assert leaving.steps == ["look", "take", "taken"]
    assert not [p for p in room.packets if p.get("type") == "gap"]
    bot.stop()
    await running
    assert 60_700 <= bot.publisher.clock.now_ms() - len(recognizer.heard) * 80 <= 61_000


async def test_a_bot_of_the_next_version_succeeds_one_of_this(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handover, "VERSION", 2)
    leaving = Leaving(60_000, version=1)
    clock = HandClock()
    bot, _ = _successor(leaving, clock, lambda: ScriptedRecognizer([]))
    monkeypatch.setattr(handover, "HEARS_S", 0.1)
    running = asyncio.create_task(bot.run())
    await bot.joined.wait()
    async with asyncio.timeout(30):
        while leaving.steps != ["look", "take", "taken"]:  # noqa: ASYNC110 (nothing would tell)
            await asyncio.sleep(0.01)
    bot.stop()
    await running
