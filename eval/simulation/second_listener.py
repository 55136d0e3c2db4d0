"""A second listener beside the bot: which words the media server delivers whole.

A word that neither hears was torn before the bot; one that only the bot does not hear was torn by
the bot. One of the few files that import livekit.rtc.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

import numpy as np
from livekit import rtc

from streaming.audio import FRAME_MS, SAMPLE_RATE
from streaming.testing.tone_words import hear

RETRY_S = 0.3


class SecondListener:
    """``async with`` keeps it in the room. heard: every word that arrived whole, of anybody."""

    def __init__(self, join: Callable[[], tuple[str, str]]) -> None:
        """join: gives (url, token)."""
        self.heard: set[str] = set()
        self._join = join
        self._room = rtc.Room()
        self._tasks: set[asyncio.Task[None]] = set()
        self._hearing: dict[str, asyncio.Task[None]] = {}  # by track

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._room.disconnect()

    async def _connect(self) -> None:
        while True:
            room = rtc.Room()
            room.on("track_subscribed", lambda track, _publication, _who: self._begin(track))
            room.on("track_unsubscribed", lambda track, _publication, _who: self._end(track.sid))
            room.on("disconnected", lambda _reason, room=room: self._lost(room))
            with suppress(rtc.ConnectError):
                await room.connect(*self._join(), rtc.RoomOptions(auto_subscribe=True))
                self._room = room
                return
            await asyncio.sleep(RETRY_S)

    def _lost(self, room: rtc.Room) -> None:
        if room is self._room:
            for track in list(self._hearing):
                self._end(track)
            self._do(self._connect())

    def _begin(self, track: rtc.Track) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._hearing[track.sid] = self._do(self._listen(track))

    def _end(self, track: str) -> None:
        """Else it would go on: the SDK gives a stream that is open what the next track says."""
        if task := self._hearing.pop(track, None):
            task.cancel()

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(
            track, sample_rate=SAMPLE_RATE, num_channels=1, frame_size_ms=FRAME_MS
        )
        try:
            async for event in stream:
                pcm = np.frombuffer(event.frame.data, np.int16).astype(np.float32) / np.float32(
                    32_768
                )
                if word := hear(pcm):
                    self.heard.add(word)
        finally:
            await stream.aclose()

    def _do(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
