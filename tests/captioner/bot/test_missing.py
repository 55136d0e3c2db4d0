"""What was said and is no captions is told as a gap, whatever went wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from captioner.bot.scripted_meeting import (
    HOST,
    QUIET,
    VOICE,
    HandClock,
    ScriptedMeeting,
    away,
    scripted_meeting,
    tracks,
)
from captioner.captions.cues import CueClosed
from captioner.contract import Caption, GapReason, Missing, Refused
from captioner.contract_requests import HELLO, SET
from captioner.controls.state_store import MemoryStore, Stored
from captioner.room.protocol import Left
from streaming.recognizer import Word, WordEnd
from streaming.testing.scripted import ScriptedRecognizer


async def test_the_gap_of_a_restart_lasts_until_the_bot_hears_again() -> None:
    class SlowDisk(MemoryStore):
        def save(self, room: str, stored: Stored) -> None:
            time.sleep(0.05)  # so slow: a gap that ends before this is written ends too early
            super().save(room, stored)

    store = SlowDisk()
    async with scripted_meeting(store=store):
        pass
    async with scripted_meeting(store=store) as meeting:
        meeting.come("anna")
        (gap,) = (await meeting.room.ask("anna", HELLO, want=True))["gaps"]
        assert gap["reason"] == "bot-restarted"
        assert meeting.room.listens_since_ms is not None
        assert gap["end"] >= meeting.room.listens_since_ms


@pytest.mark.parametrize(("after_s", "missing_s"), [(0.5, 0.5), (30.0, 0.0)])
async def test_the_gap_of_a_restart_lasts_until_a_voice_that_comes_a_moment_later_is_heard(
    after_s: float, missing_s: float
) -> None:
    store, clock = MemoryStore(), HandClock()
    async with scripted_meeting(store=store):
        pass
    async with scripted_meeting(store=store, publisher=clock.publisher()) as meeting:
        gap = next(packet for packet in meeting.room.packets if packet.get("type") == "gap")
        clock.now_s += after_s
        meeting.come("anna")
        await meeting.speak("anna", frames=3)
        gaps = (await meeting.room.ask("anna", HELLO, want=True))["gaps"]
        assert max(one["end"] for one in gaps) == gap["end"] + missing_s * 1_000
        assert {one["reason"] for one in gaps} == {"bot-restarted"}


@pytest.mark.parametrize(
    ("left", "reason"),
    [(Left.LOST, GapReason.CONNECTION_LOST), (Left.STOOD_STILL, GapReason.STOOD_STILL)],
)
async def test_a_bot_that_cannot_hear_joins_again_says_why_and_captions_what_it_heard_before(
    left: Left, reason: GapReason
) -> None:
    clock = HandClock()
    said = [Word("one", 400), WordEnd(600)]
    late = ScriptedRecognizer(said, delay_ms=60_000)  # says nothing until the end

    async with scripted_meeting(lambda _: late, publisher=clock.publisher()) as meeting:
        meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        await clock.speak(meeting, 4, "anna")
        told = Told()
        meeting.bot.publisher.sinks.append(told)
        meeting.room.fall(left)
        clock.now_s = 15.0
        assert await told.gap() == Missing(4_000, 15_000, reason)
        assert await told.closed() == "one"


@pytest.mark.parametrize("seconds", [4.0, 0.8])  # also a word or two
async def test_what_was_not_written_when_captions_were_switched_off_is_told_as_missing(
    seconds: float,
) -> None:
    clock = HandClock()
    async with scripted_meeting(away, publisher=clock.publisher()) as meeting:
        meeting.come("host", attributes=HOST)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        clock.now_s = 5.0
        await clock.speak(meeting, seconds, "host")
        await meeting.room.ask("host", SET, enabled=False)
        (gap,) = (await meeting.room.ask("host", HELLO, want=True))["gaps"]
        assert gap["reason"] == "unfinished"
        assert 4_000 <= gap["start"] <= 5_080
        assert gap["end"] == 5_000 + seconds * 1_000


class Told:
    """What an output is told: gaps, and the texts of closed captions."""

    def __init__(self) -> None:
        self._gaps: asyncio.Queue[Missing] = asyncio.Queue()
        self._closed: asyncio.Queue[str] = asyncio.Queue()

    def publish(self, event: Caption | Missing | Refused) -> None:
        if isinstance(event, Missing):
            self._gaps.put_nowait(event)
        elif isinstance(event, Caption) and isinstance(event.event, CueClosed):
            self._closed.put_nowait(event.event.cue.text)

    async def gap(self) -> Missing:
        return await self._gaps.get()

    async def closed(self) -> str:
        return await self._closed.get()


@asynccontextmanager
async def meeting_of_three(clock: HandClock) -> AsyncIterator[ScriptedMeeting]:
    """anna, bob, who is muted, and carl; captions are on."""
    async with scripted_meeting(publisher=clock.publisher()) as meeting:
        for name in ("anna", "bob", "carl"):
            meeting.come(name)
        meeting.room.mute("bob", muted=True)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        yield meeting


@pytest.mark.parametrize("heard", [False, True])
async def test_who_unmutes_as_the_sound_comes_back_does_not_hide_that_nobody_was_heard(
    heard: bool,
) -> None:
    clock = HandClock()
    async with meeting_of_three(clock) as meeting:
        await clock.speak(meeting, 4, "anna", "carl")
        await clock.speak(meeting, 8, *(["carl"] if heard else []))
        meeting.room.mute("bob", muted=False)
        await clock.speak(meeting, 0.16, "bob", *(["carl"] if heard else []))
        await clock.speak(meeting, 2, "anna", "bob", "carl")
        gaps = (await meeting.room.ask("anna", HELLO, want=True))["gaps"]
        times = [(gap["start"] // 1_000, gap["end"] // 1_000) for gap in gaps]
        assert times == ([] if heard else [(4, 12)])


async def test_when_nobody_was_heard_is_told_though_one_voice_came_back_first() -> None:
    clock = HandClock()
    async with meeting_of_three(clock) as meeting:
        await clock.speak(meeting, 4, "anna", "carl")
        await clock.speak(meeting, 6)
        meeting.room.mute("bob", muted=False)
        await clock.speak(meeting, 2, "bob")
        await clock.speak(meeting, 2, "anna", "bob", "carl")
        gaps = (await meeting.room.ask("anna", HELLO, want=True))["gaps"]
        assert [(gap["start"] // 1_000, gap["end"] // 1_000) for gap in gaps] == [(4, 10)]


async def test_what_was_said_before_a_mute_and_not_written_is_told_as_missing_too() -> None:
    clock = HandClock()
    async with scripted_meeting(away, publisher=clock.publisher()) as meeting:
        meeting.come("host", attributes=HOST)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        clock.now_s = 5.0
        await clock.speak(meeting, 4, "host")
        for muted in (True, False):
            meeting.room.mute("host", muted=muted)
            await meeting.speak("host", frames=1)
        clock.now_s = 20.0
        await meeting.room.ask("host", SET, enabled=False)
        (gap,) = (await meeting.room.ask("host", HELLO, want=True))["gaps"]
        assert 4_000 <= gap["start"] <= 5_080


async def test_what_was_said_while_a_recogniser_was_awaited_for_too_long_is_told_as_missing() -> (
    None
):
    clock = HandClock()
    async with scripted_meeting(slots=1, publisher=clock.publisher()) as meeting:
        for name in ("anna", "bob"):
            meeting.come(name)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while not meeting.said("anna"):
            await clock.speak(meeting, 0.08, "anna", "bob")
        for _ in range(250):  # 40 s, of which 30 are kept
            clock.now_s += 0.16
            await meeting.speak("bob", "anna", frames=1)
            await meeting.speak(frames=1, quiet=("bob", "anna"))
        meeting.room.mute("anna", muted=True)
        await meeting.room.until(lambda: bool(meeting.said("bob")))
        gaps = (await meeting.room.ask("anna", HELLO, want=True))["gaps"]
        missing_ms = sum(gap["end"] - gap["start"] for gap in gaps)
        assert {gap["reason"] for gap in gaps} == {"dropped"}
        assert 9_000 <= missing_ms <= 12_000


async def test_what_a_recogniser_with_a_bug_was_behind_with_is_told_as_missing() -> None:
    clock = HandClock()

    def script(number: int) -> ScriptedRecognizer:
        failure = None if number else ValueError("a bug")
        return ScriptedRecognizer([], delay_ms=3_000, fail_at_ms=5_000, failure=failure)

    async with scripted_meeting(script, publisher=clock.publisher()) as meeting:
        anna = meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while anna.read < 65:
            clock.now_s += 0.08
            anna.say(VOICE if anna.read % 2 else QUIET)
            await meeting.speak(frames=1)
        await meeting.room.until(lambda: any(p.get("type") == "gap" for p in meeting.room.packets))
        (gap,) = (await meeting.room.ask("anna", HELLO, want=True))["gaps"]
        assert 2_800 <= gap["end"] - gap["start"] <= 3_400


async def test_while_no_recogniser_is_there_what_waits_for_one_is_bounded_and_told() -> None:
    """A server that is gone for an hour, and somebody who pushes a button to talk."""
    clock = HandClock()
    async with scripted_meeting(away, publisher=clock.publisher()) as meeting:
        meeting.come("anna")
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        for _ in range(12):
            await clock.speak(meeting, 2, "anna")
            for muted in (True, False):
                meeting.room.mute("anna", muted=muted)
                await meeting.speak(frames=3)
        assert 1 < tracks() < 8
        gaps = (await meeting.room.ask("anna", HELLO, want=True))["gaps"]
        assert {gap["reason"] for gap in gaps} == {"dropped"}
        assert gaps[0]["start"] <= 80
        assert 8_000 <= sum(gap["end"] - gap["start"] for gap in gaps) <= 20_000
