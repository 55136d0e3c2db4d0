"""Text tokens of Kyutai's models become words with times.

Of the model's text tokens 0 ends the padding (a word starts here), 3 is padding, and all others
are pieces of a word; a word is complete at the next 0 or 3 (kyutai-labs/moshi, rust/moshi-core,
asr.rs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

WORD_STARTS = 0
PADDING = 3

PAUSE_STEPS = 12
"""Padding that ends the last word of a turn: about 1 s, longer than between words of a sentence."""

PIECES_MAX = 64
"""Pieces of one word. A model that repeats itself without end must not fill the memory."""

_HALF = "\ufffd"


class Vocabulary(Protocol):
    """What the tokens of a checkpoint mean."""

    def starts_word(self, token: int) -> bool:
        """Whether a space belongs before this piece."""
        ...

    def text(self, tokens: Sequence[int]) -> str:
        """The pieces put together, no space at either end; U+FFFD for half a character."""
        ...


@dataclass(frozen=True, slots=True)
class WordSaid:
    """A word of the model. joined: it continues the word before without a space."""

    text: str
    start_ms: int
    joined: bool


@dataclass(frozen=True, slots=True)
class WordEnded:
    """The end of the last WordSaid: where the next begins, or where padding after it began."""

    end_ms: int


Spoken = WordSaid | WordEnded


@dataclass(slots=True)
class WordAssembler:
    """The tokens of one stream, one a step, to words.

    Every WordSaid is followed by exactly one WordEnded, before the next WordSaid; times never go
    back. What it holds is bounded by PIECES_MAX.
    """

    vocabulary: Vocabulary
    _pieces: list[int] = field(default_factory=list)
    _start_ms: int = 0
    _said_any: bool = False
    _unended_ms: int | None = None
    _padding: int = 0

    @property
    def in_word(self) -> bool:
        """Whether pieces were heard of a word that is not complete."""
        return bool(self._pieces)

    def feed(self, token: int, at_ms: int) -> list[Spoken]:
        """Take the token of a step; ``at_ms``: stream time that it speaks of, delay subtracted."""
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
        """The speaker is known to pause: the last complete word gets its end now."""
        if self._unended_ms is None:
            return []
        return self._end(self._unended_ms)

    def flush(self, at_ms: int) -> list[Spoken]:
        """No more tokens: give what is held."""
        return [*self._complete(at_ms, last=True), *self.pause()]

    def _complete(self, at_ms: int, *, last: bool = False) -> list[Spoken]:
        if not self._pieces:
            return []
        text = self.vocabulary.text(self._pieces)
        # A character can be cut over two words of the model; its first half waits for the other.
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
