"""Measures how fast captions must be read, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_MS = 1000
"""Shorter captions count as this long, because no screen shows one for less."""
CUE_MAX = 120  # code points
CUE_MAX_MS = 7000
LINE_MAX = 50
"""Characters; our page's widest setting (the default is 40, guidelines say 32 to 42)."""


@dataclass(frozen=True, slots=True)
class ReadingSpeed:
    """The reading speed of a caption."""

    characters_a_second: float
    words_a_minute: float


def pace(text: str, lasts_ms: int) -> ReadingSpeed:
    """Return the speed of a caption of ``lasts_ms``, in characters (with spaces) and words."""
    seconds = max(lasts_ms, LEAST_MS) / 1000
    shown = " ".join(text.split())
    return ReadingSpeed(len(shown) / seconds, 60 * len(shown.split()) / seconds)


def is_long(text: str, lasts_ms: int) -> bool:
    """Return whether a caption is longer, in text or time, than the rules allow."""
    return len(text) > CUE_MAX or lasts_ms > CUE_MAX_MS


def is_wide(line: str) -> bool:
    """Return whether a line is wider than LINE_MAX."""
    return len(line) > LINE_MAX
