"""What was said, what was on the screen, and when."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefWord:
    """A spoken word and where it lies, in ms from the start of its recording."""

    text: str
    start_ms: int
    end_ms: int

    def later(self, by_ms: int) -> RefWord:
        """The same word on a clock on which its recording began at ``by_ms``."""
        return RefWord(self.text, self.start_ms + by_ms, self.end_ms + by_ms)


@dataclass(frozen=True, slots=True)
class Update:
    """From ``at_ms`` on a cue showed ``text``; None says that it was removed.

    at_ms: whatever clock the measure is taken on; latency needs that of the reference words.
    """

    at_ms: int
    cue: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one person said in one go, by the reference.

    speaker: "" where the reference names nobody. Times and words where they are known.
    """

    text: str
    speaker: str = ""
    start_ms: int | None = None
    end_ms: int | None = None
    words: tuple[RefWord, ...] = ()

    @property
    def span(self) -> tuple[int, int] | None:
        """When it was said: as stated, else from its first word to its last; None if unknown."""
        if self.start_ms is not None and self.end_ms is not None:
            return self.start_ms, self.end_ms
        if self.words:
            return self.words[0].start_ms, max(word.end_ms for word in self.words)
        return None
