"""Every figure by name: its ratio or quantile, its unit, and which direction is better.

A figure over many clips is never the mean of their figures: it is the ratio of their sums, or a
quantile of all their values. docs/evaluation.md says what each one means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Literal, Protocol

import numpy as np

from eval.measures.bootstrap import (
    RESAMPLES,
    Interval,
    Numbers,
    interval,
    quantiles,
    ratios,
    resampled,
)

Unit = Literal["share", "s", "count", "per minute", "characters/s", "words/min"]

_OF_TIME = {"stalled"}  # shares of a time, not of things


class Sums(Protocol):
    """A clip's contribution to the figures: see ``eval.measures.clip_score.Score``."""

    @property
    def sums(self) -> Mapping[str, tuple[float, float]]: ...
    @property
    def values(self) -> Mapping[str, Sequence[float]]: ...


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. ``of``: the values that it uses; ``quantile``: which one, or None for a ratio.

    lower: less is better. unit "count": the plain sum over clips.
    """

    name: str
    of: str
    unit: Unit
    quantile: float | None = None
    lower: bool = True

    def value(self, clips: Sequence[Sums]) -> float | None:
        """Return the figure over all clips; None if none of them has the values."""
        if self.quantile is not None:
            all_values = [value for clip in clips for value in clip.values.get(self.of, ())]
            return quantile(all_values, self.quantile) if all_values else None
        pairs = [clip.sums[self.of] for clip in clips if self.of in clip.sums]
        top, bottom = (sum(column) for column in zip(*pairs, strict=True)) if pairs else (0, 0)
        if self.unit == "count":
            return float(top) if pairs else None
        return top / bottom if bottom else None

    def out_of(self, clips: Sequence[Sums]) -> int | None:
        """Return the number of items behind a share or a quantile; None for a count or a rate."""
        if self.quantile is not None:
            return sum(len(clip.values.get(self.of, ())) for clip in clips)
        if self.unit != "share" or self.of in _OF_TIME:
            return None
        return round(sum(clip.sums[self.of][1] for clip in clips if self.of in clip.sums))

    def ratio(self, clips: Sequence[Sums]) -> list[tuple[float, float]]:
        """Return each clip's numerator and denominator, without clips that were not measured."""
        pairs = [clip.sums.get(self.of, (0.0, 0.0)) for clip in clips]
        if self.unit == "count":
            return [(top, 1 / len(clips)) for top, _ in pairs]
        return pairs


def quantile(values: Sequence[float], q: float) -> float:
    """Like ``numpy.quantile``, but a hundred times faster for a few values."""
    ranked = sorted(values)
    place = q * (len(ranked) - 1)
    low, high = ranked[floor(place)], ranked[ceil(place)]
    return low + (high - low) * (place - floor(place))


FEWEST = 5
"""With fewer clips than this, resampling gives no meaningful interval."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure over ``clips`` clips, with its 95 % interval if there is enough data.

    over_speakers: the interval when speakers are resampled instead of clips, if there are enough;
    speakers: how many there are, or None if that is not known.
    out_of: the number of words, marks, captions or other values behind the share or quantile.
    """

    name: str
    value: float
    sure: Interval | None
    clips: int
    out_of: int | None = None
    speakers: int | None = None
    over_speakers: Interval | None = None


STAGES = ("engine", "bot", "network", "page")
"""The parts of a delay. Parts not observed separately are combined: engine_bot."""

PARTS = tuple(
    "_".join(STAGES[begin:end])
    for begin in range(len(STAGES))
    for end in range(begin + 1, len(STAGES) + 1)
    if end - begin < len(STAGES)
)

