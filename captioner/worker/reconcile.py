"""Which rooms should have captions and have none.

Dispatches and rooms are the truth: a room should have captions while a dispatch asks for them and
somebody is there. Every worker compares that with what is, every few seconds, and looks closely at
a bounded number of rooms at a time, the suspect ones first.

Pure: the media server is asked by ``worker.py``, the clocks are arguments.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from captioner.worker.facts import CLAIM, Dispatch, Facts, Listed, worker_of

STARTING_MS = 10_000
"""So long a worker that was given a room, or has claimed it, may take until its bot is there."""

SILENT_S = 2.0
"""A bot that leaves two calls so far apart without an answer is dead, though the media server
lists it for 20 s yet."""

LOOKS_MAX = 60
"""Rooms that one worker looks at closely in one round; each costs two calls, one claimed four."""

LOOK_AGAIN_S = 1.0
NOT_ASKED_S = 30.0
"""How long a room's state is taken for granted: one with captions, one that nobody dispatched to.

A new dispatch is offered to the workers by the media server itself.
"""

RETRY_MAX_S = 60.0
WAITING_MAX = 1_000


class Verdict(Enum):
    """What is to be done about a room that this worker has no bot in."""

    FINE = auto()
    NOT_ASKED = auto()
    EMPTY = auto()
    UNCERTAIN = auto()  # somebody is at it, or its bot may be dead: look again soon
    MISSING = auto()


@dataclass(slots=True)
class _Seen:
    """What is known of a room. bot: its identity, as last seen.

    attempt_ms: when somebody last set about captioning it; attempt_s: when that was first seen.
    """

    sid: str = ""
    bot: str = ""
    at_s: float = float("-inf")
    verdict: Verdict | None = None
    attempt_ms: int | None = None
    attempt_s: float = float("-inf")
    silent_since_s: float | None = None
    retry_s: float = 0.0
    not_before_s: float = float("-inf")


@dataclass(slots=True)
class Reconciler:
    """One worker's knowledge of the rooms that it has no bot in."""

    agent: str
    chance: random.Random = field(default_factory=random.Random)
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _waiting: dict[str, None] = field(default_factory=dict)

    @property
    def waiting(self) -> Collection[str]:
        """Rooms that should have captions, and get them when a slot is free."""
        return self._waiting.keys()

    @property
    def doubts(self) -> bool:
        """Whether a bot did not answer, so that it is to be asked again soon."""
        return any(seen.silent_since_s is not None for seen in self._seen.values())

    def wait(self, room: str) -> None:
        """This worker has no slot for the room."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting[room] = None

    def tell(self, *, most: int = LOOKS_MAX) -> list[str]:
        """Waiting rooms that are to be told so now: all of them in turn."""
        told = list(self._waiting)[:most]
        for room in told:
            self._waiting[room] = self._waiting.pop(room)
        return told

    def served(self, room: str) -> None:
        """This worker has a bot in the room."""
        self._waiting.pop(room, None)
        if seen := self._seen.get(room):
            seen.verdict = seen.silent_since_s = None

    def ended(self, room: str, now_s: float, *, failed: bool) -> None:
        """This worker's bot has left the room by itself. failed: at once, without having worked."""
        seen = self._seen.setdefault(room, _Seen())
        seen.retry_s = min(max(1.0, seen.retry_s * 2), RETRY_MAX_S) if failed else 1.0
        seen.not_before_s = now_s + seen.retry_s

    def next(
        self,
        listed: Iterable[Listed],
        now_s: float,
        *,
        mine: Collection[str] = (),
        most: int = LOOKS_MAX,
    ) -> list[str]:
        """The rooms to look at now: those in need, some of the new ones, and of those that have
        captions one of each other worker, because machines die as a whole.

        What is not listed is forgotten. mine: rooms that this worker has a bot in.
        """
        rooms = {room.name: room for room in listed}
        self._forget(rooms)
        ranked: list[list[tuple[float, float, str]]] = [[], [], []]
        for name, room in rooms.items():
            if name not in mine and (rank := self._rank(room, now_s)) is not None:
                ranked[rank[0]].append((rank[1], self.chance.random(), name))
        needy, new, others = ([name for *_, name in sorted(names)] for names in ranked)
        others = self._one_of_each(others)
        some = max((most - len(needy)) // 2, most - len(needy) - len(others), 0)
        return [*needy, *new[:some], *others, *new[some:]][:most]

    def _one_of_each(self, names: Sequence[str]) -> list[str]:
        """First one room of each worker, then a second of each; the worker asked longest ago
        first, of its rooms the one looked at longest ago. names: by the time of that.
        """
        asked: dict[str, float] = {}
        turns: dict[str, int] = {}
        keys: dict[str, int] = {}
        for name in names:
            worker = worker_of(self._seen[name].bot) or name
            asked[worker] = self._seen[name].at_s
            keys[name] = turns[worker] = turns.get(worker, 0) + 1
        return sorted(
            names, key=lambda name: (keys[name], asked[worker_of(self._seen[name].bot) or name])
        )

    def judge(self, facts: Facts, now_s: float, utc_ms: int) -> Verdict:
        """What is to be done about the room. now_s: when its bots were asked."""
        seen = self._seen.setdefault(facts.name, _Seen())
        seen.at_s = now_s
        seen.bot = facts.bots[0].identity if facts.bots else ""
        seen.verdict = verdict = self._verdict(seen, facts, now_s, utc_ms)
        if verdict in (Verdict.FINE, Verdict.NOT_ASKED, Verdict.EMPTY):
            self._waiting.pop(facts.name, None)
            seen.silent_since_s, seen.retry_s = None, 0.0
        return verdict

    def _verdict(self, seen: _Seen, facts: Facts, now_s: float, utc_ms: int) -> Verdict:
        leaving = [bot for bot in facts.bots if bot.answers and bot.leaves]
        if any(bot.stays for bot in facts.bots):
            return Verdict.FINE
        asked = wish(facts.dispatches, self.agent)
        if asked is None:
            return Verdict.FINE if leaving else Verdict.NOT_ASKED
        if not facts.people:
            return Verdict.EMPTY
        if facts.bots and not leaving and seen.silent_since_s is None:
            seen.silent_since_s = now_s
            self._doubt(worker_of(seen.bot))
        if self._starts(seen, facts, now_s, utc_ms):
            return Verdict.UNCERTAIN
        if leaving and not any(bot.seeks for bot in leaving):
            return Verdict.UNCERTAIN
        if leaving:
            self._doubt(worker_of(leaving[0].identity))  # its worker leaves all its rooms
        if leaving or not facts.bots:
            return Verdict.MISSING
        assert seen.silent_since_s is not None
        silent = now_s - seen.silent_since_s >= SILENT_S
        return Verdict.MISSING if silent else Verdict.UNCERTAIN

    def _starts(self, seen: _Seen, facts: Facts, now_s: float, utc_ms: int) -> bool:
        """Whether somebody's bot may be about to come.

        Its time is by the media server's clock, which ours may be behind: so what was seen for as
        long is over, too.
        """
        latest_ms = max(_attempts(facts.dispatches, self.agent), default=None)
        if latest_ms != seen.attempt_ms:
            seen.attempt_ms, seen.attempt_s = latest_ms, now_s
        recent = latest_ms is not None and utc_ms - latest_ms < STARTING_MS
        return recent and now_s - seen.attempt_s < STARTING_MS / 1000

    def _doubt(self, worker: str) -> None:
        """One bot of a worker does not answer: its machine may be dead, so ask the others next."""
        for seen in self._seen.values():
            if worker and seen.verdict is Verdict.FINE and worker_of(seen.bot) == worker:
                seen.verdict = Verdict.UNCERTAIN

    def _rank(self, room: Listed, now_s: float) -> tuple[int, float] | None:
        """The smaller the sooner; None: not now."""
        waits = room.name in self._waiting
        if room.people == 0 and not waits:
            return None
        seen = self._seen.get(room.name, _Seen(room.sid))
        if now_s < seen.not_before_s:
            return None
        if waits or seen.verdict in (Verdict.UNCERTAIN, Verdict.MISSING):
            return (0, seen.at_s)
        if seen.verdict is None:
            return (1, 0.0)
        if seen.sid not in ("", room.sid) or seen.verdict is Verdict.EMPTY:
            return (1, seen.at_s)
        seen.sid = room.sid
        rests_s = NOT_ASKED_S if seen.verdict is Verdict.NOT_ASKED else LOOK_AGAIN_S
        return (2, seen.at_s) if now_s - seen.at_s >= rests_s else None

    def _forget(self, rooms: Mapping[str, Listed]) -> None:
        for gone in self._seen.keys() - rooms.keys():
            del self._seen[gone]
        for gone in self._waiting.keys() - rooms.keys():
            del self._waiting[gone]


def wish(dispatches: Iterable[Dispatch], agent: str) -> Dispatch | None:
    """The dispatch by which the room should have captions: the oldest; None if nobody asked."""
    asked = [one for one in dispatches if one.agent == agent]
    return min(asked, key=lambda one: (one.created_ms, one.id), default=None)


def has_claim(dispatches: Iterable[Dispatch], worker: str, claim: Dispatch) -> bool:
    """Whether ``claim``, just made by ``worker``, is the first of the living ones."""
    living = [
        one
        for one in dispatches
        if one.agent == CLAIM and claim.created_ms - one.created_ms < STARTING_MS
    ]
    first = min(living, key=lambda one: (one.created_ms, one.id), default=claim)
    return first.metadata == worker


def _attempts(dispatches: Iterable[Dispatch], agent: str) -> Iterable[int]:
    """When somebody last set about captioning the room."""
    for one in dispatches:
        if one.agent == CLAIM:
            yield one.created_ms
        elif one.agent == agent and one.given_ms is not None:
            yield one.given_ms
