"""How fast captions must be read, and how they are cut."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_MS = 1000
"""A caption that lasts less counts as if it lasted so long: no screen shows one for less."""
CUE_MAX = 120  # code points
CUE_MAX_MS = 7000
LINE_MAX = 50
"""Characters, the widest setting of our page (the default is 40, guidelines have 32 to 42)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one caption must be read."""

    characters_a_second: float
    words_a_minute: float


def pace(text: str, lasts_ms: int) -> Pace:
    """Of a caption that lasts ``lasts_ms`` (its own times): characters with spaces, words."""
    seconds = max(lasts_ms, LEAST_MS) / 1000
    shown = " ".join(text.split())
    return Pace(len(shown) / seconds, 60 * len(shown.split()) / seconds)


def is_long(text: str, lasts_ms: int) -> bool:
    """Whether a caption holds or lasts more than the rules of cutting allow."""
    return len(text) > CUE_MAX or lasts_ms > CUE_MAX_MS


def is_wide(line: str) -> bool:
    """Whether a line is wider than LINE_MAX."""
    return len(line) > LINE_MAX
