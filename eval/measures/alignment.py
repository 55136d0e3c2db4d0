"""Aligns shown words with spoken words, taking time into account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# One integer per cost: an error outweighs all hits, a hit outweighs the delays of all words.
_MOST_WORDS = 1 << 14
_MOST_DELAY = 1 << 20  # ms, 17 minutes; more counts as much
_HIT = _MOST_WORDS * _MOST_DELAY
_ERROR = _MOST_WORDS * _HIT  # 2**48: 2**15 errors fit in 63 bits

# Forced alignment is inexact, and a recogniser may guess a word from the preceding ones.
_EARLY = 500  # ms

_BESIDE, _LEFT_OUT, _MADE_UP = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Alignment:
    """For each shown word, the index of the aligned spoken word, and of the one it equals."""

    partners: Sequence[int | None]
    hits: Sequence[int | None]


class Reference:
    """Spoken words to align with: their keys, starts and ends, in ms."""

    def __init__(
        self, keys: Sequence[str], starts_ms: Sequence[int], ends_ms: Sequence[int]
    ) -> None:
        self._numbers: dict[str, int] = {}
        self._keys = self._number(keys)
        self._starts = np.array(starts_ms, dtype=np.int64)
        self._ends = np.array(ends_ms, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    def align(
        self,
        shown: Sequence[str],
        shown_ms: Sequence[int],
        start: int,
        stop: int,
        *,
        whole: bool,
    ) -> Alignment:
        """Align shown words with the spoken words from ``start`` to ``stop`` (Levenshtein).

        Of the alignments with the fewest errors, choose those with the most hits, and of these the
        one with the least total delay. A word shown at ``shown_ms`` equals no word that begins
        more than 0.5 s later. whole: all spoken words count; otherwise those after the last match
        do not.

        Raises ValueError for more than 16,384 words.
        """
        spoken, starts, ends = (part[start:stop] for part in (self._keys, self._starts, self._ends))
        if max(len(spoken), len(shown)) > _MOST_WORDS:
            raise ValueError(f"more than {_MOST_WORDS} words: measure in parts, and add up")
        left_out = np.arange(len(spoken) + 1, dtype=np.int64) * _ERROR
        row = left_out
        steps = np.empty((len(shown), len(spoken) + 1), dtype=np.uint8)
        hits = np.empty((len(shown), len(spoken)), dtype=np.bool_)
        for number, (key, at_ms) in enumerate(zip(self._number(shown), shown_ms, strict=True)):
            hits[number] = (spoken == key) & (starts <= at_ms + _EARLY)
            delays = np.clip(at_ms - ends, 0, _MOST_DELAY - 1)
            made_up = row + _ERROR
            beside = row[:-1] + np.where(hits[number], delays - _HIT, _ERROR)
            best = made_up.copy()
            np.minimum(best[1:], beside, out=best[1:])
            # Each omitted word costs the same, so the best path to a cell is a running minimum.
            row = np.minimum.accumulate(best - left_out) + left_out
            steps[number] = np.where(row == made_up, _MADE_UP, _LEFT_OUT)
            steps[number, 1:][row[1:] == beside] = _BESIDE
        end = len(spoken) if whole else int(row.argmin())
        partners: list[int | None] = [None] * len(shown)
        equals: list[int | None] = [None] * len(shown)
        for number, index in _pairs(steps, end):
            partners[number] = start + index
            if hits[number, index]:
                equals[number] = start + index
        return Alignment(partners, equals)

    def _number(self, keys: Sequence[str]) -> NDArray[np.int64]:
        table = self._numbers
        return np.array([table.setdefault(key, len(table)) for key in keys], dtype=np.int64)


def _pairs(steps: NDArray[np.uint8], end: int) -> Iterator[tuple[int, int]]:
    """Trace back from the last shown word; return pairs of shown and spoken words."""
    number, index = len(steps), end
    while number and index:
        step = steps[number - 1, index]
        if step != _LEFT_OUT:
            number -= 1
        if step != _MADE_UP:
            index -= 1
        if step == _BESIDE:
            yield number, index
