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
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

import structlog

from captioner import log as log_module
from captioner import metrics
from captioner.errors import RoomUnavailable
from captioner.worker import process_metrics
from captioner.worker.assignment import Assignment, is_captioned
from captioner.worker.facts import Facts, Listed, identity_of
from captioner.worker.fork_server import Forks
from captioner.worker.health import health
from captioner.worker.livekit_api import MediaServerApi
from captioner.worker.livekit_jobs import Job, Jobs, Reply
from captioner.worker.plan import WorkerPlan
from captioner.worker.reconcile import STARTING_MS, Reconciler, Verdict, has_claim, wish
from captioner.worker.slots import Slot, Slots

log = structlog.get_logger()

ROUND_S = 2.0
"""Between two looks at all rooms; and a second more for each 1,000 of them."""

DOUBT_S = 1.0
"""Until a bot that did not answer is asked again."""

CALLS_MAX = 60
"""At once."""


class Worker:
    """Registered with one LiveKit server for as long as ``run`` runs."""

    def __init__(self, plan: WorkerPlan, forks: Forks) -> None:
        """forks: starts the bots."""
        self._plan = plan
        self._id = uuid.uuid4().hex[:8]
        self._told = asyncio.Event()
        self._told_twice = asyncio.Event()
        self._changed = asyncio.Event()
        self._reconciler = Reconciler(plan.agent_name)
        self._api = MediaServerApi(plan.url, plan.key, plan.secret)
        self._jobs = Jobs(plan.url, plan.key, plan.secret, plan.agent_name, self)
        self._calls = asyncio.Semaphore(CALLS_MAX)
        self._claims: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._forks = forks
        self._slots = Slots(forks, plan, self._api, given=self._given, ended=self._left_by_itself)

    def stop(self) -> None:
        """Take no more rooms, let those that are go on for ``drain_s``. Again: end them now."""
        if self._told.is_set():
            self._told_twice.set()
        self._told.set()

    async def run(self) -> None:
        """Until ``stop``. A lost connection to the server is taken up again, however long.

        Raises ConfigurationError if a port is taken, CaptionerError if the parent is gone; the
        bots live on then.
        """
        plan = self._plan
        if plan.metrics_port is not None:
            metrics.serve(plan.metrics_port, host=plan.listen, texts=self._metrics)
        serving = health(plan.health_port, lambda: self._jobs.connected, host=plan.listen)
        async with serving, self._api:
            parent = asyncio.create_task(self._forks.run())
            work = asyncio.create_task(self._work())
            try:
                await asyncio.wait({parent, work}, return_when=asyncio.FIRST_COMPLETED)
                (parent if parent.done() else work).result()
            finally:
                await _cancelled([parent, work])

    def _metrics(self) -> dict[str, str]:
        """Its own and its bots', by process; called in another thread."""
        bots = process_metrics.ask(self._plan.metrics_folder, self._slots.processes)
        return {"worker": metrics.exposition().decode(), **bots}

    async def _work(self) -> None:
        self._slots.adopt()
        jobs = asyncio.create_task(self._jobs.run())
        rounds = asyncio.create_task(self._reconcile())
        told = asyncio.create_task(self._told.wait())
        try:
            await asyncio.wait({told, jobs, rounds}, return_when=asyncio.FIRST_COMPLETED)
            for failed in (task for task in (jobs, rounds) if task.done()):
                failed.result()
            await self._drain()
        finally:
            await _cancelled([told, jobs, rounds, *self._claims])

    # What the media server says of jobs.

    def offered(self, job: Job) -> str | Reply:
        """A room: taken if there is a slot, and remembered if there is none."""
        slot = self._slots.get(job.room)
        if (slot and not slot.leaving) or is_captioned(job.metadata):
            return Reply.HANDLED
        if self._told.is_set():
            return Reply.FULL
        if slot or not self._free:
            self._reconciler.wait(job.room)
            self._show_waiting()
            return Reply.FULL
        name = self._new_name()
        begun = Assignment.of(job.room, name, job.dispatch, job.given_ms, job.metadata)
        slot = self._take(begun)
        slot.job = job.id
        return name

    def assigned(self, job: Job) -> None:
        """The bot may begin."""
        if slot := self._slots.get(job.room):
            self._slots.begin(slot)

    def missed(self, job: Job) -> None:
        """The slot is free again."""
        if slot := self._slots.get(job.room):
            self._slots.give(slot)

    def ended(self, job: str) -> None:
        """Recalled; or the bot was cut off, and the room should have captions all the same."""
        for slot in self._slots:
            if slot.job == job:
                slot.job, slot.suspect = None, True
        self._changed.set()

    def registered(self) -> None:
        """With a server that may have forgotten what it gave."""
        log.info("worker_registered")
        for slot in self._slots:
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

    def _take(self, assignment: Assignment) -> Slot:
        self._reconciler.served(assignment.room)
        self._show_waiting()
        return self._slots.take(assignment)

    def _new_name(self) -> str:
        return identity_of(self._id, uuid.uuid4().hex[:8])

    def _given(self, slot: Slot) -> None:
        if slot.job:
            self._jobs.finish(slot.job)
        self._jobs.tell_load()
        self._changed.set()

    def _left_by_itself(self, room: str, failed: bool) -> None:
        self._reconciler.ended(room, time.monotonic(), failed=failed)

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
                self._slots.unseen()
            round_s = DOUBT_S if self._reconciler.doubts else ROUND_S + rooms / 1_000
            with contextlib.suppress(TimeoutError):
                # Not all workers at once.
                async with asyncio.timeout(round_s * random.uniform(0.75, 1.25)):
                    await self._changed.wait()

    async def _round(self) -> int:
        """Look at all rooms, and closely at some; how many there are."""
        listed: list[Listed] = []
        names = sorted(self._slots.rooms.union(self._reconciler.waiting))
        if self._free or names:
            # A worker without a free slot can do nothing for other rooms than these.
            listed = await self._api.rooms(None if self._free else names)
        now_s = time.monotonic()
        suspects = self._reconciler.next(listed, now_s, mine=self._slots.rooms)
        due = self._slots.due({room.name: room.people for room in listed}, now_s)
        await self._at_once([self._look(room) for room in suspects])
        await self._at_once([self._slots.look(slot) for slot in due])
        await self._at_once([self._api.say_waiting(room) for room in self._reconciler.tell()])
        self._show_waiting()
        return len(listed)

    async def _look(self, room: str) -> None:
        now_s = time.monotonic()
        facts = await self._api.look(room)
        if room in self._slots:
            return
        utc_ms = round(time.time() * 1000)
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
        log_module.bind(facts.name, key=self._plan.secret, job=asked.id)
        # Under the name of the dead bot, if the room has it yet: the server lets go of that one.
        # One that is about to leave lives, and gives the room to another.
        dead = [bot.identity for bot in facts.bots if not bot.answers]
        name = dead[0] if dead else self._new_name()
        mended = Assignment.of(facts.name, name, asked.id, asked.created_ms, asked.metadata)
        slot = self._take(mended)
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
                self._slots.give(slot)
        if ours:
            metrics.ROOMS_MENDED.inc()
            log.info("room_mended", bot=name)
            self._slots.begin(slot)

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
        before, self._waiting = self._waiting, len(self._reconciler.waiting)
        if self._waiting != before:
            log.info("rooms_waiting_for_a_recogniser", rooms=self._waiting)
        metrics.ROOMS_WAITING.set(self._waiting)

    # The end.

    async def _drain(self) -> None:
        log.info("worker_draining", rooms=len(self._slots))
        self._jobs.tell_load()
        handing = asyncio.create_task(self._slots.hand_over())
        left = asyncio.ensure_future(self._slots.all_left())
        again = asyncio.ensure_future(self._told_twice.wait())
        await asyncio.wait(
            {left, again}, timeout=self._plan.drain_s, return_when=asyncio.FIRST_COMPLETED
        )
        for task in (handing, left, again):
            task.cancel()
        await self._slots.end()


async def _cancelled(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
