"""The one writer of what a meeting has decided: in memory, and in the store.

What protects people takes effect in memory at once, is stored next, and whoever asked is told
whether it is. What exposes them is stored first. The store works in a thread of its own: while it
is slow, full or silent, captions go on, what protects holds in memory, and what exposes is
refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import structlog

from captioner.controls.controls import Controls
from captioner.controls.decisions import Decided, Decision, Known, Wish
from captioner.controls.state_store import StateStore, Stored
from captioner.controls.store_thread import StoreThread
from captioner.errors import InvalidRequest, RequestCode, StateDamaged, StateError
from captioner.publishing.room_clock import SignOfLife
from captioner.room.names import Numbers

log = structlog.get_logger()

STORE_S = 2.0
"""How long the store may take; after that it counts as silent until it answers."""

RETRY_S = 2.0
"""How often the store is tried again with what it does not have."""

T = TypeVar("T")

Prepare = Callable[[Decided], Awaitable[Callable[[], None]]]
"""Does whatever may fail of a decision before it is stored, and gives what is left to be done once
it is decided. Raises InvalidRequest."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A wish that is to be stored; a higher number came later."""

    wish: Wish
    number: int
    stored: asyncio.Future[bool]


class DecisionWriter:
    """One bot's. Belongs to the event loop, in which ``run`` runs for ever.

    apply: told of each decision as it takes effect; must not wait. follow: awaited after that.
    """

    def __init__(
        self,
        controls: Controls,
        store: StateStore,
        *,
        prepare: Prepare,
        apply: Callable[[Decision], None],
        follow: Callable[[Decision], Coroutine[Any, Any, None]],
    ) -> None:
        self._controls = controls
        self._store = StoreThread(store)
        self._prepare, self._apply, self._follow = prepare, apply, follow
        self._room, self._session, self._origin_utc_ms = "", "", 0
        self._read = False  # whether it is known what the store had of the room
        self._stored: Decided | None = None  # what it has now; None: not known
        self._failing = False
        self._stuck: asyncio.Future[Any] | None = None
        self._numbers = itertools.count(1)
        self._newest: dict[str, int] = {}  # part → number of the last wish about it
        self._waiting: list[_Asked] = []
        self._more = asyncio.Event()
        self._living: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something to its end, whatever becomes of who asked for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    async def open(self, room: str) -> tuple[bool, Stored | None]:
        """Claim a room: whether no other bot of the store has it, and what is stored of it."""
        self._room = room
        try:
            alone, stored = await self._load()
        except StateError as exc:
            log.error("state_not_read", reason=str(exc))
            self.know(Known.LOST)
            return False, None
        self.know(stored.decided.known if stored else Known.PERHAPS)
        return alone, stored

    def take_up(self, decided: Decided) -> None:
        """Go on with what was decided before this bot came."""
        self._controls.decided = decided
        self._controls.goes_on = True

    def know(self, known: Known) -> None:
        """Whether it is known what was decided before this bot came."""
        if decision := self._decide("", replace(self._controls.decided, known=known)):
            self.own(self._follow(decision))

    def number(self, numbers: Numbers) -> None:
        """Remember what tells people of one name apart."""
        if numbers != self._controls.decided.numbers:
            self._controls.decided = replace(self._controls.decided, numbers=numbers)
            self._more.set()

    def keep(self, room: str, *, session: str, origin_utc_ms: int) -> None:
        """From now on store what is decided under this room."""
        left, self._room = self._room, room
        if left != room:
            self._store.submit(lambda store: store.release(left))
        self._session, self._origin_utc_ms = session, origin_utc_ms
        self._stored = None
        self._more.set()

    def decide(self, wish: Wish) -> asyncio.Task[bool]:
        """Fulfil a wish: at once what of it protects, the rest when it is stored.

        The task gives whether all of it is stored, and goes on if nobody waits for it. It raises
        InvalidRequest if what exposes somebody cannot be done.
        """
        number = next(self._numbers)
        self._newest |= dict.fromkeys(wish.parts, number)
        protection = self._decide(wish.caller, self._controls.protected(wish))
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        return self.own(self._fulfil(_Asked(wish, number, stored), protection))

    def live(self, alive: SignOfLife) -> None:
        """Give a sign of life."""
        if self._living is None or self._living.done():
            self._living = self.own(self._live(alive))

    async def run(self) -> None:
        """For ever: bring to the store what it does not have."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._more.wait()
            self._more.clear()
            asked, self._waiting = self._waiting, []
            if self._session and (asked or self._stored != self._controls.decided):
                await self._bring(asked)

    async def close(self) -> None:
        """Let what is under way end, within reason, and let go of the room."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STORE_S)
        with contextlib.suppress(StateError):
            await self._call(lambda store: store.release(self._room))
        self._store.close()

    async def _fulfil(self, asked: _Asked, protection: Decision | None) -> bool:
        controls, wish = self._controls, self._left_of(asked)
        exposes = controls.fulfilled(wish) != controls.protected(wish)
        ready: Callable[[], None] | None = None
        if not exposes:
            self._ask(asked)  # before anything that may take its time
        if protection is not None:
            await self._follow(protection)
        if exposes:
            ready = await self._prepare(controls.fulfilled(wish))
            self._ask(asked)
        if not await asked.stored:
            if exposes:
                raise InvalidRequest(
                    "this could not be stored, so it was not done; tell the operator",
                    code=RequestCode.NOT_STORED,
                )
            return False
        exposure = self._decide(asked.wish.caller, controls.fulfilled(self._left_of(asked)), ready)
        if exposure is not None:
            await self._follow(exposure)
        return True

    def _left_of(self, asked: _Asked) -> Wish:
        """What of a wish no later one is about."""
        lost = {part for part in asked.wish.parts if self._newest[part] > asked.number}
        return asked.wish.without(lost)

    def _ask(self, asked: _Asked) -> None:
        self._waiting.append(asked)
        self._more.set()

    def _decide(
        self, caller: str, after: Decided, ready: Callable[[], None] | None = None
    ) -> Decision | None:
        """The only place that decides; what was stored is only taken up, or renamed."""
        before = self._controls.decided
        if after == before:
            return None
        self._controls.decided = after
        if ready is not None:
            ready()
        decision = Decision(caller, before, after)
        self._apply(decision)
        self._more.set()
        return decision

    async def _bring(self, asked: list[_Asked]) -> None:
        """Store what is decided, and what is asked for."""
        try:
            if not self._read:
                self._take_late((await self._load())[1])
            wanted = self._controls.decided
            for one in asked:
                wanted = self._controls.fulfilled(self._left_of(one), upon=wanted)
            if wanted != self._stored:
                room = self._room
                state = Stored(wanted, self._session, self._origin_utc_ms)

                def save(store: StateStore) -> None:
                    store.claim(room)
                    store.save(room, state)

                await self._call(save)
            self._stored, self._failing = wanted, False
        except StateError as exc:
            self._stored = None
            self._fail(exc)
        for one in asked:
            one.stored.set_result(self._stored is not None)

    def _take_late(self, stored: Stored | None) -> None:
        """The store answers after all: what it knows, and what was decided meanwhile."""
        mine = self._controls.decided
        if stored is None:
            self.know(Known.PERHAPS)
            return
        late = stored.decided
        consents = {**late.consents, **mine.consents}
        spoken = {**late.spoken, **mine.spoken}
        enabled = mine.enabled and late.enabled
        numbers = {**late.numbers, **mine.numbers}
        after = replace(
            mine, enabled=enabled, known=late.known, consents=consents, spoken=spoken,
            numbers=numbers,
        )  # fmt: skip
        if decision := self._decide("", after):
            self.own(self._follow(decision))

    async def _load(self) -> tuple[bool, Stored | None]:
        """Raises StateError."""
        room = self._room
        try:
            found = await self._call(lambda store: (store.claim(room), store.load(room)))
        except StateDamaged:
            self._rename()
            raise
        self._rename()
        return found

    def _rename(self) -> None:
        """The store can be read, so it knows under which names people are in it."""
        self._read = True
        controls, decided = self._controls, self._controls.decided
        controls.pseudonym = self._store.pseudonym
        consents = {controls.pseudonym(who): said for who, said in decided.consents.items()}
        spoken = {controls.pseudonym(who): said for who, said in decided.spoken.items()}
        # Numbers are given anew: these may be of names, not of their pseudonyms.
        controls.decided = replace(decided, by="", consents=consents, spoken=spoken, numbers={})

    async def _live(self, alive: SignOfLife) -> None:
        room = self._room
        try:
            await self._call(lambda store: store.live(room, alive))
        except StateError as exc:
            self._fail(exc)

    def _fail(self, exc: StateError) -> None:
        if not self._failing:
            log.error("state_not_stored", reason=str(exc))
        self._failing = True

    async def _call(self, act: Callable[[StateStore], T]) -> T:
        """Raises StateError, also if the store is silent."""
        if self._stuck is not None and not self._stuck.done():
            raise StateError("the store does not answer")
        future = asyncio.wrap_future(self._store.submit(act))
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({future}, timeout=STORE_S)
        if not future.done():
            self._stuck = future
            raise StateError("the store does not answer")
        return future.result()
