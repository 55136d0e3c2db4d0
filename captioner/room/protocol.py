"""A room as the bot sees it: who is there, whose voice can be heard, and a way to say something.

The seam between the bot and LiveKit. room.py implements it; testing.py has one that is played
from a script.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol

from captioner.publishing.livekit_segments import Outlet
from captioner.room.frame_queue import FrameQueue


class Kind(StrEnum):
    """What takes part, by the media server's word."""

    PERSON = "person"
    AGENT = "agent"
    PHONE = "phone"


class Source(StrEnum):
    """What a voice comes from."""

    MICROPHONE = "microphone"
    SCREEN = "screen"  # sound shared with a screen: not the voice of who shares it


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the room, by the media server's word. joined_ms: UTC. tracks: sids of voices.

    signed: whether the attributes were signed into the token and cannot be changed by itself.
    """

    identity: str
    name: str = ""
    kind: Kind = Kind.PERSON
    attributes: Mapping[str, str] = field(default_factory=dict)
    signed: bool = False
    sid: str = ""
    joined_ms: int = 0
    tracks: tuple[str, ...] = ()


class Left(Enum):
    """Why the bot is no longer in the room."""

    LOST = "the connection to the media server was lost"
    ROOM_GONE = "the room was closed"
    REMOVED = "the bot was removed from the room"
    REPLACED = "another participant joined with the bot's identity"


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A track that can be heard now: subscribed, not muted.

    track: LiveKit sid. ``frames`` ends when it can be heard no more. person: gives who it is now,
    for names change.
    """

    track: str
    speaker: str
    source: Source
    frames: FrameQueue
    person: Callable[[], Person]

    @property
    def name(self) -> str:
        """What is shown as the speaker's name; may be empty."""
        return shown_name(self.person(), self.source)


@dataclass(frozen=True, slots=True)
class Gap:
    """The link to the media server was broken between two room times, and works again."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Somebody came, left, or is somebody else by now; or the room is recorded, or encrypted."""


RoomEvent = Voice | Gap | Changed | Left

RpcAnswer = Callable[[str, str], Awaitable[str]]
"""(caller's identity, payload) → payload; may raise InvalidRequest."""


class Room(Outlet, Protocol):
    """One stay in one room; begins when ``join`` returns."""

    @property
    def name(self) -> str:
        """The room's name."""
        ...

    @property
    def recorded(self) -> bool:
        """Whether the media server records the room."""
        ...

    @property
    def encrypted(self) -> bool:
        """Whether somebody speaks whom we cannot read, for want of the key."""
        ...

    @property
    def sid(self) -> str:
        """The room's id; another one when the room begins anew."""
        ...

    @property
    def me(self) -> Person:
        """The bot itself."""
        ...

    @property
    def lost_ms(self) -> int:
        """Room time at which the stay ended."""
        ...

    async def join(self, url: str, token: str) -> None:
        """Join, without hearing anybody yet. Raises RoomUnavailable or NotAllowed."""
        ...

    def events(self) -> AsyncIterator[RoomEvent]:
        """What happens; ends after the first Left."""
        ...

    def people(self) -> Sequence[Person]:
        """Everybody else who is there."""
        ...

    def hear(self, wanted: Callable[[str], bool]) -> None:
        """From now on hear the people, by identity, that are wanted, and nobody else.

        Who is not wanted is not subscribed to, and a voice that was heard ends.
        """
        ...

    async def send(self, payload: bytes, *, topic: str) -> None:
        """Send a reliable packet to everybody; what cannot be sent is counted."""
        ...

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Say something that everybody sees without asking."""
        ...

    def answer(self, method: str, answer: RpcAnswer) -> None:
        """Answer calls of ``method`` from now on."""
        ...

    async def reaches(self, identity: str, method: str, payload: str) -> bool:
        """Whether somebody answers a call at all: who died is in the room for a while yet."""
        ...

    async def stop_listening(self) -> None:
        """End every voice; what was heard can still be read."""
        ...

    async def leave(self) -> None:
        """Leave; does nothing when the room was left already."""
        ...


def shown_name(person: Person, source: Source = Source.MICROPHONE) -> str:
    """A name for the others: a telephone number with all but its last two digits masked."""
    name = person.name
    if person.kind is Kind.PHONE:
        name = _masked(name or person.identity)
    if source is Source.SCREEN:
        return f"{name or person.identity} ({SCREEN_LABEL})"
    return name


SCREEN_LABEL = "screen"

_NUMBER = re.compile(r"\+?\d[\d\s().\-/]{3,}\d")


def _masked(name: str) -> str:
    return _NUMBER.sub(lambda found: _mask(found[0]), name)


def _mask(number: str) -> str:
    hidden = sum(c.isdigit() for c in number) - 2
    out = []
    for char in number:
        if char.isdigit() and hidden > 0:
            hidden -= 1
            char = "•"
        out.append(char)
    return "".join(out)
