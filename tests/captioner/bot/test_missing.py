"""What was said and is no captions is told as a gap, whatever went wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from bot_rig import HOST, QUIET, VOICE, HandClock, away, stage, tracks

from captioner.contract_requests import HELLO, SET
from captioner.controls.state_store import MemoryStore, Stored
from captioner.room.scripted_room import ScriptedRoom
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer


async def test_the_gap_of_a_restart_lasts_until_the_bot_hears_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard_at: list[int] = []

    class SlowDisk(MemoryStore):
        def save(self, room: str, stored: Stored) -> None:
            time.sleep(0.05)  # so slow: a gap that ends before this is written ends too early
            super().save(room, stored)

    def hear(room: ScriptedRoom, wanted: Callable[[str], bool]) -> None:
        heard_at.append(room._now_ms())
        hears(room, wanted)

    hears = ScriptedRoom.hear
    monkeypatch.setattr(ScriptedRoom, "hear", hear)
    store = SlowDisk()
    async with stage(store=store):
        pass
    heard_at.clear()
    async with stage(store=store) as played:
        played.come("anna")
        (gap,) = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        assert gap["reason"] == "bot-restarted"
        assert gap["end"] >= heard_at[0]


async def test_what_was_not_written_when_captions_were_switched_off_is_told_as_missing() -> None:
    clock = HandClock()
    async with stage(away, publisher=clock.publisher()) as played:
        played.come("host", attributes=HOST)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        clock.now_s = 5.0
        await clock.speak(played, 4, "host")
        await played.room.ask("host", SET, enabled=False)
        (gap,) = (await played.room.ask("host", HELLO, want=True))["gaps"]
        assert gap["reason"] == "unfinished"
        assert 4_000 <= gap["start"] <= 5_080
        assert gap["end"] == 9_000


@pytest.mark.parametrize("heard", [False, True])
async def test_who_unmutes_as_the_sound_comes_back_does_not_hide_that_nobody_was_heard(
    heard: bool,
) -> None:
    clock = HandClock()
    async with stage(publisher=clock.publisher()) as played:
        for name in ("anna", "bob", "carl"):
            played.come(name)
        played.room.mute("bob", muted=True)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        await clock.speak(played, 4, "anna", "carl")
        await clock.speak(played, 8, *(["carl"] if heard else []))
        played.room.mute("bob", muted=False)
        await clock.speak(played, 0.16, "bob", *(["carl"] if heard else []))
        await clock.speak(played, 2, "anna", "bob", "carl")
        gaps = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        times = [(gap["start"] // 1_000, gap["end"] // 1_000) for gap in gaps]
        assert times == ([] if heard else [(4, 12)])


async def test_what_was_said_before_a_mute_and_not_written_is_told_as_missing_too() -> None:
    clock = HandClock()
    async with stage(away, publisher=clock.publisher()) as played:
        played.come("host", attributes=HOST)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        clock.now_s = 5.0
        await clock.speak(played, 4, "host")
        for muted in (True, False):
            played.room.mute("host", muted=muted)
            await played.speak("host", frames=1)
        clock.now_s = 20.0
        await played.room.ask("host", SET, enabled=False)
        (gap,) = (await played.room.ask("host", HELLO, want=True))["gaps"]
        assert 4_000 <= gap["start"] <= 5_080


async def test_what_was_said_while_a_recogniser_was_awaited_for_too_long_is_told_as_missing() -> (
    None
):
    clock = HandClock()
    async with stage(slots=1, publisher=clock.publisher()) as played:
        for name in ("anna", "bob"):
            played.come(name)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while not played.said("anna"):
            await clock.speak(played, 0.08, "anna", "bob")
        for _ in range(250):  # 40 s, of which 30 are kept
            clock.now_s += 0.16
            await played.speak("bob", "anna", frames=1)
            await played.speak(frames=1, quiet=("bob", "anna"))
        played.room.mute("anna", muted=True)
        await played.room.until(lambda: bool(played.said("bob")))
        gaps = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        missing_ms = sum(gap["end"] - gap["start"] for gap in gaps)
        assert {gap["reason"] for gap in gaps} == {"dropped"}
        assert 9_000 <= missing_ms <= 12_000


async def test_what_a_recogniser_with_a_bug_was_behind_with_is_told_as_missing() -> None:
    clock = HandClock()
    made: list[ScriptedRecognizer] = []

    def opens() -> ScriptedRecognizer:
        failure = None if made else ValueError("a bug")
        made.append(ScriptedRecognizer([], delay_ms=3_000, fail_at_ms=5_000, failure=failure))
        return made[-1]

    async with stage(publisher=clock.publisher()) as played:
        played.bot._tracks.engine = replace(
            played.bot._tracks.engine, engines=(ScriptedEngine(opens),)
        )
        anna = played.come("anna")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while len(made) < 2:
            clock.now_s += 0.08
            anna.say(VOICE if anna.read % 2 else QUIET)
            await asyncio.sleep(0.001)
        (gap,) = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        assert 2_800 <= gap["end"] - gap["start"] <= 3_400


async def test_while_no_recogniser_is_there_what_waits_for_one_is_bounded_and_told() -> None:
    """A server that is gone for an hour, and somebody who pushes a button to talk."""
    clock = HandClock()
    async with stage(away, publisher=clock.publisher()) as played:
        played.come("anna")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        for _ in range(12):
            await clock.speak(played, 2, "anna")
            for muted in (True, False):
                played.room.mute("anna", muted=muted)
                await played.speak(frames=3)
        assert 1 < tracks() < 8
        gaps = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        assert {gap["reason"] for gap in gaps} == {"dropped"}
        assert gaps[0]["start"] <= 80
        assert 8_000 <= sum(gap["end"] - gap["start"] for gap in gaps) <= 20_000
