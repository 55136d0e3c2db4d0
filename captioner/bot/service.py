"""Sees to it that what was decided in a room is done, and that everybody sees how things are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from captioner.contract import Service, State, TrackState, attributes
from captioner.controls.decisions import Controls, Decided, Policy
from captioner.errors import (
    CaptionerError,
    InvalidRequest,
    NotAllowed,
    RequestCode,
    RoomUnavailable,
)
from captioner.publishing.publisher import Publisher
from captioner.room.protocol import Person, Room
from captioner.tracks.engine import Engine
from captioner.tracks.track_set import TrackSet
from streaming.errors import StreamingError

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
        self._chosen: Engine | None = None
        self._room: Room | None = None
        self._state = State.STARTING
        self._told: Mapping[str, str] = {}
        self._refused: dict[str, str] = {}  # track → speaker, told of
        self._reviewing = asyncio.Lock()
        publisher.history.keeps = controls.keeps

    async def enter(self, room: Room | None) -> None:
        """The bot is in this room now, or in none."""
        self._room, self._told = room, {}
        for track in self._refused:
            self._publisher.forget_track(track)
        self._refused = {}
        await self.review()

    async def resume(self, decided: Decided) -> bool:
        """Go on with what was decided before; whether the engine chosen then is still there."""
        self._controls.linger(self._clock())
        try:
            await self._take_engine(decided)
        except (CaptionerError, StreamingError):
            mine = self._controls.decided
            self._controls.decided = _with_engine_of(mine, decided)
            return False
        self._controls.decided = decided
        self._use_chosen()
        return True

    async def prepare(self, _caller: Person, decided: Decided) -> None:
        """Whatever may fail of a decision, before it is kept. Raises InvalidRequest."""
        try:
            await self._take_engine(decided)
        except (CaptionerError, StreamingError) as exc:
            raise InvalidRequest(str(exc), code=RequestCode.NOT_AVAILABLE) from exc

    async def apply(self, before: Decided) -> None:
        """Do what was decided. before: what was decided until now."""
        decided = self._controls.decided
        self._use_chosen()
        for identity, consent in decided.consents.items():
            if before.consents.get(identity) == consent:
                continue
            if not consent.captioned:
                await self._tracks.refuse(identity)
            if not consent.kept:
                self._publisher.history.forget(identity)
        await self.review()
        if before.enabled and not decided.enabled:
            await self._tracks.drain(within_s=SWITCH_S)

    async def look(self) -> None:
        """What changes of itself: nobody reads any more, another engine stands in. Costs little."""
        state = self._controls.state(self._clock())
        if state is not self._state or attributes(self._service(self._shown(state))) != self._told:
            await self.review()

    async def review(self) -> None:
        """Hear who is to be heard, and let everybody see how things are."""
        async with self._reviewing:
            room = self._room
            if room is None:
                return
            now = self._clock()
            people = room.people()
            self._controls.present(people, now)
            self._publisher.present(person.identity for person in people)
            state = self._state = self._controls.state(now)
            listens = state is State.ON
            room.hear(lambda identity: listens and self._controls.captions(identity))
            await self._tell(room, self._shown(state))
            await self._tell_refusals(people)

    def _shown(self, state: State) -> State:
        """With what cannot be helped."""
        # Nor can we hear who says that they read.
        if state in (State.ON, State.IDLE) and self._room and self._room.encrypted:
            return State.ENCRYPTED
        if state is State.ON and self._tracks.unavailable:
            return State.UNAVAILABLE
        return state

    async def _take_engine(self, decided: Decided) -> None:
        current = self._tracks.engine
        self._chosen = None
        if (decided.engine, decided.language) != (current.name, current.language):
            self._chosen = await self._choose(decided.engine, decided.language)

    def _use_chosen(self) -> None:
        """Only once it is decided: it is prepared before that, and may not be kept after all."""
        chosen, decided = self._chosen, self._controls.decided
        if chosen and (chosen.name, chosen.language) == (decided.engine, decided.language):
            self._tracks.engine, self._chosen = chosen, None

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
        others = [c for c in self._tracks.working if c.engine != engine.name]
        stands_in = others[0] if others and others[0].engine in self._policy.engines else None
        return Service(
            state=state,
            session=self._publisher.session,
            origin_utc_ms=self._publisher.clock.origin_utc_ms,
            language=decided.language,
            engine=stands_in.engine if stands_in else engine.name,
            stands_in=stands_in.engine if stands_in else "",
            engines=tuple(self._policy.engines),
            languages=self._controls.languages,
            by=decided.by,
            transcript=decided.transcript,
            consent=self._controls.consent,
            delay_ms=stands_in.delay_ms if stands_in else engine.delay_ms,
        )

    async def _tell_refusals(self, people: Sequence[Person]) -> None:
        """Everybody sees who is not captioned."""
        refused = {
            track: person.identity
            for person in people
            if not self._controls.captions(person.identity)
            for track in person.tracks
        }
        for track, speaker in (self._refused | refused).items():
            if track in self._refused and track in refused:
                continue
            state = TrackState.REFUSED if track in refused else TrackState.ON
            await self._publisher.announce_track(track=track, speaker=speaker, state=state)
            if state is TrackState.ON:
                self._publisher.forget_track(track)
        self._refused = refused


def _with_engine_of(mine: Decided, decided: Decided) -> Decided:
    return replace(decided, engine=mine.engine, language=mine.language)
