"""Turns text tokens of Kyutai's models into words with times.

Token 0 ends the padding (a word starts here), 3 is padding, and all others are pieces of a word;
a word is complete at the next 0 or 3 (kyutai-labs/moshi, rust/moshi-core,
asr.rs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

WORD_STARTS = 0
PADDING = 3

PAUSE_STEPS = 12
"""Padding that ends the last word of a turn: about 1 s, longer than between words."""

PIECES_MAX = 64
"""Limit for pieces of one word, because a model may repeat itself endlessly."""

_HALF = "\ufffd"


class Vocabulary(Protocol):
    """The text of a checkpoint's tokens."""

    def starts_word(self, token: int) -> bool:
        """Return whether this piece starts with a space."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """Return the joined pieces, stripped; U+FFFD stands for half a character."""
        ...


@dataclass(frozen=True, slots=True)
class WordSaid:
    """A word of the model. joined: it continues the previous word without a space."""

    text: str
    start_ms: int
    joined: bool


@dataclass(frozen=True, slots=True)
class WordEnded:
    """The end of the last WordSaid: the start of the next one, or of padding after it."""

    end_ms: int


Spoken = WordSaid | WordEnded


@dataclass(slots=True)
class WordAssembler:
    """Turns the tokens of one stream, one per step, into words.

    Every WordSaid is followed by exactly one WordEnded, before the next WordSaid; times never go
    back. Its state is bounded by PIECES_MAX.
    """

    vocabulary: Vocabulary
    _pieces: list[int] = field(default_factory=list)
    _start_ms: int = 0
    _said_any: bool = False
    _unended_ms: int | None = None
    _padding: int = 0

    @property
    def in_word(self) -> bool:
        """Whether there are pieces of an incomplete word."""
        return bool(self._pieces)

    def feed(self, token: int, at_ms: int) -> list[Spoken]:
        """Take the token of a step; ``at_ms``: its stream time, without the model's delay."""
        match token:
            case 0:
                said = self._complete(at_ms)
                self._padding = 0
                if not self._pieces:
                    self._start_ms = max(at_ms, self._start_ms)
                return [*said, *self._end(self._start_ms)]
            case 3:
                said = self._complete(at_ms)
                self._padding += 1
                if self._padding < PAUSE_STEPS:
                    return said
                return [*said, *self.pause()]
            case _:
                self._padding = 0
                if len(self._pieces) < PIECES_MAX:
                    self._pieces.append(token)
                return []

    def pause(self) -> list[Spoken]:
        """End the last complete word, because the speaker is known to pause."""
        if self._unended_ms is None:
            return []
        return self._end(self._unended_ms)

    def flush(self, at_ms: int) -> list[Spoken]:
        """End the input, and return what is held."""
        return [*self._complete(at_ms, last=True), *self.pause()]

    def _complete(self, at_ms: int, *, last: bool = False) -> list[Spoken]:
        if not self._pieces:
            return []
        text = self.vocabulary.text(self._pieces)
        # A character can be split across two words; its first half waits for the other.
        if text.endswith(_HALF) and not last and len(self._pieces) < PIECES_MAX:
            return []
        joined = self._said_any and not self.vocabulary.starts_word(self._pieces[0])
        self._pieces = []
        text = text.replace(_HALF, "").strip()
        if not text:
            return []
        ended = self._end(self._start_ms)
        self._said_any = True
        self._unended_ms = max(at_ms, self._start_ms)
        return [*ended, WordSaid(text, self._start_ms, joined)]

    def _end(self, end_ms: int) -> list[Spoken]:
        if self._unended_ms is None:
            return []
        self._unended_ms = None
        return [WordEnded(end_ms)]
