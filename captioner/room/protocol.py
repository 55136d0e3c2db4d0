"""The bot's view of a room: participants, voices that can be heard, and ways to send.

The seam between the bot and LiveKit. livekit_room.py implements it; scripted_room.py has one that a
test drives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol

from captioner.room.frame_queue import FrameQueue
from captioner.room.segments import Outlet


class Kind(StrEnum):
    """The kind of a participant, according to the media server."""

    PERSON = "person"
    AGENT = "agent"
    PHONE = "phone"
    STREAM = "stream"  # brought in from elsewhere: it is heard, and reads nothing
    BACK_END = "back-end"  # in no room; its token makes it the room's administrator


class Source(StrEnum):
    """The source of a voice."""

    MICROPHONE = "microphone"
    SCREEN = "screen"  # audio of a shared screen: not the sharer's voice


@dataclass(frozen=True, slots=True)
class Person:
    """A participant, according to the media server. joined_ms: UTC. tracks: sids of voices.

    signed: whether the token signs the attributes and their owner cannot change them. may_send:
    whether the media server passes on what it sends. sealed: those of its tracks that are encrypted
    with a key that we do not have.
    """

    identity: str
    name: str = ""
    kind: Kind = Kind.PERSON
    attributes: Mapping[str, str] = field(default_factory=dict)
    signed: bool = False
    sid: str = ""
    joined_ms: int = 0
    tracks: tuple[str, ...] = ()
    may_send: bool = True
    sealed: tuple[str, ...] = ()

    @property
    def only_listens(self) -> bool:
        """Whether it may read, but can neither say so nor ask for anything."""
        return self.kind is Kind.PERSON and not self.may_send


class Left(Enum):
    """Why the bot is no longer in the room."""

    LOST = "the connection to the media server was lost"
    STOOD_STILL = "the process stood still"  # what it would hear first was said long ago
    ROOM_GONE = "the room was closed"
    EMPTY = "the media server closed the room as an empty one"
    REMOVED = "the bot was removed from the room"
    REPLACED = "another participant joined with the bot's identity"


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A track that can be heard now: subscribed, not muted.

    track: LiveKit sid. ``frames`` ends when it can no longer be heard. person: returns the current
    participant, because names change.
    """

    track: str
    speaker: str
    source: Source
    frames: FrameQueue
    person: Callable[[], Person]


@dataclass(frozen=True, slots=True)
class Gap:
    """Between two room times nothing came from the media server, or of a track; now it does."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Inaudible:
    """A track that should be heard could not be subscribed to; it is tried again.

    over: it can be heard now, or is not there any more.
    """

    track: str
    speaker: str
    over: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """Participants, their attributes, recording or encryption have changed."""


RoomEvent = Voice | Gap | Inaudible | Changed | Left

RpcAnswer = Callable[[str, str], Awaitable[str]]
"""(caller's identity, payload) → payload; may raise InvalidRequest."""


ANSWER_S = 10.0
"""A live bot answers in a fraction of this; the SDK reports a dead one after 7 s."""


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
        """Whether somebody speaks whom we cannot hear, because we lack the key."""
        ...

    @property
    def sid(self) -> str:
        """The room's id, which changes when the room is created again."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the media server answers, as far as is known."""
        ...

    @property
    def me(self) -> Person:
        """The bot itself."""
        ...

    @property
    def lost_ms(self) -> int:
        """The room time at which the stay ended."""
        ...

    async def join(self, url: str, token: str) -> None:
        """Join, without subscribing yet. Raises RoomUnavailable or NotAllowed."""
        ...

    def events(self) -> AsyncIterator[RoomEvent]:
        """Give the room's events, up to the first Left."""
        ...

    def people(self) -> Sequence[Person]:
        """Return all other participants."""
        ...

    def hear(self, wanted: Callable[[str], bool]) -> None:
        """Subscribe to exactly these people, by identity.

        Others are unsubscribed from, and their voices end.
        """
        ...

    async def send(self, payload: bytes, *, topic: str, to: Collection[str] = ()) -> None:
        """Send a reliable packet to everybody, or ``to`` these only; failures are counted."""
        ...

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Set attributes that everybody sees without asking."""
        ...

    def answer(self, method: str, answer: RpcAnswer) -> None:
        """Register the handler of ``method``."""
        ...

    async def call(
        self, identity: str, method: str, payload: str, *, within_s: float = ANSWER_S
    ) -> str | None:
        """Return a participant's answer, or None for an error or no answer.

        Dead participants stay listed for a while.
        """
        ...

    async def stop_listening(self) -> None:
        """End all voices; what was received can still be read."""
        ...

    async def leave(self) -> None:
        """Leave. May be called again."""
        ...
