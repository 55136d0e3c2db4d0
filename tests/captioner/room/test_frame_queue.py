from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from captioner.room.frame_queue import FrameQueue, Missing
from streaming.audio import FRAME_SAMPLES, Pcm

PCM = np.zeros(FRAME_SAMPLES, np.float32)


class Sound:
    """What a test puts in."""

    doubtful_ms = 0

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
