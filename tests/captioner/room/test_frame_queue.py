from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioner.room.frame_queue import FrameQueue, HoleFinder, Missing
from streaming.audio import FRAME_MS, FRAME_SAMPLES, Pcm

PCM = np.zeros(FRAME_SAMPLES, np.float32)


def positions(finder: HoleFinder, arrivals: Iterable[int]) -> list[int]:
    return [finder.feed(PCM, at).start_ms for at in arrivals]


def test_frames_in_time_follow_each_other_from_when_the_first_began() -> None:
    assert positions(HoleFinder(), [1080, 1160, 1240]) == [1000, 1080, 1160]


def test_what_a_source_leaves_out_is_a_hole_at_once() -> None:
    finder = HoleFinder()
    assert positions(finder, [80, 160]) == [0, 80]
    assert finder.feed(PCM, 3_240, missing_ms=3_000).start_ms == 3_160
    assert positions(finder, [3_320]) == [3_240]
    assert finder.missed_ms == 3_000


@pytest.mark.parametrize("wakes_ms", [1_000, 4_000])
def test_a_busy_event_loop_makes_frames_late_and_leaves_no_hole(wakes_ms: int) -> None:
    """All this time it takes what has come only now and then, a few frames at once."""
    finder = HoleFinder()
    arrivals = [max(n * 80, -(-n * 80 // wakes_ms) * wakes_ms) + n % 3 for n in range(1, 400)]
    assert positions(finder, arrivals)[-1] == pytest.approx(399 * 80 - 80, abs=wakes_ms)
    assert finder.missed_ms == 0


def test_a_loop_that_catches_up_slowly_puts_no_silence_into_a_word() -> None:
    """Cut in two by silence, one word would be recognised as two."""
    late_ms = [*[0] * 20, *[max(700 - 20 * n, 0) for n in range(60)]]
    finder = HoleFinder()
    found = positions(finder, [80 * n + late for n, late in enumerate(late_ms, start=1)])
    assert found == [80 * n for n in range(len(late_ms))]


def test_what_stays_late_is_a_hole_that_the_source_did_not_know() -> None:
    finder = HoleFinder()
    before = list(range(80, 881, 80))
    after = [at + 3_000 for at in range(960, 9_000, 80)]
    found = positions(finder, before + after)
    assert found[: len(before)] == [at - 80 for at in before]
    assert found[-1] == after[-1] - 80
    assert finder.missed_ms == 3_000


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2_000)), max_size=60))
def test_no_frame_is_lost_and_positions_never_overlap(waits: list[tuple[int, int]]) -> None:
    finder, now_ms, found = HoleFinder(), 0, []
    for wait_ms, missing_ms in waits:
        now_ms += wait_ms
        found.append(finder.feed(PCM, now_ms, missing_ms=missing_ms).start_ms)
    assert len(found) == len(waits)
    assert all(b - a >= FRAME_MS for a, b in itertools.pairwise(found))


class Sound:
    """What a test puts in."""

    doubtful_ms = missing_ms = 0

    def __init__(self) -> None:
        self.arriving: asyncio.Queue[Pcm] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        while True:
            yield await self.arriving.get()

    async def aclose(self) -> None:
        """Do nothing."""


async def test_what_was_heard_before_a_standstill_can_be_taken_and_nothing_that_comes_after() -> (
    None
):
    sound, stale = Sound(), [False]
    queue = FrameQueue(sound, lambda: 80, stale=lambda: stale[0]).start()
    sound.arriving.put_nowait(PCM)
    assert not isinstance(await anext(queue), Missing)
    stale[0] = True
    for _ in range(100):
        sound.arriving.put_nowait(PCM)
    assert [frame async for frame in queue] == []
    await queue.close()


def tone(level: float) -> Pcm:
    return np.full(FRAME_SAMPLES, level, np.float32)


class Steady:
    """A queue that gets a frame every 80 ms, each so many ms late."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.sound = Sound()
        self.queue = FrameQueue(self.sound, lambda: self.now_ms).start()

    async def get(self, *levels: float, late_ms: int = 0) -> None:
        for level in levels:
            self.now_ms += FRAME_MS
            on_time, self.now_ms = self.now_ms, self.now_ms + late_ms
            before = self.queue.waiting_ms
            self.sound.arriving.put_nowait(tone(level))
            while self.queue.waiting_ms == before:  # noqa: ASYNC110 (nothing would tell)
                await asyncio.sleep(0)
            self.now_ms = on_time


async def test_a_pause_is_what_is_quiet_next_to_the_last_seconds() -> None:
    steady = Steady()
    assert steady.queue.hush_ms == 0
    await steady.get(*[0.1] * 10)
    assert steady.queue.hush_ms == 0
    await steady.get(0.02, 0.01, 0.02)
    assert steady.queue.hush_ms == 3 * FRAME_MS
    await steady.get(0.1)
    assert steady.queue.hush_ms == 0
    steady.now_ms += 500
    assert steady.queue.still_ms == 500
    await steady.queue.close()


async def test_two_that_hear_one_voice_divide_it_though_one_began_late() -> None:
    """The first frame of the one came 300 ms late, so that it places all of them late."""
    busy, idle = Steady(), Steady()
    await busy.get(0.1, late_ms=300)
    await idle.get(0.1)
    for one in (busy, idle):
        await one.get(*[0.1] * 19)
    assert busy.queue.heard_ms == pytest.approx(idle.queue.heard_ms, abs=1) == 20 * FRAME_MS
    for one in (busy, idle):
        assert one.queue.begin_at(10 * FRAME_MS) == pytest.approx(10 * FRAME_MS, abs=1)
        assert one.queue.waiting_ms == 10 * FRAME_MS
        await one.queue.close()


async def test_what_was_not_heard_in_time_is_told_to_who_goes_on() -> None:
    steady = Steady()
    steady.now_ms = 5_000
    await steady.get(0.1, 0.1)
    assert steady.queue.begin_at(2_000) == 5_000
    await steady.queue.close()
