"""Measures the stability of captions: erasure, age at revision, line jumps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from eval.corpus.spoken_words import Update
from eval.normalization.normalize import word_key


@dataclass(frozen=True, slots=True)
class Erasure:
    """Words that were taken back, and words that stayed. Can be added: ``sum(erasures)``.

    ``erased`` and ``final`` ignore case and punctuation; the raw counts include every change of a
    word's spelling, and count separate punctuation as a word.
    """

    erased: int = 0
    final: int = 0
    raw_erased: int = 0
    raw_final: int = 0

    @property
    def rate(self) -> float:
        """Erased words ÷ final words; infinite if all were taken back, 0 if none were shown.

        Normalised erasure (Arivazhagan et al. 2020), counted per cue.
        """
        return _ratio(self.erased, self.final)

    @property
    def raw_rate(self) -> float:
        """The same with words as written."""
        return _ratio(self.raw_erased, self.raw_final)

    def __add__(self, other: Erasure) -> Erasure:
        return Erasure(
            self.erased + other.erased,
            self.final + other.final,
            self.raw_erased + other.raw_erased,
            self.raw_final + other.raw_final,
        )

    def __radd__(self, other: int) -> Erasure:
        if other != 0:  # sum() starts with 0; any other number is a mistake
            return NotImplemented
        return self


def erasure(updates: Iterable[Update]) -> Erasure:
    """Count, over all updates of each cue, the old words after the longest common prefix.

    Only the order of updates matters, not their times. Cues may interleave. Removing a cue erases
    all its words and leaves no final ones.
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


def revision_ages(updates: Iterable[Update]) -> list[int]:
    """Return how long each erased word had been shown before it was taken back, in ms.

    The words are those that ``erasure`` counts, without case and punctuation.
    """
    standing: dict[str, list[tuple[str, int]]] = {}
    ages: list[int] = []
    for update in updates:
        before = standing.get(update.cue, [])
        words = [key for word in (update.text or "").split() if (key := word_key(word))]
        kept = common_beginning([word for word, _ in before], words)
        ages += [update.at_ms - since for _, since in before[kept:]]
        standing[update.cue] = before[:kept] + [(word, update.at_ms) for word in words[kept:]]
    return ages


WRAP = 40
"""Characters per line; our page's default."""


def wrapped(text: str, width: int = WRAP) -> tuple[str, ...]:
    """Break ``text`` into lines like a page: as many words as fit; a longer word alone."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines)


def line_jumps(history: Sequence[Sequence[str]]) -> int:
    """Count unchanged words, before the first changed one, that moved to another line.

    history: the lines of the cue's whole text at each update.
    """
    return sum(_jumped(before, after) for before, after in pairwise(history))


def _jumped(before: Sequence[str], after: Sequence[str]) -> int:
    old, new = (
        [(word, number) for number, line in enumerate(lines) for word in line.split()]
        for lines in (before, after)
    )
    same = common_beginning([word for word, _ in old], [word for word, _ in new])
    return sum(a != b for (_, a), (_, b) in zip(old[:same], new[:same], strict=True))


def common_beginning(before: Sequence[str], after: Sequence[str]) -> int:
    """Return the number of words in the common prefix of two texts."""
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
