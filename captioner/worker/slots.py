"""A worker's rooms: one bot each, started anew when something kills it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import structlog

from captioner import log as log_module
from captioner import metrics
from captioner.errors import RoomUnavailable, StateError
from captioner.worker.assignment import Assignment
from captioner.worker.bot_process import CLOSED_EARLY, REMOVED, BotProcess, Notes, is_crash
from captioner.worker.facts import Facts
from captioner.worker.fork_server import Forks
from captioner.worker.livekit_api import MediaServerApi
from captioner.worker.own_room import Own, OwnRoom, Said
from captioner.worker.plan import WorkerPlan
from captioner.worker.reconcile import wish
from streaming.backoff import Backoff

log = structlog.get_logger()

LOOK_S = 5.0
"""So often it is looked whether a room without a job was recalled: nobody would tell."""

HAND_S = 2.0
"""So often bots are told that they may leave: one that starts does not hear it."""

STOP_S = 15.0
"""How long a bot may take to leave when the worker ends."""


@dataclass(slots=True)
class Slot:
    """A room that this worker captions, or is about to. job: None where the server knows none.

    number: of the slot, for those who look from outside; no other has it now.
    """

    assignment: Assignment
    own: OwnRoom
    number: int
    job: str | None = None
    bot: BotProcess | None = None
    running: asyncio.Task[None] | None = None
    leaving: bool = False
    suspect: bool = False
    looked_s: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(limit_s=30.0))

    def stop(self) -> None:
        """Its bot says its last words, and is not started again."""
        self.leaving = True
        if self.bot:
            self.bot.stop()


class Slots:
    """By name of the room."""

    def __init__(
        self,
        forks: Forks,
        plan: WorkerPlan,
        api: MediaServerApi,
        *,
        given: Callable[[Slot], None],
        ended: Callable[[str, bool], None],
    ) -> None:
        """forks: starts the bots. given: a slot is free again. ended: of a room whose bot left
        by itself; whether it failed.
        """
        self._forks = forks
        self._plan = plan
        metrics.ROOMS_MOST.set(plan.rooms)
        self._api = api
        self._given, self._ended = given, ended
        self._notes: Notes | None = None
        self._slots: dict[str, Slot] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def __iter__(self) -> Iterator[Slot]:
        return iter(list(self._slots.values()))

    def __contains__(self, room: object) -> bool:
        return room in self._slots

    def get(self, room: str) -> Slot | None:
        """The room's slot."""
        return self._slots.get(room)

    @property
    def rooms(self) -> set[str]:
        """The rooms' names."""
        return set(self._slots)

    @property
    def processes(self) -> dict[str, int]:
        """The process of each bot, by a name that does not tell which room it is in."""
        return {f"bot-{slot.number}": slot.bot.pid for slot in self if slot.bot}

    def take(self, assignment: Assignment) -> Slot:
        """Keep a slot for the room; ``begin`` begins."""
        own = OwnRoom(
            assignment.dispatch, assignment.since_ms, assignment.identity, time.monotonic()
        )
        taken = {slot.number for slot in self}
        number = next(n for n in itertools.count() if n not in taken)
        slot = self._slots[assignment.room] = Slot(assignment, own, number)
        metrics.ROOMS.set(len(self._slots))
        return slot

    def give(self, slot: Slot) -> None:
        """The slot is free again."""
        del self._slots[slot.assignment.room]
        metrics.ROOMS.set(len(self._slots))
        self._given(slot)

    def begin(self, slot: Slot) -> None:
        """Caption the room."""
        slot.running = asyncio.create_task(self._caption(slot))

    def adopt(self) -> None:
        """The bots of workers of this machine that were killed are this one's from now on."""
        try:
            self._notes = Notes(self._plan.notes)
            adopted = self._notes.adopt()
        except (StateError, OSError) as exc:
            log.error("bots_not_noted", reason=str(exc))
            return
        for bot in adopted:
            if bot.assignment.room in self._slots:
                bot.stop()
                continue
            slot = self.take(bot.assignment)
            slot.bot = bot
            self.begin(slot)

    async def facts(self, slot: Slot) -> Facts:
        """The room, looked at closely. Raises RoomUnavailable."""
        room = slot.assignment.room
        facts = await self._api.people(room)
        return Facts(room, facts.people, facts.bots, await self._api.dispatches(room))

    def due(self, people: Mapping[str, int], now_s: float) -> list[Slot]:
        """The rooms to look at now. people: in each, by the list of rooms."""
        due = []
        for slot in self:
            alone = slot.own.peopled(people.get(slot.assignment.room, 0), now_s)
            late = slot.job is None and now_s - slot.looked_s >= LOOK_S
            if not slot.bot or slot.leaving:
                continue
            said = slot.bot.said
            if said is Said.WITH_OTHERS:
                slot.assignment = replace(slot.assignment, unheard_ms=round(time.time() * 1000))
            if alone or late or slot.suspect or said is Said.ALONE:
                slot.looked_s = now_s
                due.append(slot)
        return due

    def unseen(self) -> None:
        """Nobody knows who is there: no room counts as empty since before now."""
        for slot in self:
            slot.own.alone_since_s = time.monotonic()

    async def look(self, slot: Slot) -> None:
        """End its bot where the room does not need it, or has lost it. Raises RoomUnavailable."""
        self._bind(slot.assignment)
        facts = await self.facts(slot)
        said = slot.bot.said if slot.bot else Said.NOTHING
        verdict = slot.own.judge(facts, time.monotonic(), said)
        slot.suspect = slot.own.absent_since_s is not None
        if slot.bot is None or slot.leaving:
            return
        if verdict is Own.KEEP:
            if slot.own.has_lost_dispatch(facts, said):
                await self._dispatch_anew(slot, facts)
            return
        log.info("bot_ended_by_worker", bot=slot.assignment.identity, why=verdict.name.lower())
        if verdict is Own.ABSENT:
            slot.bot.kill()
        else:
            slot.stop()

    async def _dispatch_anew(self, slot: Slot, facts: Facts) -> None:
        """Say in the media server's list again that the room is to be captioned: other workers see
        it there should this machine die, and who wants no captions any more can delete it.
        """
        agent, before = self._plan.agent_name, slot.assignment
        asked = wish(facts.dispatches, agent)
        if asked is None:
            asked = await self._api.dispatch(before.room, agent, metadata=before.metadata())
            log.info("room_dispatched_anew", bot=before.identity)
        slot.assignment = replace(before, dispatch=asked.id, since_ms=asked.created_ms)
        slot.own.dispatch, slot.own.since_ms = asked.id, asked.created_ms
        if slot.bot:
            slot.bot.is_dispatched_by(slot.assignment)

    async def hand_over(self) -> None:
        """For ever: let bots leave that another worker's take over from. They caption meanwhile."""
        while True:
            for slot in self:
                if slot.bot:
                    slot.bot.hand_over()
            await asyncio.sleep(HAND_S)

    async def all_left(self) -> None:
        """Until no room is left."""
        while running := {slot.running for slot in self if slot.running}:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    async def end(self) -> None:
        """Every bot leaves now; one that does not is killed."""
        for slot in self:
            slot.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self.all_left()
        for bot in (slot.bot for slot in self if slot.bot):
            bot.kill()
        await self.all_left()
        if self._notes:
            self._notes.close()

    def _bind(self, assignment: Assignment) -> None:
        """Say in the lines of this task which room they are about."""
        log_module.bind(assignment.room, key=self._plan.secret, job=assignment.dispatch)

    async def _caption(self, slot: Slot) -> None:
        """Until the room needs no bot of ours any more."""
        identity = slot.assignment.identity
        self._bind(slot.assignment)
        if slot.bot:
            log.info("bot_adopted", bot=identity)
        try:
            while not slot.leaving:
                if slot.bot is None:
                    log.info("bot_started", bot=identity)
                    slot.own.begun(time.monotonic())
                    try:
                        slot.bot = await BotProcess.start(slot.assignment, self._forks, self._notes)
                    except OSError as exc:
                        log.error("bot_not_started", reason=exc.strerror)
                        self._ended(slot.assignment.room, True)
                        return
                if slot.leaving:
                    slot.bot.stop()
                code = await slot.bot.wait()
                slot.bot = None
                log.info("bot_ended", bot=identity, code=code)
                if not await self._again(slot, code):
                    return
        finally:
            self.give(slot)

    async def _again(self, slot: Slot, code: int | None) -> bool:
        """Whether the bot that ended is to be started anew."""
        room = slot.assignment.room
        if slot.leaving:
            return False
        if not is_crash(code):
            if code == REMOVED:  # a moderator's word: it recalls the dispatch too
                await self._api.delete(room, slot.assignment.dispatch)
            self._ended(room, code != 0)
            return False
        metrics.BOTS_KILLED.inc()
        await asyncio.sleep(slot.backoff.next_s())
        if code == CLOSED_EARLY:
            # A media server that was restarted closes an old room at once if its bot is back
            # before the people, and forgets what was dispatched to it.
            return True
        try:
            if not await self._api.rooms([room]):
                return False
            facts = await self.facts(slot)
        except RoomUnavailable:
            return True  # it waits for the media server itself
        others = [bot for bot in facts.bots if bot.identity != slot.assignment.identity]
        return slot.own.judge(facts, time.monotonic()) is not Own.RECALLED and not others