_RATIOS: tuple[tuple[str, Unit, bool], ...] = (
    ("wer", "share", True),
    ("cer", "share", True),
    ("missing", "share", True),
    ("ner_like", "share", False),
    ("name_errors", "share", True),
    ("number_errors", "share", True),
    ("negation_errors", "share", True),
    ("content_errors", "share", True),
    ("function_errors", "share", True),
    ("inflection_errors", "share", True),
    ("punctuation_errors", "share", True),
    ("case_errors", "share", True),
    ("cpwer", "share", True),
    ("tcpwer", "share", True),
    ("tcorcwer", "share", True),
    ("misattribution", "share", True),
    ("invented", "per minute", True),
    ("never_shown", "share", True),
    ("late", "share", True),
    ("erasure", "share", True),
    ("erasure_raw", "share", True),
    ("line_jumps", "count", True),
    ("stalls", "count", True),
    ("stalled", "share", True),
    ("stuck_partials", "count", True),
    ("long_cues", "share", True),
    ("long_lines", "share", True),
    ("vtt_errors", "count", True),
    ("long_tasks", "count", True),
)
_QUANTILES: tuple[tuple[str, Unit, tuple[int, ...]], ...] = (
    ("first_show", "s", (50, 90, 95, 99)),
    ("final_show", "s", (50, 90, 95, 99)),
    *((part, "s", (50, 95)) for part in PARTS),
    ("lag", "s", (50, 95)),
    ("painting", "s", (50, 95)),
    ("revision_age", "s", (50, 95)),
    ("characters_a_second", "characters/s", (50, 95)),
    ("words_a_minute", "words/min", (50, 95)),
)


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        *(Measure(name, name, unit, lower=lower) for name, unit, lower in _RATIOS),
        *(
            Measure(f"{name}_p{percent}", name, unit, percent / 100)
            for name, unit, percents in _QUANTILES
            for percent in percents
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """The same clips by who speaks. groups: those that share no speaker; names: how many people."""

    groups: Sequence[Sums]
    names: int

    @property
    def enough(self) -> bool:
        """Whether there are enough independent groups, and people, to resample them."""
        return min(len(self.groups), self.names) >= FEWEST


def figures(
    clips: Sequence[Sums],
    names: Iterable[str] = MEASURES,
    *,
    resamples: int = RESAMPLES,
    spoken: Spoken | None = None,
) -> dict[str, Figure]:
    """Return the named figures that the clips allow, in that order, with their 95 % intervals.

    A figure over fewer than FEWEST clips, or speakers, has no interval over these.
    """
    times = Counter(of for clip in clips for of in _of(clip))
    known = [name for name in names if times[MEASURES[name].of]]
    values = {name: MEASURES[name].value(clips) for name in known}
    sure = _intervals([n for n in known if times[MEASURES[n].of] >= FEWEST], clips, resamples)
    speakers = spoken.names if spoken else None
    over = _intervals(known, spoken.groups, resamples) if spoken and spoken.enough else {}
    return {
        name: Figure(
            name, value, sure.get(name), times[MEASURES[name].of], MEASURES[name].out_of(clips),
            speakers, over.get(name),
        )
        for name, value in values.items()
        if value is not None
    }  # fmt: skip


def _of(clip: Sums) -> Iterator[str]:
    """Return what was measured for the clip."""
    yield from clip.sums
    yield from (name for name, values in clip.values.items() if len(values))


def _intervals(
    names: Sequence[str], clips: Sequence[Sums], resamples: int
) -> dict[str, Interval | None]:
    found = drawn(names, clips, resamples=resamples)
    return {name: interval(values) for name, values in found.items()}


def drawn(
    names: Iterable[str], clips: Sequence[Sums], *, resamples: int = RESAMPLES
) -> dict[str, Numbers]:
    """Resample each figure; the resamples are equal for all figures and equally long runs."""
    chosen = [MEASURES[name] for name in names]
    rates = [measure for measure in chosen if measure.quantile is None]
    spread: dict[str, list[Measure]] = {}
    for measure in chosen:
        if measure.quantile is not None:
            spread.setdefault(measure.of, []).append(measure)
    pairs = np.array([measure.ratio(clips) for measure in rates], np.float64)
    pairs = pairs.reshape(len(rates), len(clips), 2)
    columns = [rates, *spread.values()]
    statistics = [ratios(pairs[:, :, 0].T, pairs[:, :, 1].T)] + [
        quantiles([clip.values.get(of, ()) for clip in clips], [m.quantile or 0 for m in measures])
        for of, measures in spread.items()
    ]
    found: dict[str, Numbers] = {}
    for measures, values in zip(
        columns, resampled(statistics, len(clips), resamples=resamples), strict=True
    ):
        found |= {measure.name: values[..., n] for n, measure in enumerate(measures) if values.size}
    return found
