"""The audio of one track: frames on the room's clock, in a bounded queue."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol, Self

from captioner import metrics
from captioner.contract import GapReason
from streaming.audio import FRAME_MS, SAMPLE_RATE, AudioFrame, Pcm

QUEUE_FRAMES = 30_000 // FRAME_MS
"""Frames kept while no recogniser takes them: 30 s."""

HOLE_MS = 500
"""The clock's lead over the samples received from which on there may be a hole."""

SURE_MS = 5_000
"""How long the lead stays before there is one: a busy event loop catches up within that."""


class HoleFinder:
    """Places frames on the room's clock. They carry no time, and follow each other.

    A source says what it leaves out. Lateness alone shows nothing: a busy event loop makes frames
    late, and then many come at once. Only what stays late is a hole that the source did not know.
    """

    def __init__(self) -> None:
        self._next: int | None = None  # samples since room time 0
        self._least_ms = 0  # lead since then
        self._since_ms = 0
        self.missed_ms = 0

    def feed(self, pcm: Pcm, now_ms: int, *, missing_ms: int = 0) -> AudioFrame:
        """Place float32[1920] that arrived at ``now_ms`` of room time.

        missing_ms: audio that the source left out before it.
        """
        begun_ms = now_ms - len(pcm) * 1000 // SAMPLE_RATE
        if self._next is None:
            self._next = max(begun_ms, 0) * SAMPLE_RATE // 1000
            self._restart(now_ms)
        else:
            self._skip(missing_ms)
            lead_ms = begun_ms - self._next * 1000 // SAMPLE_RATE
            self._least_ms = min(self._least_ms, lead_ms)
            if self._least_ms <= HOLE_MS:
                self._restart(now_ms)
            elif now_ms - self._since_ms >= SURE_MS:
                self._skip(self._least_ms)
                self._restart(now_ms)
        frame = AudioFrame(pcm, self._next)
        self._next += len(pcm)
        return frame

    def _skip(self, ms: int) -> None:
        assert self._next is not None
        self._next += ms * SAMPLE_RATE // 1000
        self.missed_ms += ms

    def _restart(self, now_ms: int) -> None:
        self._least_ms, self._since_ms = SURE_MS, now_ms


class Sound(Protocol):
    """A track's audio as it arrives: float32[1920] at 24 kHz, at its own pace."""

    @property
    def doubtful_ms(self) -> int:
        """How much of the last audio may be false, because the connection was broken."""
        ...

    @property
    def missing_ms(self) -> int:
        """How much audio was left out so far, because none arrived."""
        ...

    def __aiter__(self) -> AsyncIterator[Pcm]: ...

    async def aclose(self) -> None:
        """Stop the audio."""
        ...


HUSHED = 0.25
"""Of the loudest frame of the last seconds: so quiet it is between words, and in their stops."""

RECENT_FRAMES = 3_000 // FRAME_MS

LOST_MS = 1_000
"""Losses of this length are reported."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Audio of a track that nobody hears, in room time.

    reason: CONNECTION_LOST if it did not arrive, DROPPED if it was not read in time.
    """

    start_ms: int
    end_ms: int
    reason: GapReason


