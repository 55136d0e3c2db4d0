"""How still the captions stand: erasure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from eval.text import word_key
from eval.timeline import Update


@dataclass(frozen=True, slots=True)
class Erasure:
    """Words that were shown and taken back, and words that stayed. They add up: ``sum(erasures)``.

    ``erased`` and ``final`` compare words without case and punctuation; the raw counts take
    every change of a word's spelling, and count what is punctuation alone as a word.
    """

    erased: int = 0
    final: int = 0
    raw_erased: int = 0
    raw_final: int = 0

    @property
    def rate(self) -> float:
        """Erased words ÷ final words; infinite when all was taken back, 0 when nothing was shown.

        Normalised erasure (Arivazhagan et al. 2020), counted for each cue.
        """
        return _ratio(self.erased, self.final)

    @property
    def raw_rate(self) -> float:
        """The same with words compared as they are written."""
        return _ratio(self.raw_erased, self.raw_final)

    def __add__(self, other: Erasure) -> Erasure:
        return Erasure(
            self.erased + other.erased,
            self.final + other.final,
            self.raw_erased + other.raw_erased,
            self.raw_final + other.raw_final,
        )

    def __radd__(self, other: int) -> Erasure:
        if other != 0:  # sum() starts from 0; any other number is a mistake
            return NotImplemented
        return self


def erasure(updates: Iterable[Update]) -> Erasure:
    """Count over all updates of each cue the old words after the longest common beginning.

    Only the order of the updates counts, not their times. Cues may interleave. A cue that is
    removed erases all its words and leaves no final ones.
    """
    raw: dict[str, list[str]] = {}
    keys: dict[str, list[str]] = {}
    erased = raw_erased = 0
    for update in updates:
        words = (update.text or "").split()
        new = [key for word in words if (key := word_key(word))]
        raw_erased += _taken_back(raw.get(update.cue, []), words)
        erased += _taken_back(keys.get(update.cue, []), new)
        raw[update.cue], keys[update.cue] = words, new
    return Erasure(erased, sum(map(len, keys.values())), raw_erased, sum(map(len, raw.values())))


def common_beginning(before: Sequence[str], after: Sequence[str]) -> int:
    """How many words two texts share from their start."""
    shared = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        shared += 1
    return shared


def _taken_back(before: Sequence[str], after: Sequence[str]) -> int:
    return len(before) - common_beginning(before, after)


def _ratio(erased: int, final: int) -> float:
    if final == 0:
        return inf if erased else 0.0
    return erased / final
