"""Two runs over the same clips: better, worse, or can't tell. Paired bootstrap over clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.bootstrap import RESAMPLES, Interval, interval
from eval.measures import FEWEST, MEASURES, Measure
from eval.scoring import Score

Outcome = Literal["better", "worse", "can't tell"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one figure, the second run's minus the first's. outcome: of the second run."""

    name: str
    first: float
    second: float
    change: Interval | None
    clips: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Comparison:
    """differences: of all clips that both runs have, then of each group by (column, value)."""

    differences: tuple[Difference, ...]
    groups: Mapping[tuple[str, str], tuple[Difference, ...]]
    only_first: int
    only_second: int


COMPARED = ("wer", "ner_like", "first_show_p50", "first_show_p95", "never_shown", "erasure")
"""What groups are compared by."""


def compare(first: Sequence[Score], second: Sequence[Score]) -> Comparison:
    """Compare clips of one id and condition; those that only one run has are counted."""
    ours, theirs = _by_name(first), _by_name(second)
    both = [name for name in ours if name in theirs]
    pairs = [(ours[name], theirs[name]) for name in both]
    columns = dict.fromkeys(name for one, _ in pairs for name in one.clip.columns)
    groups: dict[tuple[str, str], tuple[Difference, ...]] = {}
    for column in ("condition", "language", *columns):
        members: dict[str, list[tuple[Score, Score]]] = {}
        for pair in pairs:
            members.setdefault(_value(pair[0], column), []).append(pair)
        if 1 < len(members) <= len(pairs) // FEWEST:
            groups |= {
                (column, value): tuple(_differences(some, COMPARED))
                for value, some in members.items()
            }
    return Comparison(
        tuple(_differences(pairs, MEASURES)), groups, len(ours) - len(both), len(theirs) - len(both)
    )


def _by_name(scores: Sequence[Score]) -> dict[tuple[str, str], Score]:
    return {(one.clip.id, one.clip.condition): one for one in scores if one.clip.error is None}


def _value(one: Score, column: str) -> str:
    match column:
        case "condition":
            return one.clip.condition
        case "language":
            return one.clip.language
    return one.clip.columns.get(column, "")


def _differences(
    pairs: Sequence[tuple[Score, Score]], names: Sequence[str] | Mapping[str, Measure]
) -> Iterator[Difference]:
    for name in names:
        measure = MEASURES[name]
        known = [
            pair for pair in pairs if all(measure.of in {**one.sums, **one.values} for one in pair)
        ]
        first, second = ([pair[side] for pair in known] for side in (0, 1))
        before, after = measure.value(first), measure.value(second)
        if before is not None and after is not None:
            change = _change(measure, first, second)
            outcome = _outcome(measure, change)
            yield Difference(name, before, after, change, len(known), outcome)


def _change(measure: Measure, first: Sequence[Score], second: Sequence[Score]) -> Interval | None:
    if len(first) < FEWEST:
        return None
    # One seed: in each resample the same clips are drawn of both runs.
    before, after = (
        measure.resampled(clips, resamples=RESAMPLES, seed=0) for clips in (first, second)
    )
    return interval(after - before)


def _outcome(measure: Measure, change: Interval | None) -> Outcome:
    if change is None or change.low <= 0 <= change.high:
        return "can't tell"
    return "better" if (change.high < 0) == measure.lower else "worse"
