"""Starts captions by rule: by the names of rooms, by their metadata, or for all.

The media server's webhooks are hints, which may be lost or come twice: what is dispatched is the
truth. So all rooms are looked at when the service starts, and now and then. Each room is started
once; whoever stops its captions is obeyed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

import structlog

from captioner.api.routes import Refusal
from captioner.errors import RoomUnavailable
from captioner.room.signed import WebhookEvent
from captioner.worker.facts import Listed

log = structlog.get_logger()

LOOK_S = 30.0
"""So often all rooms are looked at, for what no webhook told of."""

OLD_S = 600
"""A webhook is tried again for minutes while its receiver is away; an older one is a replay."""

REMEMBERED_MAX = 10_000
"""Events that came, and rooms that were dealt with."""

METADATA_MAX = 600_000
AT_ONCE = 20
"""Rooms that are started at the same time."""


@dataclass(frozen=True, slots=True)
class StartRule:
    """Which rooms get captions by themselves. names: patterns such as ``class-*``; ``*`` for all.

    A room's metadata has the last word: JSON with ``"captions": true`` or ``false``.
    """

    names: tuple[str, ...] = ()

    def wants(self, room: str, metadata: str) -> bool:
        """Whether this room gets captions by itself."""
        said = _captions(metadata)
        return any(fnmatchcase(room, name) for name in self.names) if said is None else said


def _captions(metadata: str) -> bool | None:
    try:
        said = json.loads(metadata) if 0 < len(metadata) <= METADATA_MAX else None
    except (ValueError, RecursionError):
        return None
    captions = said.get("captions") if isinstance(said, dict) else None
    return captions if isinstance(captions, bool) else None


class Replays:
    """Webhooks that have come. Pure."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()

    def must_be_new(self, event: WebhookEvent, now_s: float) -> None:
        """Raises Refusal (409) if it came before, or is old."""
        if abs(now_s - event.created_s) > OLD_S or not event.id or event.id in self._seen:
            raise Refusal(409, "this event came before, or is old")

    def keep(self, event: WebhookEvent) -> None:
        """It was dealt with: it is a replay from now on."""
        self._seen[event.id] = None
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)


class Starter:
    """Starts rooms by a rule. start: dispatches captions to a room, once; rooms: lists all.

    Both raise RoomUnavailable.
    """

    def __init__(
        self,
        rule: StartRule,
        *,
        start: Callable[[str], Awaitable[bool]],
        rooms: Callable[[], Awaitable[Iterable[Listed]]],
    ) -> None:
        self._rule = rule
        self._start, self._rooms = start, rooms
        self._done: OrderedDict[str, None] = OrderedDict()  # sids
        self._soon = asyncio.Semaphore(AT_ONCE)

    async def heard(self, event: WebhookEvent) -> None:
        """Of a room. Raises RoomUnavailable."""
        if event.event in ("room_started", "participant_joined") and event.room:
            await self._consider(event.room, event.sid, event.metadata)

    async def run(self) -> None:
        """For ever: look at all rooms."""
        while True:
            with contextlib.suppress(RoomUnavailable):
                rooms = [self._quietly(room) for room in await self._rooms()]
                await asyncio.gather(*rooms)
            await asyncio.sleep(LOOK_S)

    async def _quietly(self, room: Listed) -> None:
        async with self._soon:
            with contextlib.suppress(RoomUnavailable):  # tried again at the next look
                await self._consider(room.name, room.sid, room.metadata)

    async def _consider(self, room: str, sid: str, metadata: str) -> None:
        if sid in self._done or not self._rule.wants(room, metadata):
            return
        self._done[sid] = None  # first: the next hint comes while this one is followed
        if len(self._done) > REMEMBERED_MAX:
            self._done.popitem(last=False)
        try:
            started = await self._start(room)
        except RoomUnavailable:
            self._done.pop(sid, None)
            raise
        if started:
            log.info("captions_started_by_rule")
