"""One participant's track: frames → recogniser → segmenter → publisher, for as long as it lasts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import structlog

from captioner import metrics
from captioner.captions.cues import CaptionEvent
from captioner.captions.segmenter import Segmenter
from captioner.contract import GapReason, TrackState
from captioner.room.frame_queue import Missing
from captioner.stretch import Stretch
from captioner.tracks.recognizer_slots import Slots
from captioner.tracks.track_health import LATE_MS, Health
from streaming.audio import AudioFrame
from streaming.backoff import Backoff
from streaming.errors import ModelError, RecognizerError
from streaming.recognizer import Capabilities, Dropped, Flushed, Heard, Recognizer
from streaming.voice.gate import VoiceGate

log = structlog.get_logger()

OpenRecognizer = Callable[[], AbstractAsyncContextManager[Recognizer]]
Publish = Callable[[CaptionEvent, int], Awaitable[None]]
Announce = Callable[[TrackState, int], Awaitable[None]]
"""(state, ms behind)"""
Unheard = Callable[[Missing], Awaitable[None]]
"""Told of sound of this track that nobody heard."""

STALE_S = 5.0
"""A caption still open so long after its last change is closed where it stands."""

FLUSH_BEFORE_S = 1.0
"""So long before that, the recogniser is asked to let go of what it holds."""

QUIET_MS = 10_000
"""After so much sound without voice a track gives its recogniser back."""

QUIET_WANTED_MS = 2_000
"""The same while another speaker waits for one."""


class Frames(Protocol):
    """A track's sound, and what is missing of it, in order.

    Waiting for the next one can be cancelled and taken up again.
    """

    @property
    def waiting_ms(self) -> int:
        """Sound that came in and was not read yet."""
        ...

    def __aiter__(self) -> AsyncIterator[AudioFrame | Missing]: ...


class TrackCaptioner:
    """Captions one track.

    frames: positioned on the room's clock. gate, slots: None recognises all there is, at once.
    stale_s: infinite for a file, which is not read at the pace of a voice.
    A failed recogniser is replaced, and its successor hears what had not become words.
    """

    def __init__(
        self,
        frames: Frames,
        *,
        open_recognizer: OpenRecognizer,
        segmenter: Segmenter,
        publish: Publish,
        announce: Announce | None = None,
        unheard: Unheard | None = None,
        gate: VoiceGate | None = None,
        slots: Slots | None = None,
        backoff: Backoff | None = None,
        language: Callable[[], str | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        stale_s: float = STALE_S,
        retry: bool = True,
    ) -> None:
        self._frames = frames
        self._open = open_recognizer
        self._segmenter = segmenter
        self._publish = publish
        self._announce = announce
        self._unheard = unheard
        self._gate = gate
        self._slots = slots
        self._backoff = backoff or Backoff(limit_s=2.0)
        self._language = language
        self._clock = clock
        self._stale_s = stale_s
        self._retry = retry
        self._health = Health(clock)
        self._stretch = Stretch([])
        self._recognizer: Recognizer | None = None
        self._changed_at = clock()
        self._ended = False  # there are no more frames
        self._waits = False  # for a slot
        self._renew = False
        self.refused = False
        self.capabilities: Capabilities | None = None  # of the recogniser that works now

    @property
    def unsaid_ms(self) -> int | None:
        """Room time from which on sound has not been dealt with yet; None: there is none."""
        return self._stretch.heard_ms if self._stretch.behind_ms else None

    @property
    def read_ms(self) -> int:
        """Room time up to which sound was read."""
        return self._stretch.heard_ms + self._stretch.behind_ms

    def renew(self) -> None:
        """Take a new recogniser from now on: the engine or the language is another one."""
        self._renew = True

    async def refuse(self) -> None:
        """The speaker withdrew consent: the open cue is deleted, and nothing more comes."""
        withdrawn = self._segmenter.withdraw()
        await self._give(withdrawn)
        self.refused = True

    async def run(self) -> None:
        """Until the track ends. A failed recogniser is replaced if ``retry``, else raised."""
        try:
            while lead := await self._voice():
                self._stretch = Stretch(lead)
                async with asyncio.TaskGroup() as tasks:
                    watch = tasks.create_task(self._watch())
                    async with self._slot():
                        await self._caption()
                    watch.cancel()
                self._pass_over()
                self._stretch = Stretch([])
        finally:
            self.capabilities = None
            await self._give(self._segmenter.flush())

    async def _voice(self) -> list[AudioFrame]:
        """Wait until somebody speaks; gives the sound to begin with. Empty at the end."""
        while frame := await self._next():
            if self._gate is None:
                return [frame]
            if self._gate.feed(frame):
                return self._gate.lead()
        return []

    async def _next(self) -> AudioFrame | None:
        """The next frame; None at the end."""
        if not self._ended:
            async for item in self._frames:
                if isinstance(item, AudioFrame):
                    return item
                await self._miss(item)
        self._ended = True
        return None

    async def _miss(self, missing: Missing) -> None:
        if self._unheard is not None:
            await self._unheard(missing)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._slots is None:
            yield
            return
        self._waits = self._slots.full
        await self._judge()
        async with self._slots.take():
            self._waits = False
            yield

    async def _caption(self) -> None:
        """One stretch of speech, with as many recognisers as that takes."""
        self._segmenter.restart(self._stretch.offset_ms, language=self._language())
        self._renew = False
        while True:
            try:
                await self._one_recognizer()
                break
            except* (RecognizerError, ModelError) as failures:
                if not self._retry:
                    raise
                metrics.RECOGNIZER_FAILURES.inc()
                kinds = [type(e).__name__ for e in failures.exceptions]
                log.warning("recognizer_failed", kinds=kinds)
            finally:
                self._recognizer = self.capabilities = None
            await asyncio.sleep(self._backoff.next_s())
        await self._give(self._segmenter.flush())

    async def _one_recognizer(self) -> None:
        async with self._open() as recognizer, asyncio.TaskGroup() as tasks:
            self._recognizer = recognizer
            feed = tasks.create_task(self._feed(recognizer))
            await self._consume(recognizer)
            feed.cancel()

    async def _feed(self, recognizer: Recognizer) -> None:
        for replayed in self._stretch.again():
            await recognizer.send(replayed)
        while (first := self._stretch.next_of_lead()) is not None:
            await recognizer.send(first)
        while frame := await self._next():
            voiced = self._gate.feed(frame) if self._gate else True
            await recognizer.send(self._stretch.add(frame, voiced=voiced))
            if self._over():
                break
        await recognizer.finish()

    def _over(self) -> bool:
        """Whether the speaker has been quiet for so long that others may have the recogniser."""
        if self._renew:
            return True
        if self._gate is None or self._segmenter.is_open:
            return False
        wanted = self._slots is not None and self._slots.waiting > 0
        return self._gate.quiet_ms >= (QUIET_WANTED_MS if wanted else QUIET_MS)

    async def _consume(self, recognizer: Recognizer) -> None:
        async for event in recognizer:
            self.capabilities = recognizer.capabilities
            for told in self._stretch.take(event):
                match told:
                    case Heard() | Flushed():
                        self._backoff.reset()
                        await self._judge()
                    case Dropped(start_ms, end_ms):
                        offset_ms = self._stretch.offset_ms
                        lost = GapReason.DROPPED
                        await self._miss(Missing(offset_ms + start_ms, offset_ms + end_ms, lost))
                with metrics.PUBLISH_SECONDS.time():
                    await self._give(self._segmenter.feed(told))

    def _pass_over(self) -> None:
        """What became words is not said again as the beginning of the next stretch."""
        if self._gate is None:
            return
        lead, stretch = self._gate.lead(), self._stretch
        if lead and stretch.said_ms is not None and stretch.said_ms >= lead[0].start_ms:
            self._gate.forget(before=stretch.end)

    async def _give(self, events: list[CaptionEvent]) -> None:
        for event in [] if self.refused else events:
            self._changed_at = self._clock()
            await self._publish(event, self._stretch.heard_ms)

    async def _judge(self) -> None:
        """Say what happens to this speaker, if that has changed."""
        if self._announce is None:
            return
        behind_ms = self._frames.waiting_ms + self._stretch.behind_ms
        told = self._health.judge(
            max(behind_ms, LATE_MS) if self._waits else behind_ms,
            delay_ms=self.capabilities.delay_ms if self.capabilities else 0,
            voice_ms=self._voice_ms,
            still_s=self._clock() - self._changed_at,
            waiting=self.capabilities is None,
        )
        if told is None:
            return
        if told[0] is TrackState.STALLED:
            metrics.STALLS.inc()
        await self._announce(*told)

    @property
    def _voice_ms(self) -> int:
        """Voice since the last word, if it is not long ago."""
        recent = self._gate is not None and self._gate.quiet_ms < QUIET_WANTED_MS
        return self._stretch.voice_ms if recent else 0

    async def _watch(self) -> None:
        """No caption stays open: ask the recogniser to let go, then close where it stands."""
        asked = False
        while True:
            await asyncio.sleep(self._stale_s / 20)
            await self._judge()
            still_s = self._clock() - self._changed_at
            if not self._segmenter.is_open or still_s < self._stale_s - FLUSH_BEFORE_S:
                asked = False
            elif still_s >= self._stale_s:
                metrics.CUES_CLOSED_STALE.inc()
                await self._give(self._segmenter.close())
            elif not asked and self._recognizer is not None:
                asked = True
                await self._recognizer.flush()
