"""A participant that publishes sound, heard where its track begins: no room, no network."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from livekit import rtc

from captioner.demo.sound_publisher import AHEAD_MS, SoundPublisher
from eval.runs.watch import RATE, Handed

_STALL_MS = AHEAD_MS // 2
_HUM_S = 1.5


class Listening(SoundPublisher):
    """Keeps the level of each 10 ms that it publishes."""

    def __init__(self) -> None:
        super().__init__(rate=RATE)
        self.levels: list[float] = []
        self._stream = rtc.AudioStream(self._track, sample_rate=RATE, num_channels=1)

    async def listen(self) -> None:
        async for event in self._stream:
            samples = np.frombuffer(event.frame.data, np.int16).astype(np.float32)
            self.levels.append(float(np.sqrt(np.mean(samples * samples))))

    async def close(self) -> None:
        await self._stream.aclose()
        await self.leave()


async def test_a_busy_event_loop_does_not_tear_the_sound() -> None:
    stalls_ms: list[float] = []

    async def stall() -> None:
        for tick in range(100):
            before_s = time.monotonic()
            await asyncio.sleep(0.01)
            if tick == 50:
                time.sleep(_STALL_MS / 1000)  # noqa: ASYNC251 (what the test is about)
            stalls_ms.append(1000 * (time.monotonic() - before_s))

    publisher, handed = Listening(), Handed()
    listening = asyncio.create_task(publisher.listen())
    hum = 0.1 * np.sin(np.arange(int(RATE * _HUM_S)) * 0.05).astype(np.float32)
    await asyncio.gather(publisher.play([hum], handed.note), stall())
    await asyncio.sleep(0.1)
    listening.cancel()
    await publisher.close()
    loud = np.flatnonzero(np.array(publisher.levels) > 500)
    holes_ms = 10 * (loud[-1] + 1 - loud[0] - len(loud))
    assert holes_ms <= handed.torn_ms + 20
    others_ms = sum(max(0, ms - AHEAD_MS) for ms in stalls_ms)  # other programs may stall it too
    assert handed.torn_ms <= others_ms + 20
