"""A room that should have captions has them, on a real media server, with speech."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eval.rooms import rows
from eval.rooms.testbed import Testbed, running_testbed

pytestmark = pytest.mark.room


@pytest.fixture
async def made(livekit_program: Path, tmp_path: Path) -> AsyncIterator[Testbed]:
    async with running_testbed(livekit_program, tmp_path) as one:
        yield one


async def test_captions_come_back_to_stay_after_the_bot_is_killed(made: Testbed) -> None:
    assert await rows.killed_bot(made) > 0


async def test_a_worker_takes_as_many_rooms_as_it_was_told_and_no_more(made: Testbed) -> None:
    assert await rows.exactly_n_rooms(made, 2) == 2


@pytest.mark.rooms
@pytest.mark.parametrize("row", rows.ROWS, ids=lambda row: row.measure.__name__)
async def test_a_room_that_should_have_captions_has_them(made: Testbed, row: rows.Must) -> None:
    measured = await row.measure(made)  # waits amply; python -m benchmarks.rooms prints the times
    assert not row.exactly or measured == row.most
