"""A worker: takes rooms from a LiveKit server as they are dispatched, a bot's process each, and
sees to it that every room that should have captions has them, whatever became of its bot.

A bot is the same as ``captioner run``'s: one that crashes takes no other room down.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from captioner import metrics
from captioner.errors import RoomUnavailable, StateError
from captioner.worker.bot_process import (
    REMOVED,
    Assignment,
    BotProcess,
    Notes,
    is_crash,
    recording_of,
)
from captioner.worker.livekit_api import MediaServerApi
from captioner.worker.livekit_jobs import Job, Jobs, Reply
from captioner.worker.reconcile import (
    STARTING_MS,
    Facts,
    Listed,
    Own,
    OwnRoom,
    Reconciler,
    Verdict,
    has_claim,
    wish,
)
from streaming.backoff import Backoff

log = structlog.get_logger()

AGENT_NAME = "multi-user-transcriber"
"""What La Suite Meet asks for."""

ROUND_S = 2.0
"""Between two looks at all rooms; and a second more for each 1,000 of them."""

DOUBT_S = 1.0
"""Until a bot that did not answer is asked again."""

OWN_LOOK_S = 5.0
"""So often it is looked whether a room without a job was recalled: nobody would tell."""

STOP_S = 15.0
"""How long a bot may take to leave when the worker ends."""

CALLS_MAX = 20
"""At once."""


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker does. rooms: at once. drain_s: so long meetings may go on after SIGTERM.

    environment: of the bots. notes: the folder for those of all workers of this machine.
    health_port: None for none.
    """

    url: str
    key: str
    secret: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    notes: Path
    agent_name: str = AGENT_NAME
    rooms: int = 4
    drain_s: int = 3_600
    health_port: int | None = None


@dataclass(slots=True)
class _Slot:
    """A room that this worker captions, or is about to. job: None where the server knows none."""

    assignment: Assignment
    own: OwnRoom
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


