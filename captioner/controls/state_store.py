"""Where the decisions of a room are kept over a restart of the bot: the seam, and one in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from captioner.controls.decisions import Decided
from captioner.publishing.room_clock import SignOfLife


@dataclass(frozen=True, slots=True)
class Stored:
    """The state of one room. alive: the last sign of life; None: there was none yet."""

    decided: Decided
    session: str
    origin_utc_ms: int
    alive: SignOfLife | None = None


class StateStore(Protocol):
    """Keeps states by the sid of their room. Every method blocks, and may raise StateError."""

    def claim(self, room: str) -> bool:
        """Take the room; False if another living bot has it. Comes before all else."""
        ...

    def release(self, room: str) -> None:
        """Let another bot have the room."""
        ...

    def pseudonym(self, identity: str) -> str:
        """The name under which the state of a room knows a participant."""
        ...

    def load(self, room: str) -> Stored | None:
        """What was saved last; None if nothing was. Raises StateDamaged, too."""
        ...

    def save(self, room: str, stored: Stored) -> None:
        """Keep a state: once this returns, it survives a loss of power. The sign of life stays."""
        ...

    def live(self, room: str, alive: SignOfLife) -> None:
        """Give a sign of life."""
        ...


class MemoryStore:
    """Keeps states for as long as the object lives: for demos and tests."""

    def __init__(self) -> None:
        self.rooms: dict[str, Stored] = {}

    def claim(self, room: str) -> bool:
        """Always succeeds: there is no other bot."""
        return True

    def release(self, room: str) -> None:
        """Do nothing."""

    def pseudonym(self, identity: str) -> str:
        """The identity itself: nothing is written anywhere."""
        return identity

    def load(self, room: str) -> Stored | None:
        """What was saved last."""
        return self.rooms.get(room)

    def save(self, room: str, stored: Stored) -> None:
        """Keep a state."""
        before = self.rooms.get(room)
        self.rooms[room] = replace(stored, alive=before.alive if before else None)

    def live(self, room: str, alive: SignOfLife) -> None:
        """Give a sign of life."""
        if stored := self.rooms.get(room):
            self.rooms[room] = replace(stored, alive=alive)
