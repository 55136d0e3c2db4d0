"""Times in a meeting whose machine's clock is set, or whose bot was away."""

from __future__ import annotations

import asyncio
import time

import pytest

from captioner.bot.scripted_meeting import scripted_meeting
from captioner.contract_requests import HELLO
from captioner.controls.decisions import Decided
from captioner.controls.state_store import MemoryStore, Stored
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import START_MS, Instant, RoomClock, SignOfLife


@pytest.mark.parametrize("jump_s", [3_600, -3_600])
async def test_when_the_machines_clock_is_set_the_times_of_captions_go_on(
    monkeypatch: pytest.MonkeyPatch, jump_s: int
) -> None:
    async with scripted_meeting() as meeting:
        for name in ("anna", "bob"):
            meeting.come(name)
        await meeting.room.until(lambda: meeting.room.told["captions.state"] == "on")
        while not meeting.said("anna"):
            await meeting.speak("anna", frames=3)
        before = await meeting.room.ask("anna", HELLO, want=True)
        right = time.time
        monkeypatch.setattr(time, "time", lambda: right() + jump_s)
        while not meeting.said("bob"):
            await meeting.speak("bob", frames=3)
        after = await meeting.room.ask("anna", HELLO, want=True)
        assert after["origin_utc_ms"] == before["origin_utc_ms"]
        assert 0 <= after["now_utc_ms"] - before["now_utc_ms"] < 60_000
        heard = [p["heard"] for p in meeting.room.packets if "heard" in p]
        assert max(heard) - min(heard) < 60_000
        assert after["gaps"] == []


DIED = Instant(1_700_000_500_000, "boot", 90_000)
"""At 500 s of room time."""


@pytest.mark.parametrize(
    ("now", "missing_ms"),
    [
        (Instant(DIED.wall_ms - 3_600_000, "boot", 102_000), 12_000),  # set back by an hour
        (Instant(DIED.wall_ms + 3_600_000, "boot", 102_000), 12_000),  # set forward
        (Instant(DIED.wall_ms + 40_000, "other", 5_000), 40_000),  # the machine was restarted
        (Instant(DIED.wall_ms + 40_000, "boot", 5_000), 40_000),  # or put back to a snapshot
        (Instant(DIED.wall_ms + 40_000), 40_000),  # no such clock here
        (Instant(DIED.wall_ms - 3_600_000, "other", 9_000), 9_000),  # without a battery
        (Instant(DIED.wall_ms - 3_600_000, "other", 10**9), START_MS),  # another machine
        (Instant(DIED.wall_ms - 3_600_000), 0),  # nobody knows
    ],
)
async def test_a_killed_bot_is_missed_for_as_long_as_it_was_away_whatever_the_wall_clock_says(
    now: Instant, missing_ms: int
) -> None:
    store = MemoryStore()
    store.save("RM_scripted", Stored(Decided("en", "scripted"), "before", 1_700_000_000_000))
    store.live("RM_scripted", SignOfLife(500_000, DIED))
    publisher = Publisher(RoomClock.start(monotonic=lambda: 7.0, instant=lambda: now))
    async with scripted_meeting(store=store, publisher=publisher) as meeting:
        assert publisher.clock.now_ms() == 500_000 + missing_ms
        told = await meeting.room.ask("anna", HELLO, want=True)
        assert told["origin_utc_ms"] == 1_700_000_000_000
        gaps = [(gap["start"], gap["end"]) for gap in told["gaps"]]
        assert gaps == ([(500_000, 500_000 + missing_ms)] if missing_ms else [])


def test_a_sign_of_life_is_of_the_instant_up_to_which_speech_is_dealt_with() -> None:
    clock = RoomClock.start(monotonic=iter([0.0, 20.0]).__next__, instant=lambda: DIED)
    assert clock.alive(18_500) == SignOfLife(18_500, DIED.earlier(1_500))


def test_a_machine_knows_how_long_it_runs_and_since_when() -> None:
    before, after = Instant.now(), Instant.now()
    assert before.boot == after.boot
    assert 0 <= before.until_ms(after) < 60_000


async def test_a_bot_says_while_it_is_connected_how_many_people_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("captioner.bot.bot.TICK_S", 0.01)
    told: asyncio.Queue[int] = asyncio.Queue()

    async def hear(people: int) -> None:
        async with asyncio.timeout(10):
            while await told.get() != people:
                pass

    async with scripted_meeting(alive=told.put_nowait) as meeting:
        await hear(0)
        meeting.come("anna")
        await hear(1)
        meeting.room.connected = False
        await asyncio.sleep(0.02)
        while not told.empty():
            told.get_nowait()
        await asyncio.sleep(0.1)
        assert told.empty()
        meeting.room.connected = True
        await hear(1)
        meeting.room.go("anna")
        await hear(0)