class Worker:
    """Registered with one LiveKit server for as long as ``run`` runs."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._id = uuid.uuid4().hex[:8]
        self._told = asyncio.Event()
        self._told_twice = asyncio.Event()
        self._changed = asyncio.Event()
        self._slots: dict[str, _Slot] = {}
        self._reconciler = Reconciler(plan.agent_name)
        self._api = MediaServerApi(plan.url, plan.key, plan.secret)
        self._jobs = Jobs(plan.url, plan.key, plan.secret, plan.agent_name, self)
        self._calls = asyncio.Semaphore(CALLS_MAX)
        self._claims: set[asyncio.Task[None]] = set()
        self._notes: Notes | None = None
        # In the environment: everybody on the machine can read a command line.
        self._environment = dict(plan.environment) | {
            "LIVEKIT_URL": plan.url,
            "LIVEKIT_API_KEY": plan.key,
            "LIVEKIT_API_SECRET": plan.secret,
        }

    @property
    def connected(self) -> bool:
        """Whether the media server can give it rooms."""
        return self._jobs.connected

    def stop(self) -> None:
        """Take no more rooms, let those that are go on for ``drain_s``. Again: end them now."""
        if self._told.is_set():
            self._told_twice.set()
        self._told.set()

    async def run(self) -> None:
        """Until ``stop``. A lost connection to the server is taken up again, however long."""
        self._adopt()
        async with self._api:
            working = [
                asyncio.create_task(self._jobs.run()),
                asyncio.create_task(self._reconcile()),
            ]
            told = asyncio.create_task(self._told.wait())
            try:
                await asyncio.wait({told, *working}, return_when=asyncio.FIRST_COMPLETED)
                for failed in (task for task in working if task.done()):
                    failed.result()
                await self._drain()
            finally:
                ending: set[asyncio.Task[object]] = {told, *working, *self._claims}
                for task in ending:
                    task.cancel()
                await asyncio.wait(ending)
        if self._notes:
            self._notes.close()

    # What the media server says of jobs.

    def offered(self, job: Job) -> str | Reply:
        """A room: taken if there is a slot, and remembered if there is none."""
        slot = self._slots.get(job.room)
        if slot and not slot.leaving:
            return Reply.HANDLED
        if self._told.is_set():
            return Reply.FULL
        if slot or not self._free:
            self._reconciler.wait(job.room)
            self._show_waiting()
            return Reply.FULL
        name = f"captions-{uuid.uuid4().hex[:8]}"
        recording = recording_of(job.metadata)
        slot = self._take(Assignment(job.room, name, job.dispatch, job.given_ms, recording))
        slot.job = job.id
        return name

    def assigned(self, job: Job) -> None:
        """The bot may begin."""
        self._begin(self._slots[job.room])

    def missed(self, job: Job) -> None:
        """The slot is free again."""
        self._give(self._slots[job.room])

    def ended(self, job: str) -> None:
        """Recalled; or the bot was cut off, and the room should have captions all the same."""
        for slot in self._slots.values():
            if slot.job == job:
                slot.job, slot.suspect = None, True
        self._changed.set()

    def registered(self) -> None:
        """With a server that may have forgotten what it gave."""
        log.info("worker_registered")
        for slot in self._slots.values():
            slot.job, slot.suspect = None, True
        self._changed.set()

    def load(self) -> tuple[float, int, bool]:
        """How busy it is."""
        taken = len(self._slots)
        return min(taken / self._plan.rooms, 1.0), taken, not self._told.is_set()

    # Slots.

    @property
    def _free(self) -> int:
        return 0 if self._told.is_set() else max(self._plan.rooms - len(self._slots), 0)

    def _take(self, assignment: Assignment) -> _Slot:
        now_s = time.monotonic()
        own = OwnRoom(assignment.dispatch, assignment.since_ms, assignment.identity, now_s)
        slot = self._slots[assignment.room] = _Slot(assignment, own)
        self._reconciler.served(assignment.room)
        metrics.ROOMS.set(len(self._slots))
        return slot

    def _give(self, slot: _Slot) -> None:
        del self._slots[slot.assignment.room]
        metrics.ROOMS.set(len(self._slots))
        if slot.job:
            self._jobs.finish(slot.job)
        self._jobs.tell_load()
        self._changed.set()

    def _begin(self, slot: _Slot) -> None:
        slot.running = asyncio.create_task(self._caption(slot))

    def _adopt(self) -> None:
        """The bots of workers of this machine that were killed."""
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
            slot = self._take(bot.assignment)
            slot.bot = bot
            log.info("bot_adopted", bot=bot.assignment.identity)
            self._begin(slot)

    # A bot.

    async def _caption(self, slot: _Slot) -> None:
        """Until the room needs no bot of ours any more; one that was killed is started anew."""
        identity = slot.assignment.identity
        try:
            while not slot.leaving:
                if slot.bot is None:
                    log.info("bot_started", bot=identity)
                    slot.bot = await BotProcess.start(
                        slot.assignment, self._environment, self._notes
                    )
                if slot.leaving:
                    slot.bot.stop()
                code = await slot.bot.wait()
                slot.bot = None
                log.info("bot_ended", bot=identity, code=code)
                if not await self._again(slot, code):
                    return
        finally:
            self._give(slot)

    async def _again(self, slot: _Slot, code: int | None) -> bool:
        """Whether the bot that ended is to be started anew."""
        room = slot.assignment.room
        if slot.leaving:
            return False
        if not is_crash(code):
            if code == REMOVED:  # a moderator's word: it recalls the dispatch too
                await self._api.delete(room, slot.assignment.dispatch)
            self._reconciler.ended(room, time.monotonic(), failed=code != 0)
            return False
        metrics.BOTS_KILLED.inc()
        await asyncio.sleep(slot.backoff.next_s())
        try:
            if not await self._api.rooms([room]):
                return False
            facts = await self._own_facts(slot)
        except RoomUnavailable:
            return True  # it waits for the media server itself
        others = [bot for bot in facts.bots if bot.identity != slot.assignment.identity]
        return slot.own.judge(facts, time.monotonic()) is not Own.RECALLED and not others

    # What should be and what is.

    async def _reconcile(self) -> None:
        reachable = True
        while True:
            self._changed.clear()
            rooms = 0
            try:
                rooms = await self._round()
                reachable = True
            except RoomUnavailable as exc:
                if reachable:
                    log.warning("rooms_not_listed", reason=str(exc))
                reachable = False
            round_s = DOUBT_S if self._reconciler.doubts else ROUND_S + rooms / 1_000
            wait_s = round_s * random.uniform(0.75, 1.25)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()

    async def _round(self) -> int:
        """Look at all rooms, and closely at some; how many there are."""
        listed: list[Listed] = []
        names = sorted({*self._slots, *self._reconciler.waiting})
        if self._free or names:
            # A worker without a free slot can do nothing for other rooms than these.
            listed = await self._api.rooms(None if self._free else names)
        now_s = time.monotonic()
        suspects = self._reconciler.next(listed, now_s, mine=self._slots)
        mine = self._due({room.name: room.people for room in listed}, now_s)
        await self._at_once([self._look(room) for room in suspects])
        await self._at_once([self._look_at_own(slot) for slot in mine])
        self._show_waiting()
        return len(listed)

    def _due(self, people: Mapping[str, int], now_s: float) -> list[_Slot]:
        """The rooms of ours that are to be looked at."""
        due = []
        for room, slot in self._slots.items():
            alone = slot.own.peopled(people.get(room, 0), now_s)
            late = slot.job is None and now_s - slot.looked_s >= OWN_LOOK_S
            if slot.bot and not slot.leaving and (alone or late or slot.suspect):
                slot.looked_s = now_s
                due.append(slot)
        return due

    async def _look_at_own(self, slot: _Slot) -> None:
        slot.suspect = False
        facts = await self._own_facts(slot)
        verdict = slot.own.judge(facts, time.monotonic())
        slot.suspect = slot.own.absent_since_s is not None
        if slot.bot is None or slot.leaving or verdict is Own.KEEP:
            return
        log.info("bot_not_needed" if verdict is not Own.ABSENT else "bot_absent",
                 bot=slot.assignment.identity, why=verdict.name.lower())  # fmt: skip
        if verdict is Own.ABSENT:
            slot.bot.kill()
        else:
            slot.stop()

    async def _own_facts(self, slot: _Slot) -> Facts:
        room = slot.assignment.room
        facts = await self._api.people(room)
        return Facts(room, facts.people, facts.bots, await self._api.dispatches(room))

    async def _look(self, room: str) -> None:
        now_s = time.monotonic()
        facts = await self._api.look(room)
        utc_ms = round(time.time() * 1000)
        if room in self._slots:
            return
        if self._reconciler.judge(facts, now_s, utc_ms) is not Verdict.MISSING:
            return
        if self._free:
            await self._mend(facts)
        else:
            self._reconciler.wait(room)

    async def _mend(self, facts: Facts) -> None:
        """Caption a room that should have captions, if no other worker is about to."""
        asked = wish(facts.dispatches, self._plan.agent_name)
        assert asked is not None
        # Under the name of the dead bot, if the room has it yet: the server lets go of that one.
        names = [bot.identity for bot in facts.bots] or [f"captions-{uuid.uuid4().hex[:8]}"]
        recording = recording_of(asked.metadata)
        slot = self._take(
            Assignment(facts.name, names[0], asked.id, asked.created_ms, recording)
        )  # fmt: skip
        ours = False
        try:
            claim = await self._api.claim(facts.name, self._id)
            ours = has_claim(await self._api.dispatches(facts.name), self._id, claim)
            wait_s = STARTING_MS / 1000 if ours else 0.0
            unclaiming = asyncio.create_task(self._unclaim(facts.name, claim.id, wait_s))
            self._claims.add(unclaiming)
            unclaiming.add_done_callback(self._claims.discard)
        finally:
            if not ours:
                self._give(slot)
        if ours:
            metrics.ROOMS_MENDED.inc()
            log.info("room_mended", bot=names[0])
            self._begin(slot)

    async def _unclaim(self, room: str, claim: str, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await self._api.delete(room, claim)

    async def _at_once(self, work: Iterable[Awaitable[None]]) -> None:
        """Bounded; what the media server refuses is tried again in the next round."""

        async def one(call: Awaitable[None]) -> None:
            async with self._calls:
                with contextlib.suppress(RoomUnavailable):
                    await call

        await asyncio.gather(*(one(call) for call in work))

    def _show_waiting(self) -> None:
        metrics.ROOMS_WAITING.set(len(self._reconciler.waiting))

    # The end.

    async def _drain(self) -> None:
        log.info("worker_draining", rooms=len(self._slots))
        self._jobs.tell_load()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._plan.drain_s):
                await self._all_left(self._told_twice)
        for slot in self._slots.values():
            slot.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._all_left()
        for slot in self._slots.values():
            if slot.bot:
                slot.bot.kill()
        await self._all_left()

    async def _all_left(self, unless: asyncio.Event | None = None) -> None:
        """Until no room is left, or until ``unless``."""
        ends = asyncio.create_task(unless.wait()) if unless else None
        try:
            while self._slots and not (ends and ends.done()):
                running = {slot.running for slot in self._slots.values() if slot.running}
                if not running:
                    await asyncio.sleep(0.1)
                    continue
                waiting: set[asyncio.Task[object]] = {*running, *([ends] if ends else [])}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if ends:
                ends.cancel()
