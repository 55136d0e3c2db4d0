"""A media server that says what it is told, to test what asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from captioner.worker.facts import Bot, Dispatch, Facts, Listed


class ScriptedMediaServer:
    """It has one room, of some people. dispatched: to it."""

    def __init__(self, room: str, people: Collection[str] = ("anna",)) -> None:
        self._room, self._people = room, people
        self._made = 0
        self.dispatched: list[Dispatch] = []

    async def rooms(self, names: Sequence[str] | None = None) -> list[Listed]:
        there = names is None or self._room in names
        return [Listed(self._room, "RM", len(self._people))] if there else []

    async def people(self, room: str) -> Facts:
        bot = Bot("captions-a-b", True, {"captions.state": "on"})
        return Facts(room, len(self._people), [bot] if self.dispatched else [])

    async def identities(self, _room: str) -> Collection[str]:
        return self._people

    async def ask(self, _room: str, _identity: str, _method: str, payload: str) -> str:
        """The bot agrees to all."""
        return payload

    async def dispatches(self, _room: str) -> list[Dispatch]:
        found = list(self.dispatched)
        await asyncio.sleep(0)
        return found

    async def dispatch(self, _room: str, agent: str, *, metadata: str = "") -> Dispatch:
        await asyncio.sleep(0)
        self._made += 1
        made = Dispatch(f"AD_{self._made}", agent, self._made, metadata=metadata)
        self.dispatched.append(made)
        return made

    async def delete(self, _room: str, dispatch: str) -> None:
        self.dispatched = [one for one in self.dispatched if one.id != dispatch]
