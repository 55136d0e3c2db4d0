"""The voices of a room that are captioned now: one task each."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator

import structlog

from captioner import metrics
from captioner.captions.cues import CaptionEvent
from captioner.captions.segmenter import Segmenter
from captioner.contract import Caption, GapReason, LeftOut, TrackState
from captioner.contract_attributes import ChosenBy, Spoken
from captioner.publishing.publisher import Publisher
from captioner.room.frame_queue import LOST_MS, Missing
from captioner.room.protocol import Inaudible, Voice
from captioner.tracks.engine import Engine
from captioner.tracks.language_evidence import LanguageEvidence
from captioner.tracks.recognizer_slots import Slots
from captioner.tracks.running import Running, pauses
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.backoff import Backoff
from streaming.recognizer import Capabilities

log = structlog.get_logger()


UNWRITTEN_MAX = 5
"""So often a track is muted while its words wait for a recogniser; then the oldest are given up."""

EVIDENCE_MAX = 1_000
"""Tracks whose language is remembered while they are muted."""


class TrackSet:
    """Captions each voice that it is given, until that ends. One that fails takes no other down.

    spoken: what a voice speaks; by default what the engine was chosen for.
    """

    def __init__(
        self,
        publisher: Publisher,
        engine: Engine,
        spoken: Callable[[Voice], Spoken] | None = None,
    ) -> None:
        self._publisher = publisher
        self._engine = engine
        self._spoken = spoken or (lambda _: Spoken(self._engine.language, ChosenBy.ROOM))
        self._evidence: dict[str, LanguageEvidence] = {}  # by track
        self._told: dict[str, Spoken] = {}  # by track, where it is not the room's
        self._slots = Slots(engine.slots)
        self._prefixes = (f"t{n}" for n in itertools.count(1))
        self._running: list[Running] = []  # of one track several, if it was muted for a moment
        self._states: dict[str, TrackState] = {}
        self._gap_end_ms = 0  # of the last gap that was declared

    @property
    def engine(self) -> Engine:
        """What new recognisers are of."""
        return self._engine

    @engine.setter
    def engine(self, engine: Engine) -> None:
        self._engine = engine
        self._slots.limit = engine.slots
        for running in self._running:
            running.captioner.renew()

    @property
    def stand_ins(self) -> list[Capabilities]:
        """Of the recognisers that work now in place of others that cannot be had."""
        found = (running.captioner.stand_in for running in self._running)
        return [capabilities for capabilities in found if capabilities is not None]

    @property
    def speakers(self) -> set[str]:
        """Whose voices are being captioned."""
        return {running.voice.speaker for running in self._running}

    @property
    def tracks(self) -> list[str]:
        """What is being heard, by track."""
        return [running.voice.track for running in self._hearing]

    @property
    def hearing(self) -> set[str]:
        """Whose voices are being heard: not those of whom only the last words are to come."""
        return {running.voice.speaker for running in self._hearing}

    def pauses(self, speaker: str, *, least_ms: int) -> dict[str, int] | None:
        """Room times, by track, of a pause of at least so long that goes on; None if there is none.

        0 finds one in any case, be it in the middle of a word.
        """
        return pauses((r for r in self._hearing if r.voice.speaker == speaker), least_ms=least_ms)

    @property
    def unavailable(self) -> bool:
        """Whether people speak and nobody's captions come."""
        states = set(self._states.values())
        return TrackState.UNAVAILABLE in states and TrackState.ON not in states

    def said_ms(self, now_ms: int) -> int:
        """Room time up to which all that was heard has been dealt with."""
        unsettled = (running.captioner.unsettled_ms for running in self._running)
        return min((ms for ms in unsettled if ms is not None), default=now_ms)

    async def review(self) -> None:
        """Somebody may speak another language now."""
        for running in list(self._running):
            engine, voice = self._engine_for(running.voice), running.voice
            if engine.language != running.captioner.language:
                running.captioner.renew()
                await self._tell(voice, Spoken(engine.languages.default, self._spoken(voice).by))

    def begin(self, voice: Voice) -> None:
        """Caption this one too."""
        before = [r for r in self._running if r.voice.track == voice.track]
        if len(before) >= UNWRITTEN_MAX:
            self._give_up(before[0])
        running = Running(voice, self._captioner(voice))
        self._running.append(running)
        running.task = asyncio.create_task(self._run(running))
        running.task.add_done_callback(lambda _: self._running.remove(running))

    async def inaudible(self, event: Inaudible) -> None:
        """Show that a track cannot be heard, or that this is over."""
        state = TrackState.ON if event.over else TrackState.UNAVAILABLE
        self._states[event.track] = state
        reason = None if event.over else LeftOut.NOT_RECEIVED
        await self._publisher.announce_track(
            track=event.track, speaker=event.speaker, state=state, reason=reason
        )
        if event.over:
            del self._states[event.track]
            self._publisher.forget_track(event.track)

    async def refuse(self, speaker: str) -> None:
        """At once: no more of this voice is recognised, and all that is held of it is gone."""
        for running in self._of(speaker):
            running.voice.frames.forget()
            if running.task:
                running.task.cancel()
            await running.captioner.refuse()

    async def drain(self, *, within_s: float) -> None:
        """No more is heard: let what was heard become words, for a bounded time.

        What was not, then, is told as a gap.
        """
        tasks = {running.task: running for running in self._running if running.task}
        if not tasks:
            return
        until_ms = self._publisher.clock.now_ms()
        _, late = await asyncio.wait(tasks, timeout=within_s)
        unsettled = (tasks[task].captioner.unsettled_ms for task in late)
        unsaid_ms = min((ms for ms in unsettled if ms is not None), default=until_ms)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        if unsaid_ms < until_ms:  # be it less than LOST_MS: somebody was cut short
            await self._declare(Missing(unsaid_ms, until_ms, GapReason.UNFINISHED))

    @property
    def _hearing(self) -> list[Running]:
        return [running for running in self._running if running.voice.frames.is_open]

    def _of(self, speaker: str) -> Iterator[Running]:
        return (r for r in list(self._running) if r.voice.speaker == speaker)

    def _give_up(self, running: Running) -> None:
        unsaid_ms = running.captioner.unsaid_ms
        if unsaid_ms is not None:
            last_ms = running.voice.frames.last_ms
            running.given_up = Missing(unsaid_ms, last_ms, GapReason.DROPPED)
        if running.task:
            running.task.cancel()

    def _captioner(self, voice: Voice) -> TrackCaptioner:
        async def publish(event: CaptionEvent, heard_ms: int) -> None:
            lag_ms = max(self._publisher.clock.now_ms() - heard_ms, 0)
            metrics.LAG_SECONDS.observe(lag_ms / 1000)
            name = self._publisher.names.spoken(voice.person(), voice.source)
            caption = Caption(
                event, voice.speaker, name.text, voice.track, heard_ms, label=name.label
            )
            await self._publisher.publish(caption)

        async def unheard(missing: Missing) -> None:
            if missing.reason is GapReason.DROPPED:
                await self._declare(missing)
            elif hole := self._nobody_heard(voice, missing):
                await self._declare(hole)

        return TrackCaptioner(
            voice.frames,
            engine=lambda: self._engine_for(voice),
            segmenter=Segmenter(voice.speaker, prefix=next(self._prefixes)),
            publish=publish,
            announce=lambda state, lag_ms: self._announce(voice, state, lag_ms),
            unheard=unheard,
            speaks=lambda evidence: self._tell_language(voice, evidence),
            evidence=self._evidence_of(voice.track),
            slots=self._slots,
        )

    def _engine_for(self, voice: Voice) -> Engine:
        language = self._spoken(voice).language
        return self._engine.speaking(language) if self._engine.knows(language) else self._engine

    def _evidence_of(self, track: str) -> LanguageEvidence:
        evidence = self._evidence.pop(track, None) or LanguageEvidence()
        self._evidence[track] = evidence
        if len(self._evidence) > EVIDENCE_MAX:
            del self._evidence[next(iter(self._evidence))]
        return evidence

    async def _tell_language(self, voice: Voice, evidence: LanguageEvidence) -> None:
        by = ChosenBy.VOICE if evidence.found else self._spoken(voice).by
        await self._tell(voice, Spoken(evidence.language, by))

    async def _tell(self, voice: Voice, spoken: Spoken) -> None:
        default = Spoken(self._engine.languages.default, ChosenBy.ROOM)
        if spoken == self._told.get(voice.track, default):
            return
        self._told[voice.track] = spoken
        if spoken == default:
            del self._told[voice.track]
        if state := self._states.get(voice.track):  # else it is told with the first one
            await self._announce(voice, state)

    def _language(self, track: str) -> dict[str, str]:
        spoken = self._told.get(track)
        return {"lang": spoken.language, "lang_by": str(spoken.by)} if spoken else {}

    async def _run(self, running: Running) -> None:
        voice, backoff = running.voice, Backoff()
        with (
            structlog.contextvars.bound_contextvars(track=voice.track),
            metrics.TRACKS.track_inprogress(),
        ):
            log.info("track_started")
            try:
                while not await self._to_the_end(running):
                    await self._announce(voice, TrackState.UNAVAILABLE)
                    await asyncio.sleep(backoff.next_s())
                    running.captioner = self._captioner(voice)
            finally:
                if running.given_up:
                    await self._declare(running.given_up)
                await self._forget(running)
            log.info("track_ended")

    async def _to_the_end(self, running: Running) -> bool:
        """Caption a voice; False when that ended by a fault."""
        captioner = running.captioner
        try:
            await captioner.run()
        except Exception as exc:  # the top of a track: the others go on
            metrics.TRACKS_FAILED.inc()
            log.error("track_failed", kinds=sorted(_kinds(exc)))
            if captioner.unsaid_ms is not None:  # it would fail of this again
                lost = GapReason.DROPPED
                await self._declare(Missing(captioner.unsaid_ms, captioner.read_ms, lost))
            return False
        return True

    async def _announce(self, voice: Voice, state: TrackState, lag_ms: int = 0) -> None:
        self._states[voice.track] = state
        await self._publisher.announce_track(
            track=voice.track, speaker=voice.speaker, state=state, lag_ms=lag_ms,
            **self._language(voice.track),
        )  # fmt: skip

    async def _forget(self, running: Running) -> None:
        """Whoever is muted or gone is not delayed any more."""
        voice = running.voice
        state = self._states.pop(voice.track, TrackState.ON)
        if running.captioner.refused:
            return
        self._told.pop(voice.track, None)
        if state is not TrackState.ON:
            await self._publisher.announce_track(
                track=voice.track, speaker=voice.speaker, state=TrackState.ON
            )
        if not any(r.voice.track == voice.track for r in self._running if r is not running):
            self._publisher.forget_track(voice.track)

    def _nobody_heard(self, voice: Voice, hole: Missing) -> Missing | None:
        """When no sound came from anybody, and nobody has said so: the link was broken."""
        start_ms, end_ms = max(hole.start_ms, self._gap_end_ms), hole.end_ms
        for running in self._running:
            if running.voice is not voice:
                start_ms, end_ms = running.voice.frames.unheard(start_ms, end_ms)
        if end_ms - start_ms < LOST_MS:
            return None
        self._gap_end_ms = end_ms
        return Missing(start_ms, end_ms, hole.reason)

    async def _declare(self, gap: Missing) -> None:
        await self._publisher.declare_gap(gap.start_ms, gap.end_ms, gap.reason)


def _kinds(exc: BaseException) -> set[str]:
    if isinstance(exc, BaseExceptionGroup):
        return set().union(*map(_kinds, exc.exceptions))
    return {type(exc).__name__}
