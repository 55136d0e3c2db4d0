"""A participant that publishes sound: the demo's, the tests' and the benchmarks'."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from livekit import rtc

from captioner.room.encryption import encryption
from captioner.room.livekit_facts import connect_error
from streaming.audio import Pcm

PIECE_MS = 20
"""Milliseconds of audio that a SoundPublisher passes on at a time."""

AHEAD_MS = 200
"""So long before its turn, so that a busy machine does not tear it, as no browser's would be."""

Handed = Callable[[int, float], None]


def _pieces(chunks: Iterable[Pcm], size: int) -> Iterator[Pcm]:
    """Cut the audio into pieces of ``size`` samples, the last one padded with silence."""
    pending = np.zeros(0, np.float32)
    for chunk in chunks:
        pending = np.concatenate([pending, chunk])
        while len(pending) >= size:
            yield pending[:size]
            pending = pending[size:]
    if len(pending):
        yield np.pad(pending, (0, size - len(pending)))


class SoundPublisher:
    """A participant that publishes sound: the demo's, the tests' and the benchmarks'."""

    def __init__(self, *, rate: int = 48_000, key: str = "") -> None:
        """key: the shared key of an end-to-end encrypted room."""
        self._key = key
        self._room = rtc.Room()
        self._source = rtc.AudioSource(rate, 1, queue_size_ms=2 * AHEAD_MS)
        self._track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self._rate = rate

    async def join(self, url: str, token: str) -> None:
        """Join and publish a microphone. Raises RoomUnavailable or NotAllowed."""
        try:
            options = rtc.RoomOptions(auto_subscribe=False, encryption=encryption(self._key))
            await self._room.connect(url, token, options)
        except rtc.ConnectError as exc:
            raise connect_error(url, exc.message) from exc
        publish = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self._room.local_participant.publish_track(self._track, publish)

    async def play(self, chunks: Iterable[Pcm], handed: Handed | None = None) -> None:
        """Publish float32 audio at its own pace, PIECE_MS at a time; return at its end.

        ``handed`` is called after each piece was passed on: (samples passed on so far, reading of
        the monotonic clock when the last of them is published). If the machine is too busy, the
        sound has a hole, and all that follows is later.
        """
        done, due = 0, time.monotonic()
        for piece in _pieces(chunks, self._rate * PIECE_MS // 1000):
            await asyncio.sleep(due - AHEAD_MS / 1000 - time.monotonic())
            due = max(due, time.monotonic())
            samples = (np.clip(piece, -1, 1) * 32_767).astype(np.int16)
            frame = rtc.AudioFrame(samples.tobytes(), self._rate, 1, len(samples))
            await self._source.capture_frame(frame)
            done += len(samples)
            due += len(samples) / self._rate
            if handed:
                handed(done, due)
        await asyncio.sleep(due - time.monotonic())

    async def ask(self, bot: str, method: str, payload: str) -> str:
        """Call the bot, as the speaker's page does."""
        return await self._room.local_participant.perform_rpc(
            destination_identity=bot, method=method, payload=payload
        )

    def mute(self) -> None:
        """Mute the microphone."""
        self._track.mute()

    def unmute(self) -> None:
        """Unmute the microphone."""
        self._track.unmute()

    async def leave(self) -> None:
        """Leave the room."""
        await self._source.aclose()
        await self._room.disconnect()
