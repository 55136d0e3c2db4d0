"""Words that were spoken and cue texts that were shown, with their times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class RefWord(NamedTuple):
    """A spoken word and its times, in ms from the start of its recording."""

    text: str
    start_ms: int
    end_ms: int

    def later(self, by_ms: int) -> RefWord:
        """Return the word on a clock on which its recording began at ``by_ms``."""
        return RefWord(self.text, self.start_ms + by_ms, self.end_ms + by_ms)


@dataclass(frozen=True, slots=True)
class Update:
    """A cue shows ``text`` from ``at_ms`` on; None means that it was removed.

    at_ms: on any clock; latency needs that of the reference words.
    """

    at_ms: int
    cue: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one person said without interruption, by the reference.

    speaker: "" if the reference names nobody. Times and words if they are known.
    """

    text: str
    speaker: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    words: tuple[RefWord, ...] = ()

    @property
    def span(self) -> tuple[int, int] | None:
        """Return its times as stated, else those of first and last word; None if unknown."""
        if self.start_ms is not None and self.end_ms is not None:
            return self.start_ms, self.end_ms
        if self.words:
            return self.words[0].start_ms, max(word.end_ms for word in self.words)
        return None
