"""Confidence intervals of figures, by resampling whole clips.

A figure over many clips is a ratio of two sums, or a quantile of all their values. Clips, not
words, are resampled, because errors in one clip are correlated (Bisani & Ney 2004, percentile
bootstrap).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

RESAMPLES = 1000
_AT_ONCE = 2_000_000  # drawn counts held in memory at a time


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that holds the true value with a stated probability."""

    low: float
    high: float


def draws(clips: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Numbers]:
    """Give how often each resample draws each clip: counts[some resamples, clips], in parts."""
    chance = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // max(clips, 1))
    for begin in range(0, resamples, step):
        rows = min(step, resamples - begin)
        drawn = chance.integers(clips, size=(rows, clips), dtype=np.int32)
        drawn += (np.arange(rows, dtype=np.int32) * clips)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * clips)
        yield counts.reshape(rows, clips).astype(np.float64)


Statistic = Callable[[Numbers], Numbers]
"""Makes [resamples] or [resamples, more] of counts[resamples, clips]."""


def resampled(
    statistics: Sequence[Statistic], clips: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Numbers]:
    """Compute all statistics over the same resamples, because drawing is most of the work."""
    parts: list[list[Numbers]] = [[] for _ in statistics]
    for counts in draws(clips, resamples=resamples, seed=seed) if clips else ():
        for statistic, found in zip(statistics, parts, strict=True):
            found.append(statistic(counts))
    return [np.concatenate(found) if found else np.empty(0) for found in parts]


def ratios(top: ArrayLike, bottom: ArrayLike) -> Statistic:
    """Return the ratio of the sums for each resample; nan if the denominator is 0.

    top, bottom: [clips], which gives [resamples], or [clips, figures] for [resamples, figures].
    """
    above, below = np.asarray(top, np.float64), np.asarray(bottom, np.float64)
    return lambda counts: _divide(counts @ above, counts @ below)


def quantiles(values: Sequence[Sequence[float]], qs: Sequence[float]) -> Statistic:
    """Return the quantiles ``qs`` of all values of each resample, as ``numpy.quantile`` does.

    values: of each clip. [resamples, quantiles]; nan for a resample without values.
    """
    flat = np.array([value for clip in values for value in clip], np.float64)
    owner = np.repeat(np.arange(len(values)), [len(clip) for clip in values])
    order = np.argsort(flat, kind="stable")
    flat, owner = flat[order], owner[order]
    return lambda counts: np.array([_quantiles(flat, clips[owner], qs) for clips in counts])


def interval(resampled: Numbers, *, level: float = 0.95) -> Interval | None:
    """Return the range without equally many values at both ends; None without any values."""
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _divide(above: Numbers, below: Numbers) -> Numbers:
    nothing = np.full(above.shape, np.nan)
    np.divide(above, below, out=nothing, where=below != 0)
    return nothing


def _quantiles(values: Numbers, times: Numbers, qs: Sequence[float]) -> Numbers:
    """Return quantiles of sorted values, each repeated ``times`` times."""
    upto = np.cumsum(times)
    if not len(upto) or not upto[-1]:
        return np.full(len(qs), np.nan)
    place = np.asarray(qs) * (upto[-1] - 1)
    low, high = (
        values[np.searchsorted(upto, end, side="right")]
        for end in (np.floor(place), np.ceil(place))
    )
    found: Numbers = low + (high - low) * (place - np.floor(place))
    return found
