"""Sees to it that what was decided in a room is done, and that everybody sees how things are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from captioner.contract import LeftOut, State, TrackState
from captioner.contract_attributes import Service, attributes
from captioner.controls.controls import Controls
from captioner.controls.decisions import Decided, Decision, Policy
from captioner.errors import (
    CaptionerError,
    InvalidRequest,
    NotAllowed,
    RequestCode,
    RoomUnavailable,
)
from captioner.publishing.publisher import Publisher
from captioner.room.protocol import Kind, Person, Room
from captioner.tracks.engine import Engine
from captioner.tracks.track_set import TrackSet
from streaming.embedded.vocabulary import entries
from streaming.errors import StreamingError
from streaming.languages import Languages

log = structlog.get_logger()

SWITCH_S = 0.5
"""How long the last words may take when captions are switched off."""

Choose = Callable[[str, str], Awaitable[Engine]]
"""(engine, language) → what a host chose. Raises StreamingError or CaptionerError."""


async def no_choice(_engine: str, _language: str) -> Engine:
    """For a bot that has one engine and one language."""
    raise NotAllowed("this bot has one engine and one language")


class CaptionService:
    """One bot's, for all its stays in the room."""

    def __init__(
        self,
        publisher: Publisher,
        controls: Controls,
        tracks: TrackSet,
        *,
        policy: Policy,
        choose: Choose = no_choice,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher = publisher
        self._controls = controls
        self._tracks = tracks
        self._policy = policy
        self._choose = choose
        self._clock = clock
        self._loading = asyncio.Lock()  # one engine after the other
        self._taken = _asked(controls.decided)  # what the tracks' engine was chosen for
        self._vocabulary: tuple[str, ...] = ()  # of hosts; of this meeting only
        self._room: Room | None = None
        self._state = State.STARTING
        self._told: Mapping[str, str] = {}
        self._left_out: dict[str, tuple[str, TrackState, LeftOut | None]] = {}  # told, by track
        self._telling = asyncio.Lock()
        self.successor = ""  # see contract_attributes.Service
        self._given_up: set[str] | None = set()  # who is a successor's; None: everybody
        publisher.history.keeps = controls.keeps

    async def enter(self, room: Room | None) -> None:
        """The bot is in this room now, or in none."""
        self._room, self._told = room, {}
        for track in self._left_out:
            self._publisher.forget_track(track)
        self._left_out = {}
        await self.review()

    async def resume(self, decided: Decided) -> Decided:
        """Load what was chosen before; gives what was decided, with our engine if that failed."""
        self._controls.linger(self._clock())
        try:
            self._take(await self._load(decided), decided)
        except (CaptionerError, StreamingError):
            log.warning("engine_not_available")
            mine = self._controls.decided
            return replace(decided, engine=mine.engine, language=mine.language)
        return decided

    async def prepare(self, decided: Decided) -> Callable[[], None]:
        """Load the engine of a decision; gives what takes it. Raises InvalidRequest."""
        asked = _asked(decided)
        try:
            async with self._loading:
                engine = await self._load(decided)
        except (CaptionerError, StreamingError) as exc:
            raise InvalidRequest(str(exc), code=RequestCode.NOT_AVAILABLE) from exc

        def take() -> None:
            if engine is not self._tracks.engine and _asked(self._controls.decided) == asked:
                self._take(engine, decided)

        return take

    def apply(self, decision: Decision) -> None:
        """Hear nobody who is not to be heard, and pass on nothing of whoever refuses."""
        caller = decision.caller
        if self._controls.said(caller) and not self._controls.keeps(caller):
            self._publisher.history.forget(caller)
            if not self._controls.captions(caller):
                self._publisher.refuse(caller)
        self._hear()

    def expect(self, vocabulary: Sequence[str] | None) -> tuple[Sequence[str], int]:
        """Take the names and terms of a host, unless None.

        Gives those that count, and how many of them, the first ones, will be listened for.
        """
        if vocabulary is not None:
            self._vocabulary = entries(vocabulary)
        people = self._room.people() if self._room else ()
        names = [person.name for person in people if person.kind is Kind.PERSON]
        used = set(self._tracks.engine.expect((*self._vocabulary, *names)))
        return self._vocabulary, len(used & set(self._vocabulary))

    async def follow(self, decision: Decision) -> None:
        """Purge what is held of those who are captioned no more; let everybody see how it is."""
        for speaker in self._tracks.speakers:
            if not self._controls.captions(speaker):
                await self._tracks.refuse(speaker)
        await self.review()
        if decision.before.enabled and not decision.after.enabled:
            await self._tracks.drain(within_s=SWITCH_S)

    async def look(self) -> None:
        """What changes of itself: nobody reads any more, another engine stands in. Costs little."""
        state = self._controls.state(self._clock())
        if state is not self._state or attributes(self._service(self._shown(state))) != self._told:
            await self.review()

    async def review(self) -> None:
        """Hear who is to be heard, at once, and let everybody see how things are."""
        self._hear()
        await self._tracks.review()
        async with self._telling:
            if self._room is not None:
                people = self._room.people()
                default = Languages.parse(self._controls.decided.language).default
                self._publisher.names.language = default
                await self._publisher.name(people)
                await self._tell(self._room, self._shown(self._state))
                await self._tell_left_out(people)

    def _hear(self) -> None:
        if self._room is None:
            return
        now, people = self._clock(), self._room.people()
        self._publisher.present(person.identity for person in people)
        self._controls.present(people, now)
        self._state = self._controls.state(now)
        self.expect(None)
        listens = self._state is State.ON
        self._room.hear(lambda identity: listens and self._hears(identity))

    def _hears(self, identity: str) -> bool:
        given_up = self._given_up is None or identity in self._given_up
        return not given_up and self._controls.captions(identity)

    def give_up(self, identity: str | None = None) -> None:
        """Hear somebody no more, or nobody: a successor does."""
        if identity is None:
            self._given_up = None
        elif self._given_up is not None:
            self._given_up.add(identity)
        self._hear()

    def _shown(self, state: State) -> State:
        """With what cannot be helped."""
        # Nor can we hear who says that they read.
        if state in (State.ON, State.IDLE) and self._room and self._room.encrypted:
            return State.ENCRYPTED
        if state is State.ON and self._tracks.unavailable:
            return State.UNAVAILABLE
        return state

    async def _load(self, decided: Decided) -> Engine:
        if _asked(decided) == self._taken:
            return self._tracks.engine
        return await self._choose(decided.engine, decided.language)

    def _take(self, engine: Engine, decided: Decided) -> None:
        self._tracks.engine, self._taken = engine, _asked(decided)

    async def _tell(self, room: Room, state: State) -> None:
        self._publisher.state = state
        told = attributes(self._service(state))
        if told == self._told:
            return
        try:
            await room.set_attributes(told)
        except RoomUnavailable:
            return  # tried again at the next review
        self._told = told

    def _service(self, state: State) -> Service:
        engine, decided = self._tracks.engine, self._controls.decided
        others = [c for c in self._tracks.stand_ins if c.engine in self._policy.engines]
        stands_in = others[0] if others else None
        languages = Languages.parse(decided.language)
        return Service(
            state=state,
            session=self._publisher.session,
            origin_utc_ms=self._publisher.clock.origin_utc_ms,
            language=languages.default,
            among=(",".join(languages.among) or "*") if languages.by_voice else "",
            engine=stands_in.engine if stands_in else engine.name,
            stands_in=stands_in.engine if stands_in else "",
            engines=tuple(self._policy.engines),
            languages=self._controls.languages,
            by=self._controls.by,
            transcript=decided.transcript,
            consent=self._controls.consent,
            delay_ms=stands_in.delay_ms if stands_in else engine.delay_ms,
            successor=self.successor,
        )

    async def _tell_left_out(self, people: Sequence[Person]) -> None:
        """Everybody sees who is not captioned, and hosts why."""
        left_out: dict[str, tuple[str, TrackState, LeftOut | None]] = {}
        for person in people:
            identity = person.identity
            if not self._controls.captions(identity):
                if not self._controls.waits(identity):
                    refused = (identity, TrackState.REFUSED, None)
                    left_out |= dict.fromkeys(person.tracks, refused)
            else:
                sealed = (identity, TrackState.UNAVAILABLE, LeftOut.ENCRYPTED)
                left_out |= dict.fromkeys(person.sealed, sealed)
        for track, before in (self._left_out | left_out).items():
            speaker, state, reason = left_out.get(track, (before[0], TrackState.ON, None))
            if self._left_out.get(track) == (speaker, state, reason):
                continue
            await self._publisher.announce_track(
                track=track, speaker=speaker, state=state, reason=reason
            )
            if state is TrackState.ON:
                self._publisher.forget_track(track)
        self._left_out = left_out


def _asked(decided: Decided) -> tuple[str, str]:
    return decided.engine, decided.language
