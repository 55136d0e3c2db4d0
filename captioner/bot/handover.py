"""A bot that is about to leave lets another one take over, which goes on where it ends.

The leaving bot says that it looks for a successor (its attribute ``captions.successor``). Another
bot joins, hears all that it hears, and asks it to end. Each speaker is left in a pause of theirs;
what was said until then is the leaving bot's, and the rest, which the successor has kept, is its
own: no word is said by both, and none by neither. Where nobody pauses for HAND_S, what is cut is
declared as a gap.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from captioner import metrics
from captioner.bot.rivals import leaving_bot
from captioner.bot.service import CaptionService
from captioner.contract import VERSION, GapReason, encode
from captioner.contract_attributes import ANY
from captioner.contract_requests import HANDOVER, Step, decode_handover
from captioner.errors import InvalidRequest, RequestCode, RoomUnavailable
from captioner.publishing.publisher import Publisher
from captioner.room.protocol import Kind, Left, Person, Room, Voice
from captioner.tracks.track_set import TrackSet

log = structlog.get_logger()

HAND_S = 12.0
"""How long it waits for everybody to pause."""

PAUSE_MS, SHORT_PAUSE_MS = 240, 160
SHORT_AFTER_S = 8.0
"""From then on shorter pauses will do."""

CUT_MS = 300
"""A word that is cut may have been said so long before and after."""

LOOK_S = 0.04
DRAIN_S = 5.0
TAKEN_S = 5.0
"""How long the successor may take to begin, before the other one leaves in any case."""

KNOWN_S = 5.0
"""How long it may take until it is known who asks: newcomers are told of every 3 s."""

HEARS_S = 3.0
"""How long it may take until the successor hears what the other one does."""

ANSWER_S = HAND_S + DRAIN_S + 8.0
LATE_MS = 500
HEARS_MAX = 200
"""Tracks that are named; of more the successor hears a part late, and says so."""


class Handover:
    """The side of the bot that leaves.

    close: ends what writes on disks. leave: lets the bot go.
    """

    def __init__(
        self,
        publisher: Publisher,
        service: CaptionService,
        tracks: TrackSet,
        *,
        close: Callable[[], Awaitable[None]],
        leave: Callable[[], None],
    ) -> None:
        self._publisher, self._service, self._tracks = publisher, service, tracks
        self._close, self._leave = close, leave
        self._room: Room | None = None
        self._ending: asyncio.Task[dict[str, Any]] | None = None
        self._going: asyncio.Task[None] | None = None
        self._taken = asyncio.Event()

    @property
    def has_ended(self) -> bool:
        """Whether nothing can be decided here any more."""
        return self._going is not None

    @property
    def ends(self) -> bool:
        """Whether nobody is heard anew."""
        return self._ending is not None

    def open(self, room: Room) -> None:
        """Answer in this room from now on."""
        self._room = room
        room.answer(HANDOVER, self._answer)

    async def offer(self) -> None:
        """Look for a successor from now on."""
        if not self._service.successor:
            self._service.successor = ANY
            log.info("successor_wanted")
            await self._service.review()

    async def _answer(self, caller: str, payload: str) -> str:
        step, asked_ms = decode_handover(payload), self._publisher.clock.now_ms()
        if self._service.successor not in (ANY, caller) or not await self._is_agent(caller):
            raise InvalidRequest(
                "this bot gives its room to nobody, or to another one",
                code=RequestCode.NOT_ALLOWED,
            )
        facts: dict[str, Any] = {}
        match step:
            case Step.LOOK:
                facts = {"origin_utc_ms": self._publisher.clock.origin_utc_ms,
                         "hears": self._tracks.tracks[:HEARS_MAX]}  # fmt: skip
            case Step.TAKE:
                self._service.successor = caller
                if self._ending is None:
                    self._ending = asyncio.create_task(self._end())
                facts = await asyncio.shield(self._ending)
            case Step.TAKEN:
                self._taken.set()
        now_ms = self._publisher.clock.now_ms()
        times = {"asked_ms": asked_ms, "now_ms": now_ms}
        return encode({"v": VERSION, **times, **facts}).decode()

    async def _is_agent(self, identity: str) -> bool:
        """The media server may tell of newcomers after it brings their requests."""
        assert self._room is not None
        until = time.monotonic() + KNOWN_S
        while time.monotonic() < until:
            for person in self._room.people():
                if person.identity == identity:
                    return person.kind is Kind.AGENT
            await asyncio.sleep(LOOK_S)
        return False

    async def _end(self) -> dict[str, Any]:
        """Come to an end with each speaker, then with all; gives until when which was heard."""
        await self._service.review()
        cuts: dict[str, int] = {}
        began = time.monotonic()
        while speakers := self._tracks.hearing:
            waited_s = time.monotonic() - began
            for speaker in speakers:
                if found := await self._cut(speaker, waited_s):
                    cuts |= found
                    self._service.give_up(speaker)
            await asyncio.sleep(LOOK_S)
        self._service.give_up()
        at_ms = self._publisher.clock.now_ms()
        await self._tracks.drain(within_s=DRAIN_S)
        self._going = asyncio.create_task(self._go())
        await self._close()
        metrics.HANDOVERS.inc()
        log.info("handed_over", seconds=round(time.monotonic() - began, 1))
        return {"cuts": cuts, "at_ms": at_ms}

    async def _cut(self, speaker: str, waited_s: float) -> dict[str, int] | None:
        """By track, until when this speaker was heard; None: they are saying something."""
        least_ms = PAUSE_MS if waited_s < SHORT_AFTER_S else SHORT_PAUSE_MS
        found = self._tracks.pauses(speaker, least_ms=least_ms)
        if found is not None or waited_s < HAND_S:
            return found
        found = self._tracks.pauses(speaker, least_ms=0) or {}
        for at_ms in found.values():
            await self._publisher.declare_gap(at_ms - CUT_MS, at_ms + CUT_MS, GapReason.UNFINISHED)
        return found

    async def _go(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TAKEN_S):
                await self._taken.wait()
        self._leave()


@dataclass(slots=True)
class Succession:
    """The side of the bot that goes on. of: the bot that leaves. voices: what it hears meanwhile.

    cuts: by track, the room time from which on it is the successor's; at_ms: for all others.
    """

    room: Room
    of: Person
    voices: list[Voice] = field(default_factory=list)
    cuts: Mapping[str, int] = field(default_factory=dict)
    at_ms: int = 0
    _version: int = VERSION

    async def take(self, publisher: Publisher) -> bool:
        """Hear what the other one hears, and let it end; False if it does not."""
        asked = time.monotonic()
        looked = await self._look()
        if looked is None:
            return False
        # The other one may have taken its time, which is no part of the way there and back.
        took_ms = int(looked["now_ms"]) - int(looked["asked_ms"])
        way_ms = (time.monotonic() - asked) * 1000 - took_ms
        now_ms = int(looked["now_ms"]) + round(way_ms / 2)
        publisher.clock = publisher.clock.joined(int(looked["origin_utc_ms"]), now_ms)
        hearing = asyncio.create_task(self._hear())
        try:
            await self._until_heard(frozenset(map(str, looked["hears"])), hearing)
            taken = await self._ask(Step.TAKE)
        finally:
            hearing.cancel()
            await asyncio.wait({hearing})
        if not hearing.cancelled():
            hearing.result()
        if taken is not None:
            self.cuts = {str(track): int(at_ms) for track, at_ms in taken["cuts"].items()}
            self.at_ms = int(taken["at_ms"])
        return taken is not None

    async def begin(self, begin: Callable[[Voice], None], publisher: Publisher) -> None:
        """Go on with each voice where the other one has ended; it may leave then."""
        for voice in self.voices:
            since_ms = self.cuts.get(voice.track, self.at_ms)
            heard_ms = voice.frames.begin_at(since_ms)
            if heard_ms - since_ms > LATE_MS and voice.track in self.cuts:
                await publisher.declare_gap(since_ms, heard_ms, GapReason.BOT_RESTARTED)
            begin(voice)
        self.voices = []
        await self._ask(Step.TAKEN)

    @property
    def since_ms(self) -> int:
        """The room time at which the first of its words may begin."""
        return min([*self.cuts.values(), self.at_ms])

    async def _look(self) -> dict[str, Any] | None:
        """Ask in our version, else in the one before: the other bot may be older."""
        for version in range(VERSION, max(VERSION - 2, 0), -1):
            self._version = version
            if looked := await self._ask(Step.LOOK):
                return looked
        return None

    async def _ask(self, step: Step) -> dict[str, Any] | None:
        payload = json.dumps({"v": self._version, "step": step})
        answer = await self.room.call(self.of.identity, HANDOVER, payload, within_s=ANSWER_S)
        said = json.loads(answer) if answer else None
        return said if isinstance(said, dict) else None

    async def _hear(self) -> None:
        async for event in self.room.events():
            match event:
                case Voice():
                    self.voices.append(event)
                case Left():
                    raise RoomUnavailable("the room was left as it was taken over")

    async def _until_heard(self, tracks: frozenset[str], hearing: asyncio.Task[None]) -> None:
        speakers = {p.identity for p in self.room.people() if tracks.intersection(p.tracks)}
        self.room.hear(speakers.__contains__)
        with suppress(TimeoutError):  # whoever is heard late is told as a gap
            async with asyncio.timeout(HEARS_S):
                while not tracks <= {voice.track for voice in self.voices}:
                    if hearing.done():
                        hearing.result()
                    await asyncio.sleep(LOOK_S)


async def succeed(room: Room, publisher: Publisher) -> Succession | None:
    """Go on where a bot ends that is about to leave, if there is one."""
    bot = leaving_bot(room)
    if bot is None:
        return None
    succession = Succession(room, bot)
    return succession if await succession.take(publisher) else None
