"""What a meeting has decided, driven at random against a model of a few lines."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from captioner.contract_requests import Change, Consent, Hello
from captioner.controls import decision_writer
from captioner.controls.controls import Controls
from captioner.controls.decision_writer import DecisionWriter
from captioner.controls.decisions import Decided, Decision, Policy, Wish
from captioner.controls.state_store import MemoryStore, Stored
from captioner.errors import InvalidRequest, StateError
from captioner.room.protocol import Person

PEOPLE = ("anna", "bob", "olga")
HOST = Person("olga", "Olga", attributes={"room_role": "owner"}, signed=True)
POLICY = Policy({"embedded": ("en", "fr")}, transcripts=True)
DEFAULT = {"enabled": True, "transcript": False, "language": "en"}


class Disk(MemoryStore):
    """Saves, fails or waits, as it is told; after its bot was killed it does nothing."""

    def __init__(self, rooms: dict[str, Stored]) -> None:
        super().__init__()
        self.rooms = rooms
        self.fails = self.dead = False
        self.goes_on = threading.Event()
        self.goes_on.set()

    def save(self, room: str, stored: Stored) -> None:
        self.goes_on.wait()
        if self.dead:
            return
        if self.fails:
            raise StateError("disk full")
        super().save(room, stored)


class Meeting(RuleBasedStateMachine):
    """Wishes in any order, on a disk that works, fails or waits, with restarts and kills between.

    The model: ``now`` is what holds. Of a wish what lessens holds at once, the rest if the answer
    is no refusal. ``disk`` is what a bot may find after a kill: what was answered as stored,
    or what was asked for since.
    """

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.rooms: dict[str, Stored] = {}
        self.now: dict[str, Any] = dict(DEFAULT) | dict.fromkeys(PEOPLE, (True, True))
        self.disk = {part: {value} for part, value in self.now.items()}
        self.start()

    def start(self) -> None:
        self.controls = Controls(Decided("en", "embedded"), POLICY)
        self.store = Disk(self.rooms)

        async def prepare(_decided: Decided) -> Callable[[], None]:
            return lambda: None

        async def follow(_decision: Decision) -> None:
            pass

        async def begin() -> None:
            self.writer = DecisionWriter(
                self.controls, self.store, prepare=prepare, apply=lambda _: None, follow=follow
            )
            self.running = asyncio.create_task(self.writer.run())
            _, stored = await self.writer.open("RM_1")
            if stored is not None:
                self.writer.take_up(stored.decided)
            self.writer.keep("RM_1", session="s", origin_utc_ms=0)
            for who in PEOPLE:
                self.controls.hello(who, Hello(True, wish="none"), 0)

        self.loop.run_until_complete(begin())

    def wish(self, wish: Wish, *, cancelled: bool, **wanted: Any) -> None:
        """Ask, and hold the answer against what was promised."""
        less = {part: _less(part, self.now[part], value) for part, value in wanted.items()}

        async def ask() -> bool | None:
            deciding = self.writer.decide(wish)
            assert self.seen(less) == less  # at once, before anything is awaited
            waiting = asyncio.ensure_future(asyncio.shield(deciding))
            if cancelled:
                await asyncio.sleep(0)
                waiting.cancel()
            try:
                async with asyncio.timeout(60):
                    return await (deciding if cancelled else waiting)
            except InvalidRequest:
                return None

        stored = self.loop.run_until_complete(ask())
        assert stored is not None or less != wanted  # only what exposes is refused
        assert not stored or self.rooms["RM_1"].decided == self.controls.decided
        self.now |= less if stored is None else wanted
        for part, value in wanted.items():
            self.disk[part] = {value} if stored else self.disk[part] | {value, less[part]}

    def seen(self, parts: Any) -> dict[str, Any]:
        """What holds, of these."""
        decided = self.controls.decided
        people = {who: (self.controls.captions(who), self.controls.keeps(who)) for who in PEOPLE}
        every = people | {name: getattr(decided, name) for name in DEFAULT}
        return {part: every[part] for part in parts}

    @rule(
        who=st.sampled_from(PEOPLE),
        captioned=st.booleans(),
        kept=st.booleans(),
        cancelled=st.booleans(),
    )
    def consent(self, who: str, captioned: bool, kept: bool, cancelled: bool) -> None:
        wish = self.controls.agree(who, Consent(captioned, kept))
        self.wish(wish, cancelled=cancelled, **{who: (captioned, captioned and kept)})

    @rule(enabled=st.booleans(), cancelled=st.booleans())
    def switch(self, enabled: bool, cancelled: bool) -> None:
        wish = self.controls.change(HOST, Change(enabled=enabled))
        self.wish(wish, cancelled=cancelled, enabled=enabled)

    @rule(transcript=st.booleans(), language=st.sampled_from(("en", "fr")), cancelled=st.booleans())
    def set_two(self, transcript: bool, language: str, cancelled: bool) -> None:
        wish = self.controls.change(HOST, Change(transcript=transcript, language=language))
        self.wish(wish, cancelled=cancelled, transcript=transcript, language=language)

    @rule(fails=st.booleans())
    def disk_is_full(self, fails: bool) -> None:
        self.store.fails = fails

    @rule(silent=st.booleans())
    def disk_is_silent(self, silent: bool) -> None:
        (self.store.goes_on.clear if silent else self.store.goes_on.set)()

    @rule(order=st.lists(st.booleans(), min_size=2, max_size=3))
    def many_at_once(self, order: list[bool]) -> None:
        """Of wishes about the same the last one holds, in whatever order they are stored."""
        self.disk_works()

        async def ask() -> None:
            tasks = []
            for one in order:
                tasks.append(self.writer.decide(self.controls.change(HOST, Change(enabled=one))))
                tasks.append(self.writer.decide(self.controls.agree("bob", Consent(one, one))))
            await asyncio.gather(*tasks)

        try:
            self.loop.run_until_complete(ask())
        except InvalidRequest:  # a machine so busy that the disk counts as silent
            self.disk_works()
            self.now |= self.seen(("enabled", "bob"))
            return
        self.now |= {"enabled": order[-1], "bob": (order[-1], order[-1])}
        self.disk |= {"enabled": {order[-1]}, "bob": {(order[-1], order[-1])}}

    @rule()
    def restart(self) -> None:
        """A disk that works again has all that holds; a bot that starts goes on with it."""
        self.disk_works()
        self.end()
        self.start()

    @rule()
    def kill(self) -> None:
        self.store.dead = True
        self.disk_is_silent(False)
        self.end()
        self.start()
        found = self.seen(self.now)
        for part, value in found.items():
            assert value in self.disk[part]
        self.now = found

    def disk_works(self) -> None:
        self.disk_is_full(False)
        self.disk_is_silent(False)

        async def settle() -> None:
            while not await self.writer.decide(Wish("")):
                pass  # the store is not known to work again

        self.loop.run_until_complete(settle())
        assert self.rooms["RM_1"].decided == self.controls.decided
        self.disk = {part: {value} for part, value in self.now.items()}

    def end(self) -> None:
        async def close() -> None:
            await self.writer.close()
            self.running.cancel()
            await asyncio.wait({self.running})

        self.loop.run_until_complete(close())

    @invariant()
    def what_holds_is_what_was_promised(self) -> None:
        assert self.seen(self.now) == self.now

    def teardown(self) -> None:
        self.disk_is_silent(False)
        self.end()
        self.loop.close()


def _less(part: str, now: Any, wanted: Any) -> Any:
    """What of a wish takes effect at once: whatever lessens."""
    if part == "language":
        return now
    if part in PEOPLE:
        return now[0] and wanted[0], now[1] and wanted[1]
    return now and wanted


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision_writer, "STORE_S", 0.2)
    monkeypatch.setattr(decision_writer, "RETRY_S", 0.02)


TestMeeting = Meeting.TestCase
TestMeeting.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
