"""A whole meeting in one process, in a room that is played."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from captioner import metrics
from captioner.bot import Bot, Engine
from captioner.contract import PACKET_MAX, encode
from captioner.controls import Policy, Want
from captioner.errors import InvalidRequest, RequestCode, StateError
from captioner.meeting import Kind, Person
from captioner.publisher import Publisher, RoomClock
from captioner.requests import CONSENT, HELLO, SET
from captioner.state_store import MemoryStore, Stored
from captioner.testing import Microphone, ScriptedRoom
from captioner.track import Backoff
from streaming.audio import FRAME_SAMPLES, AudioFrame
from streaming.errors import RecognizerUnavailable
from streaming.recognizer import RecognizerEvent, Word, WordEnd
from streaming.testing import ScriptedRecognizer

VOICE = np.full(FRAME_SAMPLES, 0.1, np.float32)
QUIET = np.full(FRAME_SAMPLES, 0.0005, np.float32)
HOST = {"room_role": "owner"}


def has_voice(frame: AudioFrame) -> bool:
    return bool(frame.pcm[0] > 0.05)


@dataclass
class Stage:
    """One room and one bot. opened: its recognisers."""

    room: ScriptedRoom
    bot: Bot
    opened: list[ScriptedRecognizer]
    microphones: dict[str, Microphone] = field(default_factory=dict)

    def come(self, identity: str, **facts: object) -> Microphone:
        person = Person(identity, identity.title(), signed=True, **facts)  # type: ignore[arg-type]
        self.microphones[identity] = self.room.come(person)
        return self.microphones[identity]

    async def speak(self, *identities: str, frames: int, quiet: tuple[str, ...] = ()) -> None:
        """Everybody at once."""
        for _ in range(frames):
            for identity in identities:
                self.microphones[identity].say(VOICE)
            for identity in quiet:
                self.microphones[identity].say(QUIET)
            for _ in range(3):
                await asyncio.sleep(0)

    def said(self, speaker: str) -> list[str]:
        return [
            p["vtt"].split(">", 2)[-1]
            for p in self.room.packets
            if p.get("state") == "closed" and p["speaker"] == speaker
        ]

    def states(self, speaker: str) -> list[str]:
        return [
            p["state"]
            for p in self.room.packets
            if p.get("type") == "track" and p["speaker"] == speaker
        ]


def tracks() -> float:
    """How many are being captioned."""
    return float(metrics.TRACKS._value.get())


def words(name: str) -> list[RecognizerEvent]:
    return [Word(name, 80), WordEnd(200), Word("spoke.", 300), WordEnd(500)]


def away(_number: int) -> list[RecognizerEvent]:
    """A script for ``stage``."""
    raise RecognizerUnavailable("no server answers")


@contextlib.asynccontextmanager
async def stage(
    script: Callable[[int], list[RecognizerEvent]] = lambda n: words(f"voice{n}"),
    *,
    slots: int = 64,
    want: Want = Want.ALWAYS,
    clock: Callable[[], float] = time.monotonic,
    **options: Any,
) -> AsyncIterator[Stage]:
    opened: list[ScriptedRecognizer] = []

    def opens() -> ScriptedRecognizer:
        opened.append(ScriptedRecognizer(script(len(opened))))
        return opened[-1]

    rooms: list[ScriptedRoom] = []

    def enter(now_ms: Callable[[], int]) -> ScriptedRoom:
        rooms.append(ScriptedRoom(now_ms))
        return rooms[-1]

    bot = Bot(
        Engine("scripted", "en", opens, slots=slots, load_voice=lambda: has_voice),
        url="",
        token=str,
        policy=Policy({"scripted": ("en",), "other": ("en",)}, want=want),
        **options,
        open_room=enter,
        backoff=Backoff(first_s=0.001),
        clock=clock,
    )
    running = asyncio.create_task(bot.run())
    await bot.joined.wait()
    try:
        yield Stage(rooms[0], bot, opened)
    finally:
        bot.stop()
        await running


async def test_of_fifty_people_those_who_speak_have_a_recogniser() -> None:
    async with stage() as played:
        names = [f"p{n}" for n in range(50)]
        for name in names:
            played.come(name)
        for name in names[10:]:
            played.room.mute(name, muted=True)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        speakers, quiet = names[:5], tuple(names[5:10])
        while not all(played.said(name) for name in speakers):
            await played.speak(*speakers, frames=5, quiet=quiet)
        assert len(played.opened) == 5
        said = [played.said(name) for name in speakers]
        assert sorted(text for [text] in said) == [f"voice{n} spoke." for n in range(5)]
        assert all(not played.microphones[name].read for name in names[10:])
        assert all(len(encode(packet)) <= PACKET_MAX for packet in played.room.packets)


async def test_who_speaks_at_the_same_time_is_never_mixed_up() -> None:
    async with stage() as played:
        for name in ("anna", "bob"):
            played.come(name)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while not (played.said("anna") and played.said("bob")):
            await played.speak("anna", "bob", frames=3)
        for packet in played.room.packets:
            if "vtt" in packet:
                name = packet["speaker"].title()
                assert f"<v {name}>" in packet["vtt"]
                assert packet["track"] == f"TR_{packet['speaker']}"


async def test_who_finds_every_recogniser_taken_is_delayed_and_then_caught_up() -> None:
    async with stage(slots=1) as played:
        for name in ("anna", "bob"):
            played.come(name)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while not played.said("anna"):
            await played.speak("anna", frames=3)
        await played.speak("bob", frames=20)
        await played.room.until(lambda: "delayed" in played.states("bob"))
        assert len(played.opened) == 1
        played.room.mute("anna", muted=True)  # gives it back
        await played.room.until(lambda: bool(played.said("bob")))
        assert len(played.opened[1].heard) >= 20
        await played.speak("bob", frames=3)
        await played.room.until(lambda: played.states("bob")[-1] == "on")


async def test_a_refusal_reaches_who_is_muted_too() -> None:
    async with stage() as played:
        played.come("anna")
        played.room.mute("anna", muted=True)
        await played.room.ask("anna", CONSENT, captioned=False, kept=False)
        assert played.states("anna") == ["refused"]
        played.room.mute("anna", muted=False)
        await played.speak("anna", frames=20)
        assert played.opened == []
        await played.room.ask("anna", CONSENT, captioned=True, kept=True)
        assert played.states("anna") == ["refused", "on"]


async def test_who_reads_is_told_to_nobody() -> None:
    async with stage(want=Want.HELLO) as played:
        played.come("anna")
        played.come("olga", attributes=HOST)
        before = len(played.room.packets)
        quiet = dict(played.room.told)
        await played.room.ask("anna", HELLO, want=True)
        changed = {k for k, v in played.room.told.items() if quiet[k] != v}
        assert changed == {"captions.state"}
        assert len(played.room.packets) == before
        answer = await played.room.ask("olga", SET)
        assert "anna" not in str(answer) + str(played.room.told)


async def test_an_engine_that_could_not_be_stored_is_not_taken_later_either() -> None:
    class Full(MemoryStore):
        def save(self, room: str, stored: Stored) -> None:
            raise StateError("disk full")

    async def choose(name: str, language: str) -> Engine:
        return Engine(name, language, lambda: ScriptedRecognizer([]))

    async with stage(store=Full(), choose=choose) as played:
        played.come("olga", attributes=HOST)
        with pytest.raises(InvalidRequest) as refused:
            await played.room.ask("olga", SET, engine="other")
        assert refused.value.code is RequestCode.NOT_STORED
        await played.room.ask("olga", HELLO, want=True)
        assert played.room.told["captions.engine"] == "scripted"


async def test_a_flood_of_requests_is_refused_and_leaves_the_others_alone() -> None:
    async with stage(clock=lambda: 0.0) as played:
        for name in ("loud", "calm"):
            played.come(name)
        refused = 0
        for _ in range(1_000):
            try:
                await played.room.ask("loud", HELLO, want=True)
            except InvalidRequest:
                refused += 1
        assert 900 <= refused < 1_000
        assert (await played.room.ask("calm", HELLO, want=True))["state"] == "on"


async def test_a_track_that_raises_is_shown_and_begun_again() -> None:
    failed: list[int] = []

    def script(number: int) -> list[RecognizerEvent]:
        if not failed:
            failed.append(number)
            raise ValueError("a bug")
        return words("again")

    async with stage(script) as played:
        played.come("anna")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while not played.said("anna"):
            await played.speak("anna", frames=3)
            await asyncio.sleep(0.01)
        assert played.states("anna")[0] == "unavailable"
        assert "unavailable" not in played.states("anna")[1:]


async def test_who_takes_another_name_is_shown_under_it_and_has_refused_all_the_same() -> None:
    async with stage() as played:
        anna = played.come("anna")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        played.room.rename("anna", "Olga")
        while not played.said("anna"):
            await played.speak("anna", frames=3)
        (shown,) = [p["vtt"] for p in played.room.packets if p.get("state") == "closed"]
        assert "<v Olga>" in shown
        await played.room.ask("anna", CONSENT, captioned=False, kept=False)
        played.room.rename("anna", "Somebody else")
        read = anna.read
        await played.speak("anna", frames=20)
        assert (played.states("anna")[-1], anna.read) == ("refused", read)


@pytest.mark.parametrize("jump_s", [3_600, -3_600])
async def test_when_the_machines_clock_is_set_the_times_of_captions_go_on(
    monkeypatch: pytest.MonkeyPatch, jump_s: int
) -> None:
    async with stage() as played:
        for name in ("anna", "bob"):
            played.come(name)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while not played.said("anna"):
            await played.speak("anna", frames=3)
        before = await played.room.ask("anna", HELLO, want=True)
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() + jump_s)
        while not played.said("bob"):
            await played.speak("bob", frames=3)
        after = await played.room.ask("anna", HELLO, want=True)
        assert after["origin_utc_ms"] == before["origin_utc_ms"]
        assert 0 <= after["now_utc_ms"] - before["now_utc_ms"] < 60_000
        heard = [p["heard"] for p in played.room.packets if "heard" in p]
        assert max(heard) - min(heard) < 60_000
        assert after["gaps"] == []


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
    now_s = [0.0]
    clock = RoomClock.start(monotonic=lambda: now_s[0])
    async with stage(away, publisher=Publisher(clock)) as played:
        played.come("host", attributes=HOST)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        now_s[0] = 5.0
        for _ in range(50):
            now_s[0] += 0.08
            await played.speak("host", frames=1)
        await played.room.ask("host", SET, enabled=False)
        (gap,) = (await played.room.ask("host", HELLO, want=True))["gaps"]
        assert gap["reason"] == "unfinished"
        assert 4_000 <= gap["start"] <= 5_080
        assert gap["end"] == 9_000


@pytest.mark.parametrize("heard", [False, True])
async def test_who_unmutes_as_the_sound_comes_back_does_not_hide_that_nobody_was_heard(
    heard: bool,
) -> None:
    now_s = [0.0]

    async def pass_s(seconds: float, *speakers: str) -> None:
        for _ in range(round(seconds / 0.08)):
            now_s[0] += 0.08
            await played.speak(*speakers, frames=1)

    clock = RoomClock.start(monotonic=lambda: now_s[0])
    async with stage(publisher=Publisher(clock)) as played:
        for name in ("anna", "bob", "carl"):
            played.come(name)
        played.room.mute("bob", muted=True)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        await pass_s(4, "anna", "carl")
        await pass_s(8, *(["carl"] if heard else []))
        played.room.mute("bob", muted=False)
        await pass_s(0.16, "bob", *(["carl"] if heard else []))
        await pass_s(2, "anna", "bob", "carl")
        gaps = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        times = [(gap["start"] // 1_000, gap["end"] // 1_000) for gap in gaps]
        assert times == ([] if heard else [(4, 12)])


def test_a_bot_restarted_on_a_clock_that_was_set_back_does_not_go_back() -> None:
    clock = RoomClock.resume(
        1_000_000, least_ms=500_000, monotonic=lambda: 7.0, wall=lambda: 1_100.0
    )
    assert clock.now_ms() == 500_000


async def test_a_refusal_reaches_what_was_said_before_a_mute_and_is_not_written_yet() -> None:
    async with stage(away) as played:
        played.come("anna")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        await played.speak("anna", frames=30)
        for muted in (True, False):
            played.room.mute("anna", muted=muted)
            await played.speak("anna", frames=10)
        assert tracks() == 2
        await played.room.ask("anna", CONSENT, captioned=False, kept=False)
        async with asyncio.timeout(5):
            while tracks():
                await played.speak("anna", frames=1)
        assert played.said("anna") == []


async def test_what_was_said_before_a_mute_and_not_written_is_told_as_missing_too() -> None:
    now_s = [0.0]
    clock = RoomClock.start(monotonic=lambda: now_s[0])
    async with stage(away, publisher=Publisher(clock)) as played:
        played.come("host", attributes=HOST)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        now_s[0] = 5.0
        for _ in range(50):
            now_s[0] += 0.08
            await played.speak("host", frames=1)
        for muted in (True, False):
            played.room.mute("host", muted=muted)
            await played.speak("host", frames=1)
        now_s[0] = 20.0
        await played.room.ask("host", SET, enabled=False)
        (gap,) = (await played.room.ask("host", HELLO, want=True))["gaps"]
        assert 4_000 <= gap["start"] <= 5_080


async def test_a_refusal_reaches_a_voice_that_was_not_begun_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another bot that is dead is asked first whether it lives, which takes seconds."""
    asked, dead = asyncio.Event(), asyncio.Event()

    async def reaches(_room: ScriptedRoom, _identity: str, _method: str, _payload: str) -> bool:
        asked.set()
        await dead.wait()
        return False

    async with stage() as played:
        played.come("bob")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        monkeypatch.setattr(ScriptedRoom, "reaches", reaches)
        played.come("ghost", kind=Kind.AGENT, attributes={"captions.session": "of another"})
        await asked.wait()
        played.come("anna")
        await played.speak("anna", frames=30)
        await played.room.ask("anna", CONSENT, captioned=False, kept=False)
        dead.set()
        while not played.said("bob"):
            await played.speak("bob", frames=3)
        await played.speak("bob", frames=50)
        assert played.said("anna") == []
        assert len(played.opened) == 1


