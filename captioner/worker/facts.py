"""What a worker knows of rooms, as the media server tells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from captioner.contract_attributes import ANY, SUCCESSOR

CLAIM = "captioner-claim"
"""Agent name of the dispatches by which workers agree on who mends a room. No worker has it."""

STOPPED = "captioner-stopped"
"""Agent name of the dispatch that says that somebody wants no captions in the room. No worker has
it: it keeps captions from being started by a rule."""

NO_WISH = CLAIM, STOPPED


@dataclass(frozen=True, slots=True)
class Listed:
    """A room as the list of rooms has it. people: without agents; up to 5 s old."""

    name: str
    sid: str
    people: int
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Bot:
    """A caption bot that the media server lists, and what it says of itself.

    answers: False also of one that is dead.
    """

    identity: str
    answers: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def leaves(self) -> bool:
        """Whether it goes on only until another one takes over."""
        return bool(self.attributes.get(SUCCESSOR))

    @property
    def seeks(self) -> bool:
        """Whether none is about to."""
        return self.attributes.get(SUCCESSOR) == ANY

    @property
    def stays(self) -> bool:
        """Whether it captions the room, and goes on."""
        return self.answers and not self.leaves


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Somebody's wish, by the media server's clock. given_ms: the last time a worker took it.

    metadata: of a claim, the worker's id.
    """

    id: str
    agent: str
    created_ms: int
    given_ms: int | None = None
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """One room, looked at closely. dispatches: not asked for, and empty, where a bot stays."""

    name: str
    people: int
    bots: Sequence[Bot] = ()
    dispatches: Sequence[Dispatch] = ()


def identity_of(worker: str, number: str) -> str:
    """The identity of a worker's bot."""
    return f"captions-{worker}-{number}"


def worker_of(identity: str) -> str:
    """The worker that named the bot; "" if it was none."""
    found = re.fullmatch(r"captions-(\w+)-\w+", identity)
    return found[1] if found else ""
