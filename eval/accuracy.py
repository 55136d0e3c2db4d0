"""Word error rate, with the alignment that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import inf

import jiwer
import numpy as np


@dataclass(frozen=True, slots=True)
class Pair:
    """One step of an alignment: a reference word beside the word that stands for it.

    ``reference`` is None for an inserted word, ``hypothesis`` is None for a deleted one.
    """

    reference: str | None
    hypothesis: str | None


@dataclass(frozen=True, slots=True)
class WordErrors:
    """How a hypothesis differs from its reference, in words. They add up: ``sum(errors)``.

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

        Without reference words it is 0 if nothing was made up, else infinite: count
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
        if other != 0:  # sum() starts from 0; any other number is a mistake
            return NotImplemented
        return self


def wer(reference: Sequence[str], hypothesis: Sequence[str]) -> WordErrors:
    """Compare two lists of words, normalised by the caller (``eval.text.normalize``)."""
    numbers: dict[str, str] = {}
    # jiwer takes sentences and splits them at spaces; numbers keep every word in one piece.
    written, said = (
        " ".join(numbers.setdefault(word, str(len(numbers))) for word in words)
        for words in (reference, hypothesis)
    )
    result = jiwer.process_words(written, said)
    pairs: list[Pair] = []
    for chunk in result.alignments[0]:
        expected = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        got = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        pairs += [Pair(*pair) for pair in zip_longest(expected, got)]
    return WordErrors(
        result.hits, result.substitutions, result.deletions, result.insertions, tuple(pairs)
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that holds the true value with a stated probability."""

    low: float
    high: float


def bootstrap_interval(
    clips: Sequence[WordErrors], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> Interval:
    """The interval of the word error rate of all clips together, by resampling whole clips.

    Percentile bootstrap (Bisani & Ney 2004). Clips, not words, are drawn: errors inside one clip
    hang together. Raises ValueError when the clips hold no reference words.
    """
    words = np.array([clip.reference_words for clip in clips], dtype=np.int64)
    if not words.sum():
        raise ValueError("the clips hold no reference words: there is no rate to estimate")
    errors = np.array([clip.errors for clip in clips], dtype=np.int64)
    chance = np.random.default_rng(seed)
    rates: list[float] = []
    while len(rates) < resamples:
        drawn = chance.integers(len(words), size=len(words))
        if total := int(words[drawn].sum()):  # a draw of nothing but silent clips has no rate
            rates.append(int(errors[drawn].sum()) / total)
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
