"""Word error rate, with the alignment that explains it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel, Levenshtein, Opcodes

LONG = 4_000
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Pair:
    """One step of an alignment: a reference word and its counterpart.

    ``reference`` is None for an inserted word, ``hypothesis`` is None for a deleted one.
    """

    reference: str | None
    hypothesis: str | None


@dataclass(frozen=True, slots=True)
class WordErrors:
    """How a hypothesis differs from its reference, in words. Can be added: ``sum(errors)``.

    The rate of many clips is the rate of their sum, never the mean of their rates.
    """

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    alignment: tuple[Pair, ...] = ()

    @property
    def reference_words(self) -> int:
        """The number of words in the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """The least number of words to change, add or remove (Levenshtein distance)."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Word error rate as a fraction: errors ÷ reference words; may exceed 1.

        Without reference words it is 0 if there are no insertions, and infinite otherwise; use
        ``insertions`` where nobody speaks.
        """
        if self.reference_words == 0:
            return inf if self.insertions else 0.0
        return self.errors / self.reference_words

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.alignment + other.alignment,
        )

    def __radd__(self, other: int) -> WordErrors:
        if other != 0:  # sum() starts with 0; any other number is a mistake
            return NotImplemented
        return self


def missing_and_added(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Return the errors of two sequences of words if a wrong word counts as two."""
    return Indel.distance(reference, hypothesis)


def wer(reference: Sequence[str], hypothesis: Sequence[str]) -> WordErrors:
    """Compare two lists of words, normalised by the caller (``eval.normalization``)."""
    steps = Levenshtein.opcodes(reference, hypothesis)
    pairs: list[Pair] = []
    for step in steps:
        written = reference[step.src_start : step.src_end]
        pairs += map(Pair, *_padded(written, hypothesis[step.dest_start : step.dest_end]))
    return _counts(steps, tuple(pairs))


def cer(reference: Sequence[str], hypothesis: Sequence[str]) -> WordErrors:
    """Compare by characters, with words separated by one space; without the alignment."""
    return _counts(Levenshtein.opcodes(" ".join(reference), " ".join(hypothesis)))


def _counts(steps: Opcodes, alignment: tuple[Pair, ...] = ()) -> WordErrors:
    lengths = Counter[str]()
    for step in steps:
        length = max(step.src_end - step.src_start, step.dest_end - step.dest_start)
        lengths[step.tag] += length
    return WordErrors(
        lengths["equal"], lengths["replace"], lengths["delete"], lengths["insert"], alignment
    )


def _padded(*sides: Sequence[str]) -> Iterator[Sequence[str | None]]:
    """Pad both to the length of the longer one."""
    longest = max(map(len, sides))
    return ([*side, *[None] * (longest - len(side))] for side in sides)


def wer_of_long(reference: Sequence[str], hypothesis: Sequence[str]) -> WordErrors:
    """Like ``wer``, for texts of any length, which are cut where both certainly agree.

    Above LONG words an alignment would take hours. Such texts are cut in the middle of runs of
    ANCHOR words that occur exactly once on each side, in the same order on both; between the cuts
    the alignment is exact. If nothing is shared, pieces are cut by length.
    """
    if min(len(reference), len(hypothesis)) <= LONG:
        return wer(reference, hypothesis)
    parts, begin = list[WordErrors](), (0, 0)
    for cut in [*_cuts(reference, hypothesis), (len(reference), len(hypothesis))]:
        parts += _pieces(reference[begin[0] : cut[0]], hypothesis[begin[1] : cut[1]])
        begin = cut
    return WordErrors(
        sum(part.hits for part in parts),
        sum(part.substitutions for part in parts),
        sum(part.deletions for part in parts),
        sum(part.insertions for part in parts),
        tuple(pair for part in parts for pair in part.alignment),
    )


ANCHOR = 4


def _cuts(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Return positions in both texts inside shared runs, in order, some hundred words apart."""
    numbers: dict[str, int] = {}
    (ours, places), (theirs, others) = (
        _once([numbers.setdefault(word, len(numbers)) for word in words])
        for words in (reference, hypothesis)
    )
    _, left, right = np.intersect1d(ours, theirs, assume_unique=True, return_indices=True)
    shared = sorted(zip(places[left].tolist(), others[right].tolist(), strict=True))
    cuts: list[tuple[int, int]] = []
    for place, other in _rising(shared):
        if not cuts or place - cuts[-1][0] >= LONG // 10:
            cuts.append((place + ANCHOR // 2, other + ANCHOR // 2))
    return cuts


def _once(words: Sequence[int]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Return the runs of ANCHOR words that occur once, as hashes, and their positions.

    If different runs have one hash, texts are cut at a wrong place and errors increase a little;
    with 64 bits this is negligible.
    """
    written = np.array(words, np.uint64)
    runs = np.zeros(max(len(words) - ANCHOR + 1, 0), np.uint64)
    for place in range(ANCHOR):
        runs = (runs + written[place : place + len(runs)]) * _MIX
        runs ^= runs >> np.uint64(29)
    found, places, times = np.unique(runs, return_index=True, return_counts=True)
    return found[times == 1], places[times == 1]


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest selection of pairs that increases on both sides (patience sorting)."""
    tails: list[int] = []  # for each length, the least second value that ends such a selection
    ends: list[int] = []  # and the pair that has it
    before: list[int | None] = []
    for number, (_, second) in enumerate(pairs):
        length = bisect_left(tails, second)
        before.append(ends[length - 1] if length else None)
        tails[length : length + 1] = [second]
        ends[length : length + 1] = [number]
    chosen: list[tuple[int, int]] = []
    at = ends[-1] if ends else None
    while at is not None:
        chosen.append(pairs[at])
        at = before[at]
    return chosen[::-1]


def _pieces(reference: Sequence[str], hypothesis: Sequence[str]) -> Iterator[WordErrors]:
    count = max(1, -(-max(len(reference), len(hypothesis)) // (4 * LONG)))
    for n in range(count):
        ours, theirs = (
            words[len(words) * n // count : len(words) * (n + 1) // count]
            for words in (reference, hypothesis)
        )
        yield wer(ours, theirs)
