"""How sure a figure is: resampling whole clips.

A figure of many clips is a ratio of two sums, or a quantile of all their values. Clips, not words,
are drawn: errors inside one clip hang together (Bisani & Ney 2004, percentile bootstrap).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """How often each clip is drawn, in each resample: counts[some resamples, clips], in parts."""
    chance = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // max(clips, 1))
    for begin in range(0, resamples, step):
        rows = min(step, resamples - begin)
        drawn = chance.integers(clips, size=(rows, clips), dtype=np.int32)
        drawn += (np.arange(rows, dtype=np.int32) * clips)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * clips)
        yield counts.reshape(rows, clips).astype(np.float64)


def ratios(
    top: ArrayLike, bottom: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Numbers:
    """The ratio of the sums over each resample; nan where the sum below is 0.

    top, bottom: [clips], which gives [resamples], or [clips, figures] for [resamples, figures].
    """
    above, below = np.asarray(top, np.float64), np.asarray(bottom, np.float64)
    found = [
        _divide(counts @ above, counts @ below)
        for counts in draws(len(above), resamples=resamples, seed=seed)
    ]
    return np.concatenate(found) if found else np.empty(0)


def quantiles(
    values: Sequence[Sequence[float]], q: float, *, resamples: int = RESAMPLES, seed: int = 0
) -> Numbers:
    """The quantile ``q`` of all values of each resample, as ``numpy.quantile`` interpolates it.

    values: of each clip. nan for a resample without values.
    """
    flat = np.array([value for clip in values for value in clip], np.float64)
    owner = np.repeat(np.arange(len(values)), [len(clip) for clip in values])
    order = np.argsort(flat, kind="stable")
    flat, owner = flat[order], owner[order]
    found = [
        _quantile(flat, clips[owner], q)
        for counts in draws(len(values), resamples=resamples, seed=seed)
        for clips in counts
    ]
    return np.array(found)


def interval(resampled: Numbers, *, level: float = 0.95) -> Interval | None:
    """The range that leaves out equally many at both ends; None where nothing could be drawn."""
    known = resampled[np.isfinite(resampled)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _divide(above: Numbers, below: Numbers) -> Numbers:
    nothing = np.full(above.shape, np.nan)
    np.divide(above, below, out=nothing, where=below != 0)
    return nothing


def _quantile(values: Numbers, times: Numbers, q: float) -> float:
    """Of sorted values, each taken ``times`` times."""
    upto = np.cumsum(times)
    if not len(upto) or not upto[-1]:
        return float("nan")
    place = q * (upto[-1] - 1)
    low, high = np.searchsorted(upto, [np.floor(place), np.ceil(place)], side="right")
    part = place - np.floor(place)
    return float(values[low] + (values[high] - values[low]) * part)
