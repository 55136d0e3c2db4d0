"""One participant's track: frames → recogniser → segmenter → publisher, for as long as it lasts."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import structlog

from captioner import metrics
from captioner.contract import TrackState
from captioner.cues import CaptionEvent
from captioner.segmenter import Segmenter
from streaming.audio import AudioFrame
from streaming.errors import ModelError, RecognizerError
from streaming.recognizer import Flushed, Heard, Recognizer

log = structlog.get_logger()

OpenRecognizer = Callable[[], AbstractAsyncContextManager[Recognizer]]
Publish = Callable[[CaptionEvent, int], Awaitable[None]]
Announce = Callable[[TrackState], Awaitable[None]]

STALE_S = 5.0
"""A caption still open so long after its last change is closed where it stands."""

FLUSH_BEFORE_S = 1.0
"""So long before that, the recogniser is asked to let go of what it holds."""


class Backoff:
    """How long to wait before the next try: doubling with jitter, at most ``limit_s``."""

    def __init__(self, *, first_s: float = 0.2, limit_s: float = 5.0) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._tries = 0

    def reset(self) -> None:
        """It worked."""
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait now."""
        wait: float = min(self._first_s * 2**self._tries, self._limit_s)
        self._tries = min(self._tries + 1, 16)
        return wait * random.uniform(0.5, 1.0)


class TrackCaptioner:
    """Captions one track.

    frames: positioned on the room's clock; no async generator if the recogniser may fail, since
        waiting for a frame is then cancelled and taken up again. A failed recogniser is replaced.
    """

    def __init__(
        self,
        frames: AsyncIterator[AudioFrame],
        *,
        open_recognizer: OpenRecognizer,
        segmenter: Segmenter,
        publish: Publish,
        announce: Announce | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        stale_s: float = STALE_S,
        retry: bool = True,
    ) -> None:
        self._frames = frames
        self._open = open_recognizer
        self._segmenter = segmenter
        self._publish = publish
        self._announce = announce
        self._state: TrackState | None = None
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._stale_s = stale_s
        self._retry = retry
        self._changed_at = clock()
        self._ended = False
        self._unheard: AudioFrame | None = None  # of a stream that could not be opened
        self._heard_ms = 0
        self._offset_ms = 0

    async def run(self) -> None:
        """Until the track ends. A failed recogniser is replaced if ``retry``, else raised."""
        try:
            while not self._ended:
                await self._one_stream()
        finally:
            await self._give(self._segmenter.flush())

    async def _one_stream(self) -> None:
        first = self._unheard or await anext(self._frames, None)
        if first is None:
            self._ended = True
            return
        self._unheard = first
        self._offset_ms = self._heard_ms = first.start_ms
        self._segmenter.restart(first.start_ms)
        try:
            async with self._open() as recognizer, asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch(recognizer))
                feed = tasks.create_task(self._feed(recognizer, first))
                await self._consume(recognizer)
                watch.cancel()
                feed.cancel()
        except* (RecognizerError, ModelError) as failures:
            if not self._retry:
                raise
            metrics.RECOGNIZER_FAILURES.inc()
            log.warning("recognizer_failed", kinds=[type(e).__name__ for e in failures.exceptions])
            await self._give(self._segmenter.flush())
            await self._tell(TrackState.UNAVAILABLE)
            await asyncio.sleep(self._backoff.next_s())

    async def _feed(self, recognizer: Recognizer, first: AudioFrame) -> None:
        base = first.position
        await recognizer.send(AudioFrame(first.pcm, 0))
        self._unheard = None
        async for frame in self._frames:
            await recognizer.send(AudioFrame(frame.pcm, frame.position - base))
        self._ended = True
        await recognizer.finish()

    async def _consume(self, recognizer: Recognizer) -> None:
        async for event in recognizer:
            if isinstance(event, Heard | Flushed):
                self._heard_ms = self._offset_ms + _until(event)
                self._backoff.reset()
                await self._tell(TrackState.ON)
            with metrics.PUBLISH_SECONDS.time():
                await self._give(self._segmenter.feed(event))
        await self._give(self._segmenter.flush())

    async def _give(self, events: list[CaptionEvent]) -> None:
        for event in events:
            self._changed_at = self._clock()
            await self._publish(event, self._heard_ms)

    async def _tell(self, state: TrackState) -> None:
        if self._announce and state is not self._state:
            self._state = state
            await self._announce(state)

    async def _watch(self, recognizer: Recognizer) -> None:
        """No caption stays open: ask the recogniser to let go, then close where it stands."""
        asked = False
        while True:
            await asyncio.sleep(self._stale_s / 20)
            still_s = self._clock() - self._changed_at
            if not self._segmenter.is_open or still_s < self._stale_s - FLUSH_BEFORE_S:
                asked = False
            elif still_s >= self._stale_s:
                metrics.CUES_CLOSED_STALE.inc()
                await self._give(self._segmenter.close())
            elif not asked:
                asked = True
                await recognizer.flush()


def _until(event: Heard | Flushed) -> int:
    return event.until_ms if isinstance(event, Heard) else event.at_ms
