"""Sends pages what they cannot ask for, or do not know that they should. Nobody else gets it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from captioner.contract import VERSION, encode
from captioner.contract_requests import ANSWERS, Hello, Older
from captioner.controls.controls import Controls
from captioner.publishing.publisher import Publisher
from captioner.room.protocol import Room

PAUSE_S = 0.1
"""Between two pages of the history: 140 kB/s at most for each of those who get it."""

TOGETHER_MAX = 200
"""People who get one packet; it carries their identities."""

TOLD_MAX = 10_000
"""Pages whose rights are remembered."""


class Pushes:
    """One bot's, for all its stays in the room.

    Those who may send nothing get the session's captions when they come. Those who were told what
    they may do are told when that changes.
    """

    def __init__(self, publisher: Publisher, controls: Controls) -> None:
        self._publisher = publisher
        self._controls = controls
        self._room: Room | None = None
        self._served: set[str] = set()  # sids
        self._owed: set[str] = set()  # identities
        self._told: dict[str, Mapping[str, Any]] = {}  # what of "you", by identity
        self._changed, self._came = asyncio.Event(), asyncio.Event()

    def enter(self, room: Room | None) -> None:
        """The bot is in this room now, or in none; what it sent before may be lost."""
        self._room = room
        self._served, self._owed = set(), set()
        self.review()

    def told(self, identity: str, you: Mapping[str, Any]) -> None:
        """A page knows this of its own user; {} if it does not know it yet."""
        self._told.pop(identity, None)
        self._told[identity] = you
        if len(self._told) > TOLD_MAX:
            del self._told[next(iter(self._told))]

    def review(self) -> None:
        """See who came, and whose rights have changed."""
        people = self._room.people() if self._room else ()
        newcomers = {p.sid: p.identity for p in people if p.only_listens}
        self._owed |= {newcomers[sid] for sid in newcomers.keys() - self._served}
        self._served = set(newcomers)
        self._told |= {who: {} for who in newcomers.values() if who not in self._told}
        self._changed.set()
        if self._owed:
            self._came.set()

    async def run(self) -> None:
        """Send what is due, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hand_out())
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._tell_rights()

    async def _tell_rights(self) -> None:
        room = self._room
        people = {person.identity: person for person in (room.people() if room else ())}
        for identity in self._told.keys() - people.keys():
            if room is not None and self._told[identity]:
                del self._told[identity]  # who has left; who has not come yet waits
        for identity in self._told.keys() & people.keys():
            you = self._controls.you(people[identity])
            if room is not None and you != self._told[identity]:
                self._told[identity] = you
                await self._send(room, {"you": you}, {identity})

    async def _hand_out(self) -> None:
        """One history after the other: those who come meanwhile get theirs together."""
        while True:
            await self._came.wait()
            self._came.clear()
            room, owed, self._owed = self._room, self._owed, set()
            answer = json.loads(self._publisher.hello(Hello(want=True)))
            while owed and room is not None and room is self._room:
                await self._send(room, answer, owed)
                if answer["older"] is None:
                    break
                await asyncio.sleep(PAUSE_S)
                older = Older(self._publisher.session, int(answer["older"]))
                answer = json.loads(self._publisher.page(older))

    async def _send(self, room: Room, facts: Mapping[str, Any], to: set[str]) -> None:
        payload = encode({"v": VERSION, "session": self._publisher.session, **facts})
        everybody = sorted(to)
        for first in range(0, len(everybody), TOGETHER_MAX):
            await room.send(payload, topic=ANSWERS, to=everybody[first : first + TOGETHER_MAX])
