"""The network of a simulated participant: what is cut arrives nowhere, what is mended goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from livekit import rtc

from captioner.demo.livekit_server import MediaServer
from captioner.demo.sound_publisher import SoundPublisher
from captioner.room.tokens import participant_token
from eval.simulation.fault_proxy import FaultProxy

pytestmark = pytest.mark.room


class Ear:
    """A participant that counts the frames in which it hears something."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.heard = 0
        self._more = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.room.on(
            "track_subscribed",
            lambda track, *_: self._tasks.append(asyncio.create_task(self._listen(track))),
        )

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=24_000, frame_size_ms=80)
        async for event in stream:
            if np.abs(np.frombuffer(event.frame.data, np.int16)).max() > 500:
                self.heard += 1
                self._more.set()

    async def hears(self, more: int) -> None:
        enough = self.heard + more
        while self.heard < enough:
            self._more.clear()
            await self._more.wait()

    async def leave(self) -> None:
        await self.room.disconnect()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def token(server: MediaServer, identity: str) -> str:
    return participant_token(server.key, server.secret, room="cable", identity=identity)


async def test_over_a_cut_cable_nothing_is_heard_and_after_mending_it_goes_on(
    media_server: MediaServer,
) -> None:
    near, far, speaker = Ear(), Ear(), SoundPublisher()
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000 * 60).astype(np.float32)
    async with asyncio.timeout(60), FaultProxy(media_server) as cable:
        await speaker.join(media_server.url, token(media_server, "anna"))
        play = asyncio.create_task(speaker.play([noise]))
        await far.room.connect(cable.url, token(media_server, "far"))
        await near.room.connect(media_server.url, token(media_server, "near"))
        await asyncio.gather(near.hears(5), far.hears(5))
        cable.cut()
        await near.hears(10)  # what was on its way has arrived, or never will
        before = far.heard
        await near.hears(20)
        assert far.heard == before
        cable.mend()
        await far.hears(5)
        await _end(play, speaker.leave, near.leave, far.leave)


async def _end(play: asyncio.Task[None], *leave: Callable[[], Awaitable[None]]) -> None:
    play.cancel()
    await asyncio.gather(play, return_exceptions=True)
    for one in leave:
        await one()
