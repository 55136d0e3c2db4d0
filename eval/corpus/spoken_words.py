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
