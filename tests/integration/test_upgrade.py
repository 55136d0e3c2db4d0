"""A new version's worker takes rooms over while people speak."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from eval.rooms.cluster import Size, running_cluster
from eval.rooms.cluster_faults import worker_upgraded
from eval.simulation.verdict import Fate

pytestmark = pytest.mark.room


async def test_a_new_worker_takes_a_room_over_and_no_word_is_lost_or_doubled(
    livekit_program: Path, tmp_path: Path
) -> None:
    size = Size(rooms=1, nodes=1, workers=1, recognisers=1, redis=False)
    async with running_cluster(livekit_program, tmp_path, size) as cluster:
        await cluster.open_rooms()
        [room] = cluster.rooms
        page = room.person.page

        def last_is_shown() -> bool:
            return room.person.said[-1].word in " ".join(cue.text for cue in page.shown())

        room.talk()
        await room.read()
        began = time.monotonic()
        await worker_upgraded(cluster)
        await room.person.until(lambda: len({s for s, _ in page.cues}) == 2, timeout_s=60)
        await room.hush()
        with suppress(TimeoutError):  # a busy machine may have torn it
            await room.person.until(last_is_shown)
        [count] = room.counts([began, time.monotonic()])
        verdict = room.judge()
        assert count.fates[Fate.SHOWN] > 0
        assert [word for word in verdict.lost if word.start_s >= began] == []
        assert verdict.twice == {}
        [old] = [worker for worker in cluster.made if worker not in cluster.workers]
        assert old.process.returncode == 0
        assert old.count("handed_over") == 1
