"""The seam between audio and words: what goes into a recogniser, what comes out, in which order.

All times are integer milliseconds of *stream time*: audio heard on this stream since it began,
holes included. They never go backwards from one Word to the next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from streaming.audio import AudioFrame


@dataclass(frozen=True, slots=True)
class Word:
    """One settled word with its punctuation; never revised.

    ``joined`` says that it continues the word before without a space ("4" "00" is "400").
    """

    text: str
    start_ms: int
    joined: bool = False


@dataclass(frozen=True, slots=True)
class WordEnd:
    """Where the last Word ended."""

    end_ms: int


@dataclass(frozen=True, slots=True)
class Tail:
    """All that may still change after the last Word; replaces the tail before, "" clears it."""

    text: str
    start_ms: int


@dataclass(frozen=True, slots=True)
class Pause:
    """The speaker pauses, or is expected to (probability 0–1), since ``at_ms``."""

    at_ms: int
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """The events before this one are what the recogniser makes of the audio up to ``until_ms``."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Flushed:
    """The answer to one ``flush()``: every word before ``at_ms`` is settled, the tail is empty."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """This sound was taken, but no recogniser heard it, and none will."""

    start_ms: int
    end_ms: int


RecognizerEvent = Word | WordEnd | Tail | Pause | Heard | Flushed | Dropped


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, as data.

    languages: BCP 47 primary tags; the first is the default.
    revises: whether it shows a Tail at all.
    delay_ms: typical time from the end of a word to its first event.
    """

    engine: str
    languages: tuple[str, ...]
    revises: bool
    delay_ms: int

    def knows(self, language: str) -> bool:
        """Whether the engine has ``language``, by the primary subtag of its BCP 47 tag."""
        return primary(language) in self.languages


def primary(language: str) -> str:
    """Return the primary subtag of a BCP 47 tag: "fr" of "fr-CA"."""
    return language.split("-")[0].lower()


class Recognizer(Protocol):
    """One stream of one voice. Used as ``async with``; iterated by one task, fed by another.

    Entering may raise RecognizerUnavailable; iterating may raise ConnectionLost or ModelError.
    Leaving the context ends the stream at once and frees what it holds.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do that has the stream now: it changes while another stands in."""
        ...

    async def send(self, frame: AudioFrame) -> None:
        """Take the next 80 ms. May wait: that is the back-pressure."""
        ...

    async def flush(self) -> None:
        """The speaker stopped: let go of what is held, now. Answered by one Flushed event."""
        ...

    async def finish(self) -> None:
        """No more audio. Iteration ends when everything heard has been said."""
        ...

    def __aiter__(self) -> AsyncIterator[RecognizerEvent]: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
