"""The interface of recognisers: what goes in, what comes out, and in which order.

All times are integer milliseconds of *stream time*: audio heard on this stream since it began,
holes included. They never go backwards from one Word to the next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol, Self

from streaming.audio import AudioFrame


@dataclass(frozen=True, slots=True)
class Word:
    """A settled word with its punctuation; never revised.

    joined: it continues the previous word without a space ("4" "00" is "400").
    """

    text: str
    start_ms: int
    joined: bool = False


@dataclass(frozen=True, slots=True)
class WordEnd:
    """The end of the last Word."""

    end_ms: int


@dataclass(frozen=True, slots=True)
class Tail:
    """The text after the last Word that may still change; replaces the last Tail, "" clears it.

    joined: it continues the last Word without a space.
    """

    text: str
    start_ms: int
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """The speaker pauses, or probably does (0–1), since ``at_ms``."""

    at_ms: int
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """The preceding events cover the audio up to ``until_ms``."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Flushed:
    """The answer to a ``flush()``: all words before ``at_ms`` are settled, the tail is empty."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Audio that was taken, but that no recogniser has heard or will hear."""

    start_ms: int
    end_ms: int


RecognizerEvent = Word | WordEnd | Tail | Pause | Heard | Flushed | Dropped


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do, as data.

    languages: BCP 47 primary tags; the first is the default.
    revises: whether it ever gives a Tail.
    delay_ms: typical time from the end of a word to its first event.
    remote: whether a server does the work, which may fall silent or come back.
    delays_ms: languages with another delay, each with it.
    """

    engine: str
    languages: tuple[str, ...]
    revises: bool
    delay_ms: int
    remote: bool = False
    delays_ms: tuple[tuple[str, int], ...] = ()

    def knows(self, language: str) -> bool:
        """Return whether the engine knows ``language``, by its primary BCP 47 subtag."""
        return primary(language) in self.languages

    def speaking(self, language: str) -> Capabilities:
        """Return the same with the delay that ``language`` has."""
        delay_ms = dict(self.delays_ms).get(primary(language), self.delay_ms)
        return replace(self, delay_ms=delay_ms)


def primary(language: str) -> str:
    """Return the primary subtag of a BCP 47 tag: "fr" of "fr-CA"."""
    return language.split("-")[0].lower()


class Recognizer(Protocol):
    """A stream of one voice. Used by ``async with``; one task iterates, another feeds.

    Entering may raise RecognizerUnavailable; iterating may raise ConnectionLost, ProtocolError or
    ModelError. Sending raises none of these: the iteration does. Leaving the context ends the
    stream at once, and frees its resources.
    """

    async def send(self, frame: AudioFrame) -> None:
        """Take the next 80 ms. May wait, as back-pressure."""
        ...

    async def flush(self) -> None:
        """Give everything held now, because the speaker paused. Answered by one Flushed event."""
        ...

    async def finish(self) -> None:
        """End the audio. Iteration ends once all its words were given."""
        ...

    def __aiter__(self) -> AsyncIterator[RecognizerEvent]: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Engine(Protocol):
    """Opens recognisers."""

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do."""
        ...

    def open(self, language: str, *, live: bool = True) -> Recognizer:
        """Return a new stream. Raises LanguageNotSupported.

        live: keep up with a voice; otherwise ``send`` waits, so that the words of a file do not
        depend on the machine's speed or load.
        """
        ...