class FrameQueue:
    """The audio of one track on the room's clock, read at once into a bounded queue.

    When it is full, the oldest frame is dropped and counted. A Missing item takes the place of
    missing audio. Waiting for a frame can be cancelled and resumed.
    """

    def __init__(
        self,
        sound: Sound,
        now_ms: Callable[[], int],
        *,
        stale: Callable[[], bool] = lambda: False,
    ) -> None:
        """stale: whether what arrives now was said long ago; the queue ends with it."""
        self._sound = sound
        self._now_ms = now_ms
        self._stale = stale
        self.last_ms = self._since_ms = (
            now_ms()
        )  # room times since which audio arrives, and when it last did
        self._silent_from_ms = 0  # room time at which it had stopped before that
        self._dropped: Missing | None = None  # before the oldest frame
        self._waiting: deque[tuple[AudioFrame | Missing, float]] = deque()  # arrived at
        self._given_since: float | None = None
        self._levels: deque[float] = deque(maxlen=RECENT_FRAMES)
        self._late_ms: deque[int] = deque(maxlen=RECENT_FRAMES)
        self._end_ms = 0
        self._more = asyncio.Event()
        self._ended = self._forgotten = False
        self._pump: asyncio.Task[None] | None = None

    def start(self) -> Self:
        """Start reading, in a task of its own."""
        self._pump = asyncio.create_task(self._read())
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame | Missing:
        if (
            self._given_since is not None
        ):  # whoever asks for the next one has processed the previous one
            metrics.FRAME_SECONDS.observe(time.monotonic() - self._given_since)
            self._given_since = None
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        dropped, self._dropped = self._dropped, None
        if dropped and dropped.end_ms - dropped.start_ms >= LOST_MS:
            return dropped
        item, self._given_since = self._waiting.popleft()
        return item

    @property
    def waiting_ms(self) -> int:
        """Audio that arrived and was not read yet, in ms."""
        return len(self._waiting) * FRAME_MS

    @property
    def is_open(self) -> bool:
        """Whether more audio may come."""
        return not self._ended

    @property
    def heard_ms(self) -> int:
        """Room time of the end of what was received last.

        Frames are placed by when the first one came, which may have been late: what the least late
        one shows is left out of that.
        """
        return self._end_ms + self._bias_ms

    @property
    def still_ms(self) -> int:
        """How long nothing has been received."""
        return self._now_ms() - self.last_ms

    @property
    def hush_ms(self) -> int:
        """How long it has been quiet, next to the last seconds, up to what was received last."""
        loudest, frames = max(self._levels, default=0.0), 0
        for level in reversed(self._levels):
            if level > loudest * HUSHED:
                break
            frames += 1
        return frames * FRAME_MS

    def begin_at(self, room_ms: int) -> int:
        """Leave out what was said before ``room_ms``; return when sound begins instead."""
        until_ms = room_ms - self._bias_ms
        while self._waiting and self._waiting[0][0].end_ms <= until_ms:
            self._waiting.popleft()
        dropped, self._dropped = self._dropped, None
        if dropped and dropped.end_ms > until_ms:
            return dropped.end_ms + self._bias_ms
        return self._waiting[0][0].start_ms + self._bias_ms if self._waiting else self._since_ms

    @property
    def _bias_ms(self) -> int:
        return min(self._late_ms, default=0)

    def unheard(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """Return the part of a recent period in which no audio arrived; it may be empty."""
        if self.last_ms <= self._since_ms + FRAME_MS:  # the first may be false
            return max(start_ms, self._silent_from_ms), end_ms
        if self._since_ms > start_ms:
            return max(start_ms, self._silent_from_ms), min(end_ms, self._since_ms)
        return max(start_ms, self.last_ms), end_ms

    async def close(self) -> None:
        """Stop reading; what was received can still be taken."""
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
        await self._sound.aclose()

    def forget(self) -> None:
        """Discard what was not taken yet; nothing more can be taken."""
        self._waiting.clear()
        self._dropped = None
        self._forgotten = self._ended = True
        self._more.set()

    async def _read(self) -> None:
        holes, missing_ms, doubtful_ms = HoleFinder(), 0, 0
        try:
            async for pcm in self._sound:
                if self._stale():
                    return
                now_ms = self._now_ms()
                metrics.FRAMES.inc()
                missed_ms = holes.missed_ms
                frame = holes.feed(pcm, now_ms, missing_ms=self._sound.missing_ms - missing_ms)
                missing_ms = self._sound.missing_ms
                missed_ms = holes.missed_ms - missed_ms
                metrics.HOLES_MS.inc(missed_ms)
                if missed_ms + doubtful_ms > LOST_MS:
                    self._silent_from_ms, self._since_ms = self.last_ms, now_ms
                if missed_ms >= LOST_MS:
                    lost = GapReason.CONNECTION_LOST
                    self._put(Missing(self._silent_from_ms, self._since_ms, lost))
                self._put(frame)
                self._note(frame, now_ms)
                doubtful_ms = self._sound.doubtful_ms
                self.last_ms = now_ms - doubtful_ms
        finally:
            self._ended = True
            self._more.set()

    def _note(self, frame: AudioFrame, now_ms: int) -> None:
        self._levels.append(frame.level)
        self._late_ms.append(now_ms - frame.end_ms)
        self._end_ms = frame.end_ms

    def _put(self, *items: AudioFrame | Missing) -> None:
        if self._forgotten:
            return
        for item in items:
            if len(self._waiting) >= QUEUE_FRAMES:
                oldest, _ = self._waiting.popleft()
                start_ms = self._dropped.start_ms if self._dropped else oldest.start_ms
                self._dropped = Missing(start_ms, oldest.end_ms, GapReason.DROPPED)
                metrics.FRAMES_DROPPED.inc()
            self._waiting.append((item, time.monotonic()))
        self._more.set()
