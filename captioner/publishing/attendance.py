"""Records who was in the room when something was said. Pure."""

from __future__ import annotations

from collections.abc import Iterable

AWAY_S = 60.0
"""People absent for less than this count as present, as after a lost connection."""


class Attendance:
    """The packet since which each person has been present. Forgets people absent for AWAY_S."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}  # by identity
        self._gone_ms: dict[str, int] = {}

    def present(self, people: Iterable[str], *, seq: int, now_ms: int) -> None:
        """Note who is in the room, after packet ``seq`` was sent."""
        here = set(people)
        self._since = {who: at for who, at in self._since.items() if self._counts(who, now_ms)}
        absent = self._since.keys() - here
        self._gone_ms = {who: self._gone_ms.get(who, now_ms) for who in absent}
        for who in here:
            self._since.setdefault(who, seq)

    def since(self, who: str, *, now_ms: int) -> int | None:
        """Return the number of the packet after which ``who`` was there, or None if unknown."""
        return self._since.get(who) if self._counts(who, now_ms) else None

    def _counts(self, who: str, now_ms: int) -> bool:
        return who not in self._gone_ms or now_ms - self._gone_ms[who] < AWAY_S * 1000
