from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.audio import SAMPLE_RATE
from streaming.errors import ModelError
from streaming.kyutai_server.batch import Demand
from streaming.kyutai_server.client_stream import Marked
from streaming.kyutai_server.step_loop import OUTBOX_MAX, Seat, StepLoop
from streaming.kyutai_server.step_pacing import HEARTBEAT_S, PERIOD_S, STUCK_S, Pace
from streaming.kyutai_server.token_words import WordSaid
from streaming.testing.scripted import ScriptedModel, ToyVocabulary, frame_of

HELLO = 4


def scripted(*, fail_at: int | None = None, heads: int = 0) -> ScriptedModel:
    return ScriptedModel(
        vocabulary=ToyVocabulary(["▁hello"]), batch_size=2, heads=heads,
        fail_at=fail_at, failure=ModelError("broken"),
    )  # fmt: skip


@asynccontextmanager
async def stepping(model: ScriptedModel) -> AsyncIterator[StepLoop]:
    loop = StepLoop(model)
    running = asyncio.create_task(loop.run())
    try:
        yield loop
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def sit(loop: StepLoop, *, key: int = 0, per_key: int = 9) -> Seat:
    seat = loop.admit(key, lambda: None, per_key=per_key)
    assert seat is not None
    return seat


async def test_who_has_a_seat_is_told_the_words_of_its_audio() -> None:
    async with stepping(scripted()) as loop:
        seat = sit(loop)
        for token in (0, HELLO, 3):
            await loop.feed(seat, frame_of(token))
        await loop.mark(seat, 1)
        told = []
        async for answer in seat:
            told.append(answer)
            if answer == Marked(1):
                break
    assert told[0] == WordSaid("hello", 0, joined=False)


async def test_feeding_waits_while_too_much_is_waiting_and_nothing_is_lost() -> None:
    async with stepping(scripted()) as loop:
        seat = sit(loop)
        for _ in range(5):
            await loop.feed(seat, np.zeros(SAMPLE_RATE * 8, np.float32))
        assert loop.batch.is_full(seat.ticket) or loop.batch.steps > 100
        await loop.mark(seat, 1)
        assert [answer async for answer in until_marked(seat)] == []
        assert loop.batch.steps >= 500


async def until_marked(seat: Seat) -> AsyncIterator[object]:
    async for answer in seat:
        if isinstance(answer, Marked):
            return
        yield answer


async def test_who_does_not_read_is_cut_off() -> None:
    cut = asyncio.Event()
    async with stepping(scripted(heads=4)) as loop:
        seat = loop.admit(0, cut.set, per_key=1)
        assert seat is not None
        feeding = asyncio.create_task(
            loop.feed(seat, np.zeros(1920 * (OUTBOX_MAX + 9), np.float32))
        )
        async with asyncio.timeout(60):
            await cut.wait()
        await feeding
    assert seat.ended is not None


async def test_after_a_failed_step_everybody_is_told_and_nobody_admitted() -> None:
    loop = StepLoop(scripted(fail_at=3))
    seat = sit(loop)
    await loop.feed(seat, np.zeros(1920 * 5, np.float32))
    with pytest.raises(ModelError, match="broken"):
        await loop.run()
    assert [answer async for answer in seat] == []
    assert seat.ended == "the model failed"
    assert loop.admit(0, lambda: None, per_key=9) is None


async def test_draining_waits_for_those_who_are_there_and_admits_nobody() -> None:
    async with stepping(scripted()) as loop:
        seat = sit(loop)

        async def leave() -> None:
            assert loop.admit(0, lambda: None, per_key=9) is None
            assert loop.fault() is not None
            loop.leave(seat)

        await asyncio.gather(loop.drain(30), leave())


async def test_draining_sends_those_away_at_once_who_go_on_elsewhere() -> None:
    async with stepping(scripted()) as loop:
        mover = loop.admit(0, lambda: None, per_key=9, moves=True)
        other = sit(loop)
        assert mover is not None
        draining = asyncio.create_task(loop.drain(30))
        assert [answer async for answer in mover] == []
        assert (mover.ended, other.ended) == ("the server stops", None)
        loop.leave(mover)
        loop.leave(other)
        await draining


async def test_a_key_has_so_many_seats_and_no_more() -> None:
    loop = StepLoop(scripted())
    sit(loop, key=1, per_key=1)
    assert loop.admit(1, lambda: None, per_key=1) is None
    sit(loop, key=2, per_key=1)


async def test_nobody_more_is_admitted_when_steps_take_too_long() -> None:
    loop = StepLoop(scripted())
    for _ in range(100):
        loop.pace.record(0.0, 0.09)
    first = sit(loop)  # alone it can only hurt itself, and its steps tell whether it got better
    assert loop.admit(0, lambda: None, per_key=9) is None
    loop.leave(first)


def test_nothing_to_do_is_a_step_now_and_then() -> None:
    assert Pace(5.0).due(Demand.NONE) == 5.0 + HEARTBEAT_S


def test_who_is_behind_is_served_at_once() -> None:
    pace = Pace(5.0)
    pace.record(5.0, 5.03)
    assert pace.due(Demand.BEHIND) == 5.0


@given(st.floats(0, 10))
def test_a_frame_waits_no_longer_than_its_own_length(cost: float) -> None:
    pace = Pace(0.0)
    pace.record(5.0, 5.0 + cost)
    assert 5.0 < pace.due(Demand.WAITING) <= 5.0 + PERIOD_S


def test_a_server_that_makes_no_steps_is_at_fault() -> None:
    assert Pace(0.0).fault(STUCK_S - 1) is None
    assert Pace(0.0).fault(STUCK_S + 1) is not None


def test_a_server_whose_steps_take_longer_than_their_audio_is_at_fault() -> None:
    pace = Pace(0.0)
    for _ in range(100):
        pace.record(0.0, 0.1)
    assert "100 ms" in str(pace.fault(0.0))
