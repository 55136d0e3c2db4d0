"""One participant's track: gate → slot → stream of recognisers → segmenter → publisher."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from captioner import metrics
from captioner.captions.cues import CaptionEvent, last_of_each
from captioner.captions.segmenter import Segmenter
from captioner.contract import GapReason, TrackState
from captioner.room.frame_queue import Missing
from captioner.tracks.engine import Engine
from captioner.tracks.language_evidence import LanguageEvidence
from captioner.tracks.language_watch import LEAD_MS, LanguageWatch
from captioner.tracks.recognizer_slots import Slots
from captioner.tracks.speech_span import SpeechSpan
from captioner.tracks.track_health import LATE_MS, Health
from captioner.tracks.track_sound import Frames, TrackSound, Unheard
from streaming.audio import AudioFrame
from streaming.recognizer import Capabilities, Dropped, Flushed, Heard, RecognizerEvent
from streaming.supervised_stream import SupervisedStream

log = structlog.get_logger()

Publish = Callable[[CaptionEvent, int], Awaitable[None]]
Announce = Callable[[TrackState, int], Awaitable[None]]
"""(state, ms behind)"""
Speaks = Callable[[LanguageEvidence], Awaitable[None]]
"""Told of the language of the voice, when a recogniser begins and when it is found."""

STALE_S = 5.0
"""A caption still open so long after its last change is closed where it stands."""

FLUSH_BEFORE_S = 1.0
"""So long before that, the recogniser is asked to let go of what it holds."""

CHANGE_S = 2.0
"""How long the last words may take when the voice changes its language."""

QUIET_MS = 10_000
"""After so much sound without voice a track gives its recogniser back."""

QUIET_WANTED_MS = 2_000
"""The same while another speaker waits for one."""


class TrackCaptioner:
    """Captions one track.

    frames: positioned on the room's clock. engine: gives the one to be used from now on. slots:
    None if recognisers are not shared. evidence: what is known of the voice's language from before,
    if its track was not heard for a while. recording: all that there is is recognised, whether
    there is voice or not, as fast as it goes; and what no recogniser takes is an error.
    language: what its engine was chosen for.
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
        speaks: Speaks | None = None,
        evidence: LanguageEvidence | None = None,
        slots: Slots | None = None,
        clock: Callable[[], float] = time.monotonic,
        stale_s: float = STALE_S,
        recording: bool = False,
    ) -> None:
        self._engine = engine
        self._segmenter = segmenter
        self._publish = publish
        self._announce = announce
        self._speaks = speaks
        self._evidence = evidence or LanguageEvidence()
        self._sound = TrackSound(
            frames, engine().load_voice(), unheard=unheard, recording=recording
        )
        self._slots = slots
        self._clock = clock
        self._stale_s = stale_s
        self._recording = recording
        self._health = Health(clock)
        self._span = SpeechSpan([])
        self._stream: SupervisedStream | None = None
        self._changed_at = clock()
        self._waits = False  # for a slot
        self._renew = False
        self._giving = asyncio.Lock()
        self._holds = False  # nothing is published: most of it is about to be taken back
        self._held: list[CaptionEvent] = []
        self.language = engine().language
        self.refused = False

    @property
    def capabilities(self) -> Capabilities | None:
        """Of the recogniser that works now; None if none does."""
        return self._stream.capabilities if self._stream else None

    @property
    def stand_in(self) -> Capabilities | None:
        """Of the recogniser that works now, if it replaces another that cannot be had."""
        return self.capabilities if self._stream and self._stream.stands_in else None

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

    @property
    def quiet_ms(self) -> int:
        """Sound that was read since the last voice."""
        return self._sound.quiet_ms

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
            while lead := await self._sound.speech():
                self._span = SpeechSpan(lead)
                async with asyncio.TaskGroup() as tasks:
                    watch = tasks.create_task(self._watch())
                    async with self._slot():
                        while lead:
                            self._span = SpeechSpan(lead)
                            lead = await self._caption(lead)
                    watch.cancel()
                self._sound.pass_over(self._span)
                self._span = SpeechSpan([])
        finally:
            await self._let_go()
            await self._give(self._segmenter.flush())

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

    async def _caption(self, lead: list[AudioFrame]) -> list[AudioFrame]:
        """One span of speech in one language; gives what is to be heard again in another one."""
        engine = self._engine()
        self.language = engine.language
        language = self._evidence.begin(engine.languages)
        self._segmenter.restart(self._span.room_ms(0), language=language)
        self._renew = False
        await self._tell_language()
        opened = engine.open(language, recording=self._recording, on_failure=_note)
        watch = LanguageWatch(
            self._evidence, engine.languages, engine.detect,
            found=self._tell_language, waits=self._recording,
        )  # fmt: skip
        try:
            async with opened as self._stream, asyncio.TaskGroup() as tasks:
                taking = tasks.create_task(self._take_all(opened))
                if again := await self._feed(opened, lead, watch):
                    # What was said before the change may not be settled yet.
                    await asyncio.wait({taking}, timeout=None if self._recording else CHANGE_S)
                    async with self._giving:
                        taking.cancel()
        finally:
            watch.close()
            self._stream = None
        if again:
            since_ms = again[0].start_ms
            await self._give(self._segmenter.retract(since_ms, silence_ms=LEAD_MS))
        await self._let_go()
        await self._give(self._segmenter.flush())
        return again

    async def _let_go(self) -> None:
        """Publish what became of each caption while its language changed, and no more of it."""
        held, self._held, self._holds = self._held, [], False
        await self._give(last_of_each(held))

    async def _feed(
        self, stream: SupervisedStream, lead: list[AudioFrame], watch: LanguageWatch
    ) -> list[AudioFrame]:
        """Until the speech is over; gives what is to be heard again if its language changes."""
        frames, again = deque(lead), list[AudioFrame]()
        while not again and (frames or not self._over()):
            frame = frames.popleft() if frames else await self._sound.next()
            if frame is None:
                break
            await stream.send(self._span.place(frame))
            again = await watch.feed(frame)
        self._holds = bool(again)
        await stream.finish()
        return [*again, *frames] if again else []

    async def _tell_language(self) -> None:
        if self._speaks is not None:
            await self._speaks(self._evidence)

    def _over(self) -> bool:
        """Whether the speaker has been quiet for so long that others may have the recogniser."""
        if self._renew:
            return True
        if self._recording or self._segmenter.is_open:
            return False
        wanted = self._slots is not None and self._slots.waiting > 0
        return self._sound.quiet_ms >= (QUIET_WANTED_MS if wanted else QUIET_MS)

    async def _take_all(self, stream: SupervisedStream) -> None:
        async for event in stream:
            async with self._giving:
                await self._take(event)

    async def _take(self, event: RecognizerEvent) -> None:
        self._span.take(event)
        if isinstance(event, Dropped):
            start_ms, end_ms = map(self._span.room_ms, (event.start_ms, event.end_ms))
            await self._sound.miss(Missing(start_ms, end_ms, GapReason.DROPPED))
        if isinstance(event, Heard | Flushed):
            await self._judge()
        with metrics.PUBLISH_SECONDS.time():
            await self._give(self._segmenter.feed(event))

    async def _give(self, events: list[CaptionEvent]) -> None:
        if self._holds:
            self._held += events
            return
        for event in [] if self.refused else events:
            self._changed_at = self._clock()
            await self._publish(event, self._span.heard_ms)

    async def _judge(self) -> None:
        """Say what happens to this speaker, if that has changed."""
        if self._announce is None:
            return
        behind_ms = self._sound.waiting_ms + self._span.behind_ms
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
        if self._stream is None or self._sound.quiet_ms >= QUIET_WANTED_MS:
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