async def test_what_was_said_while_a_recogniser_was_awaited_for_too_long_is_told_as_missing() -> (
    None
):
    now_s = [0.0]
    clock = RoomClock.start(monotonic=lambda: now_s[0])
    async with stage(slots=1, publisher=Publisher(clock)) as played:
        for name in ("anna", "bob"):
            played.come(name)
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while not played.said("anna"):
            now_s[0] += 0.08
            await played.speak("anna", "bob", frames=1)
        for _ in range(250):  # 40 s, of which 30 are kept
            now_s[0] += 0.16
            await played.speak("bob", "anna", frames=1)
            await played.speak(frames=1, quiet=("bob", "anna"))
        played.room.mute("anna", muted=True)
        await played.room.until(lambda: bool(played.said("bob")))
        gaps = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        missing_ms = sum(gap["end"] - gap["start"] for gap in gaps)
        assert {gap["reason"] for gap in gaps} == {"dropped"}
        assert 9_000 <= missing_ms <= 12_000


async def test_what_a_recogniser_with_a_bug_was_behind_with_is_told_as_missing() -> None:
    now_s = [0.0]
    clock = RoomClock.start(monotonic=lambda: now_s[0])
    made: list[ScriptedRecognizer] = []

    def opens() -> ScriptedRecognizer:
        failure = None if made else ValueError("a bug")
        made.append(ScriptedRecognizer([], delay_ms=3_000, fail_at_ms=5_000, failure=failure))
        return made[-1]

    async with stage(publisher=Publisher(clock)) as played:
        played.bot._voices.engine = replace(played.bot._voices.engine, open=opens)
        anna = played.come("anna")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        while len(made) < 2:
            now_s[0] += 0.08
            anna.say(VOICE if anna.read % 2 else QUIET)
            await asyncio.sleep(0.001)
        (gap,) = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        assert 2_800 <= gap["end"] - gap["start"] <= 3_400


async def test_while_no_recogniser_is_there_what_waits_for_one_is_bounded_and_told() -> None:
    """A server that is gone for an hour, and somebody who pushes a button to talk."""
    now_s = [0.0]
    clock = RoomClock.start(monotonic=lambda: now_s[0])
    async with stage(away, publisher=Publisher(clock)) as played:
        played.come("anna")
        await played.room.until(lambda: played.room.told["captions.state"] == "on")
        for _ in range(12):
            for _ in range(25):
                now_s[0] += 0.08
                await played.speak("anna", frames=1)
            for muted in (True, False):
                played.room.mute("anna", muted=muted)
                await played.speak(frames=3)
        assert 1 < tracks() < 8
        gaps = (await played.room.ask("anna", HELLO, want=True))["gaps"]
        assert {gap["reason"] for gap in gaps} == {"dropped"}
        assert gaps[0]["start"] <= 80
        assert 8_000 <= sum(gap["end"] - gap["start"] for gap in gaps) <= 20_000
