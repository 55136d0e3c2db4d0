"""Answers what pages ask of the bot, and sees to it that what is decided is kept and done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import structlog

from captioner.contract import VERSION, encode
from captioner.contract_requests import (
    CONSENT,
    HELLO,
    HISTORY,
    SET,
    decode_consent,
    decode_hello,
    decode_history,
    decode_set,
)
from captioner.controls.decisions import Controls, Decided, RateLimit
from captioner.controls.state_store import StateStore, Stored
from captioner.errors import InvalidRequest, RequestCode, StateError
from captioner.publishing.publisher import Publisher
from captioner.room.protocol import Person, Room, RpcAnswer

log = structlog.get_logger()

KNOWN_S = 5.0
"""How long a decision waits until it is known who asks: newcomers are told of every 3 s."""

Apply = Callable[[Decided], Awaitable[None]]
"""Told what was decided before, once something else is decided and kept."""

Prepare = Callable[[Person, Decided], Awaitable[None]]
"""Told what is about to be decided, and by whom; may raise InvalidRequest, then nothing changes."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where decisions of this room are kept, and what is kept with them."""

    store: StateStore
    room: str
    session: str
    identity: str
    origin_utc_ms: int

    async def save(self, decided: Decided) -> None:
        """Raises StateError."""
        stored = Stored(decided, self.session, self.identity, self.origin_utc_ms)
        await asyncio.to_thread(self.store.save, self.room, stored)

    async def live(self, *, said_ms: int) -> None:
        """A sign of life: what was said before ``said_ms`` is dealt with. Raises StateError."""
        await asyncio.to_thread(self.store.live, self.room, self.origin_utc_ms + said_ms)


class RpcServer:
    """One bot's. ``opened`` for each stay in the room."""

    def __init__(
        self,
        publisher: Publisher,
        controls: Controls,
        *,
        prepare: Prepare,
        apply: Apply,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher = publisher
        self._controls = controls
        self._prepare = prepare
        self._apply = apply
        self._clock = clock
        self._rate = RateLimit()
        self._deciding = asyncio.Lock()  # one decision after the other
        self._keeping: Keeping | None = None
        self._came = asyncio.Event()

    def open(self, room: Room, keeping: Keeping) -> None:
        """Answer in this room from now on."""
        self._keeping = keeping

        def limited(answer: RpcAnswer) -> RpcAnswer:
            async def one(caller: str, payload: str) -> str:
                self._rate.take(caller, self._clock())
                return await answer(caller, payload)

            return one

        def deciding(answer: Callable[[Person, str], Awaitable[str]]) -> RpcAnswer:
            async def one(caller: str, payload: str) -> str:
                return await answer(await self._known(room, caller), payload)

            return limited(one)

        room.answer(HELLO, limited(partial(self._hello, room)))
        room.answer(HISTORY, limited(self._history))
        room.answer(SET, deciding(self._set))
        room.answer(CONSENT, deciding(self._consent))

    def people_changed(self) -> None:
        """Somebody came, who may be one that has asked already."""
        self._came.set()
        self._came = asyncio.Event()

    async def _known(self, room: Room, identity: str) -> Person:
        """Who asks. The media server may tell of newcomers after it brings their requests."""
        try:
            async with asyncio.timeout(KNOWN_S):
                while (person := _person(room, identity)) is None:
                    await self._came.wait()
                return person
        except TimeoutError:
            raise InvalidRequest(
                "the media server says that you are not in this room; join again",
                code=RequestCode.NOT_ALLOWED,
            ) from None

    async def _hello(self, room: Room, caller: str, payload: str) -> str:
        """Without a wait: who is not known yet reads all the same, and asks again who they are."""
        request = decode_hello(payload)
        self._controls.hello(caller, request, self._clock())
        await self._apply(self._controls.decided)
        person = _person(room, caller)
        you = None if person is None else self._controls.you(person)
        return self._publisher.hello(request, caller=caller, you=you)

    async def _history(self, caller: str, payload: str) -> str:
        return self._publisher.page(decode_history(payload), caller=caller)

    async def _set(self, caller: Person, payload: str) -> str:
        request = decode_set(payload)
        decided = await self._decide(caller, lambda: self._controls.change(caller, request))
        answer = {
            "v": VERSION,
            "state": str(self._publisher.state),
            "enabled": decided.enabled,
            "language": decided.language,
            "engine": decided.engine,
            "transcript": decided.transcript,
        }
        return encode(answer).decode()

    async def _consent(self, caller: Person, payload: str) -> str:
        consent = decode_consent(payload)
        await self._decide(caller, lambda: self._controls.agree(caller, consent))
        answer = {"v": VERSION, "captioned": consent.captioned, "kept": consent.kept}
        return encode(answer).decode()

    async def _decide(self, caller: Person, decide: Callable[[], Decided]) -> Decided:
        async with self._deciding:
            decided, before = decide(), self._controls.decided
            await self._prepare(caller, decided)
            assert self._keeping is not None
            try:
                await self._keeping.save(decided)
            except StateError as exc:
                log.error("state_not_stored", reason=str(exc))
                raise InvalidRequest(
                    "this could not be stored, so nothing was changed; tell the operator",
                    code=RequestCode.NOT_STORED,
                ) from exc
            self._controls.decided = decided
            await self._apply(before)
            return decided


def _person(room: Room, identity: str) -> Person | None:
    return next((person for person in room.people() if person.identity == identity), None)
