"""One participant's track: gate → slot → stream of recognisers → segmenter → publisher."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from captioner import metrics
from captioner.captions.cues import CaptionEvent
from captioner.captions.segmenter import Segmenter
from captioner.contract import GapReason, TrackState
from captioner.room.frame_queue import Missing
from captioner.tracks.engine import Engine
from captioner.tracks.recognizer_slots import Slots
from captioner.tracks.speech_span import SpeechSpan
from captioner.tracks.track_health import LATE_MS, Health
from streaming.audio import SAMPLE_RATE, AudioFrame
from streaming.recognizer import Capabilities, Dropped, Flushed, Heard, RecognizerEvent
from streaming.supervised_stream import SupervisedStream
from streaming.voice.gate import VoiceGate

log = structlog.get_logger()

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

    frames: positioned on the room's clock. engine: gives the one to be used from now on. slots:
    None if recognisers are not shared. recording: all that there is is recognised, whether there
    is voice or not, as fast as it goes; and what no recogniser takes is an error.
    """

    def __init__(
        self,
        frames: Frames,
        *,
        engine: Callable[[], Engine],
        segmenter: Segmenter,
        publish: Publish,
        announce: Announce | None = None,
        unheard: Unheard | None = None,
        slots: Slots | None = None,
        clock: Callable[[], float] = time.monotonic,
        stale_s: float = STALE_S,
        recording: bool = False,
    ) -> None:
        self._frames = frames
        self._engine = engine
        self._segmenter = segmenter
        self._publish = publish
        self._announce = announce
        self._unheard = unheard
        self._gate = VoiceGate(engine().load_voice())
        self._slots = slots
        self._clock = clock
        self._stale_s = stale_s
        self._recording = recording
        self._health = Health(clock)
        self._span = SpeechSpan([])
        self._stream: SupervisedStream | None = None
        self._changed_at = clock()
        self._ended = False  # there are no more frames
        self._waits = False  # for a slot
        self._renew = False
        self.refused = False

    @property
    def capabilities(self) -> Capabilities | None:
        """Of the recogniser that works now; None if none does."""
        return self._stream.capabilities if self._stream else None

    @property
    def unsaid_ms(self) -> int | None:
        """Room time from which on sound has not been dealt with yet; None: there is none."""
        return self._span.heard_ms if self._span.behind_ms else None

    @property
    def unsettled_ms(self) -> int | None:
        """Room time from which on words may still come; None: none do."""
        return self._span.unsettled_ms

    @property
    def read_ms(self) -> int:
        """Room time up to which sound was read."""
        return self._span.heard_ms + self._span.behind_ms

    def renew(self) -> None:
        """Take a new recogniser from now on: the engine or the language is another one."""
        self._renew = True

    async def refuse(self) -> None:
        """The speaker withdrew consent: the open cue is deleted, and nothing more comes."""
        withdrawn = self._segmenter.withdraw()
        await self._give(withdrawn)
        self.refused = True

    async def run(self) -> None:
        """Until the track ends. Raises, for a recording, what its stream raises."""
        try:
            while lead := await self._voice():
                self._span = SpeechSpan(lead)
                async with asyncio.TaskGroup() as tasks:
                    watch = tasks.create_task(self._watch())
                    async with self._slot():
                        await self._caption(lead)
                    watch.cancel()
                self._pass_over()
                self._span = SpeechSpan([])
        finally:
            await self._give(self._segmenter.flush())

    async def _voice(self) -> list[AudioFrame]:
        """Wait until somebody speaks; gives the sound to begin with. Empty at the end."""
        while not self._ended:
            frame = await self._next()
            if frame and (self._gate.feed(frame) or self._recording):
                return self._gate.lead()
        return []

    async def _next(self) -> AudioFrame | None:
        """The next frame; None where sound is missing, and at the end."""
        async for item in self._frames:
            if isinstance(item, AudioFrame):
                return item
            await self._miss(item)
            self._gate.forget(before=item.end_ms * SAMPLE_RATE // 1000)
            return None
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

    async def _caption(self, lead: list[AudioFrame]) -> None:
        """One span of speech."""
        engine = self._engine()
        self._segmenter.restart(self._span.room_ms(0), language=engine.language)
        self._renew = False
        opened = engine.open(recording=self._recording, on_failure=_note)
        try:
            async with opened as self._stream, asyncio.TaskGroup() as tasks:
                tasks.create_task(self._feed(opened, lead))
                async for event in opened:
                    await self._take(event)
        finally:
            self._stream = None
        await self._give(self._segmenter.flush())

    async def _feed(self, stream: SupervisedStream, lead: list[AudioFrame]) -> None:
        for early in lead:
            await stream.send(self._span.place(early, voiced=early is lead[-1]))
        # No sentence runs across sound that is missing.
        while not self._over() and (frame := await self._next()):
            await stream.send(self._span.place(frame, voiced=self._gate.feed(frame)))
        await stream.finish()

    def _over(self) -> bool:
        """Whether the speaker has been quiet for so long that others may have the recogniser."""
        if self._renew:
            return True
        if self._recording or self._segmenter.is_open:
            return False
        wanted = self._slots is not None and self._slots.waiting > 0
        return self._gate.quiet_ms >= (QUIET_WANTED_MS if wanted else QUIET_MS)

    async def _take(self, event: RecognizerEvent) -> None:
        self._span.take(event)
        if isinstance(event, Dropped):
            start_ms, end_ms = map(self._span.room_ms, (event.start_ms, event.end_ms))
            await self._miss(Missing(start_ms, end_ms, GapReason.DROPPED))
        if isinstance(event, Heard | Flushed):
            await self._judge()
        with metrics.PUBLISH_SECONDS.time():
            await self._give(self._segmenter.feed(event))

    def _pass_over(self) -> None:
        """What became words is not said again as the beginning of the next span."""
        lead, span = self._gate.lead(), self._span
        if lead and span.said_ms is not None and span.said_ms >= lead[0].start_ms:
            self._gate.forget(before=span.end)

    async def _give(self, events: list[CaptionEvent]) -> None:
        for event in [] if self.refused else events:
            self._changed_at = self._clock()
            await self._publish(event, self._span.heard_ms)

    async def _judge(self) -> None:
        """Say what happens to this speaker, if that has changed."""
        if self._announce is None:
            return
        behind_ms = self._frames.waiting_ms + self._span.behind_ms
        working = self.capabilities
        told = self._health.judge(
            max(behind_ms, LATE_MS) if self._waits else behind_ms,
            delay_ms=working.delay_ms if working else 0,
            voice_ms=self._voice_ms,
            still_s=self._clock() - self._changed_at,
            waiting=working is None,
        )
        if told is None:
            return
        if told[0] is TrackState.STALLED:
            metrics.STALLS.inc()
        await self._announce(*told)

    @property
    def _voice_ms(self) -> int:
        """Voice since the last word, if it is not long ago."""
        if self._stream is None or self._gate.quiet_ms >= QUIET_WANTED_MS:
            return 0
        return self._stream.voice_ms

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
            elif not asked and self._stream is not None and self._keeps_up:
                asked = True
                await self._stream.flush()

    @property
    def _keeps_up(self) -> bool:
        """Whether a recogniser works and has all sound. Else it holds no word back."""
        return self.capabilities is not None and self._span.behind_ms < LATE_MS


def _note(failure: Exception) -> None:
    metrics.RECOGNIZER_FAILURES.inc()
    log.warning("recognizer_failed", kind=type(failure).__name__)
