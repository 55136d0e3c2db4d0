"""The HTTP service without HTTP: who may ask for what, how often, and what is answered."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import structlog

from captioner import log as log_module
from captioner.api.actions import Actions
from captioner.api.routes import (
    CALM_S,
    Match,
    Refusal,
    Route,
    action_of,
    as_json,
    problem,
    refusal_of,
)
from captioner.api.starting import Replays, Starter
from captioner.controls.rate_limit import RateLimit
from captioner.errors import InvalidRequest, NotAllowed, RoomUnavailable
from captioner.room.signed import admin_of, check, webhook_event

log = structlog.get_logger()

PER_S, BURST = 10.0, 40
"""Requests about one room, and refused ones from one address."""

AT_ONCE = 200
"""Requests that are dealt with at the same time; others are told to come back."""

AT_ONCE_IN_ROOM = 20
"""Of these, about one room: who administers a few, and is slow, leaves places for others."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. token: "" for none. body: reads it, or raises Refusal. address: of who asks."""

    token: str
    body: Callable[[], Awaitable[bytes]]
    address: str
    match: Match = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Service:
    """Of one process."""

    def __init__(
        self,
        actions: Actions,
        starter: Starter,
        *,
        key: str,
        secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._actions, self._starter = actions, starter
        self._key, self._secret = key, secret
        self._clock = clock
        self._replays = Replays()
        self._by_room = RateLimit(per_s=PER_S, burst=BURST)
        self._by_address = RateLimit(per_s=PER_S, burst=BURST)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._taken: Counter[str] = Counter()  # by room

    async def answer(self, route: Route, asked: Asked) -> Answer:
        """Answer a request."""
        try:
            self._allow(asked)
            async with self._place(asked.match["room"]):
                body = await asked.body() if route.body else b""
                action = action_of(route, asked.match, body)
                log_module.bind(action.room, key=self._secret)
                done = await self._actions.do(action)
        except Refusal as refusal:
            return refused(refusal)
        log.info("asked_for", what=type(action).__name__.lower())
        if done.text is not None:
            headers = {"Content-Disposition": _attached(asked.match["file"])}
            return Answer(route.status, done.text.encode(), "text/vtt", headers)
        return Answer(route.status, b"" if done.value is None else as_json(done.value))

    async def webhook(self, asked: Asked) -> Answer:
        """Take what the media server tells."""
        try:
            try:
                check(asked.token, key=self._key, secret=self._secret)
                async with self._place():
                    await self._hear(asked.token, await asked.body())
            except NotAllowed as exc:
                raise self._stranger(asked, str(exc)) from exc
            except InvalidRequest as exc:
                raise refusal_of(exc) from exc
        except Refusal as refusal:
            return refused(refusal)
        except RoomUnavailable as exc:  # the media server sends it again
            return refused(Refusal(503, str(exc), retry_s=CALM_S))
        return Answer(204)

    async def _hear(self, token: str, body: bytes) -> None:
        event = webhook_event(body, token, key=self._key, secret=self._secret)
        self._replays.must_be_new(event, self._clock())
        log_module.bind(event.room, key=self._secret)
        await self._starter.heard(event)
        self._replays.keep(event)

    @contextlib.asynccontextmanager
    async def _place(self, room: str = "") -> AsyncIterator[None]:
        """For who may ask: slow strangers take none. Raises Refusal."""
        if room and self._taken[room] >= AT_ONCE_IN_ROOM:
            raise Refusal(429, "too many requests about this room at once", retry_s=1)
        if self._places.locked():
            raise Refusal(503, "too many requests at once", retry_s=1)
        async with self._places:
            self._taken[room] += 1
            try:
                yield
            finally:
                self._taken[room] -= 1
                if not self._taken[room]:
                    del self._taken[room]

    def _allow(self, asked: Asked) -> None:
        """Raises Refusal."""
        if not asked.token:
            raise self._stranger(asked, "name a token: Authorization: Bearer …")
        try:
            room = admin_of(asked.token, key=self._key, secret=self._secret)
        except NotAllowed as exc:
            raise self._stranger(asked, str(exc)) from exc
        if not room or room != asked.match["room"]:
            self._take(self._by_address, asked.address)
            raise Refusal(403, "the token must have roomAdmin of this room, and names another")
        self._take(self._by_room, room)

    def _stranger(self, asked: Asked, why: str) -> Refusal:
        self._take(self._by_address, asked.address)
        return Refusal(401, why)

    def _take(self, limit: RateLimit, who: str) -> None:
        try:
            limit.take(who, self._clock())
        except InvalidRequest as exc:
            raise refusal_of(exc) from exc


def _attached(file: str) -> str:
    """For those who know RFC 6266, and others."""
    plain = re.sub(r"[^\w .()-]", "_", file, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file, safe='')}"


def refused(refusal: Refusal) -> Answer:
    """The answer of a refusal."""
    headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}
    if refusal.retry_s is not None:
        headers["Retry-After"] = str(refusal.retry_s)
    body = as_json(problem(refusal))
    return Answer(refusal.status, body, "application/problem+json", headers)
