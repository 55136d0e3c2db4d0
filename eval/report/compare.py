"""Compares two runs over the same clips by paired bootstrap: better, worse, or can't tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eval.measures.bootstrap import Interval, interval
from eval.measures.catalogue import FEWEST, MEASURES, Measure, drawn
from eval.measures.clip_score import Score, columns_of, value_in

Outcome = Literal["better", "worse", "can't tell"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of the second run minus the first's. outcome: of the second run."""

    name: str
    first: float
    second: float
    change: Interval | None
    clips: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Comparison:
    """differences: over all clips that both runs have, then over each group by (column, value).

    both: number of clips that both runs have; only_first, only_second: clips not compared.
    """

    differences: tuple[Difference, ...]
    groups: Mapping[tuple[str, str], tuple[Difference, ...]]
    only_first: int
    only_second: int
    both: int = 0


COMPARED = ("wer", "ner_like", "first_show_p50", "first_show_p95", "never_shown", "erasure")
"""The figures of which groups are compared."""


def compare(first: Sequence[Score], second: Sequence[Score]) -> Comparison:
    """Compare clips of equal id, and of equal condition if a run has an id under several.

    So a run with noise can be compared with one without. Clips that only one run has are counted.
    """
    once = all(len({one.clip.id for one in run}) == len(run) for run in (first, second))
    ours, theirs = (_by_name(run, with_condition=not once) for run in (first, second))
    both = [name for name in ours if name in theirs]
    pairs = [(ours[name], theirs[name]) for name in both]
    groups: dict[tuple[str, str], tuple[Difference, ...]] = {}
    for column in columns_of([one for one, _ in pairs]):
        members: dict[str, list[tuple[Score, Score]]] = {}
        for pair in pairs:
            members.setdefault(value_in(column, pair[0].clip), []).append(pair)
        if 1 < len(members) <= len(pairs) // FEWEST:
            groups |= {
                (column, value): tuple(_differences(some, COMPARED))
                for value, some in members.items()
            }
    return Comparison(
        tuple(_differences(pairs, MEASURES)), groups, len(ours) - len(both),
        len(theirs) - len(both), len(both),
    )  # fmt: skip


def _by_name(scores: Sequence[Score], *, with_condition: bool) -> dict[tuple[str, str], Score]:
    return {
        (one.clip.id, one.clip.condition if with_condition else ""): one
        for one in scores
        if one.clip.error is None
    }


def _differences(
    pairs: Sequence[tuple[Score, Score]], names: Iterable[str]
) -> Iterator[Difference]:
    """Return each figure's difference, over the clips in which both runs have it."""
    alike: dict[tuple[int, ...], list[str]] = {}
    for name in names:
        of = MEASURES[name].of
        known = (n for n, pair in enumerate(pairs) if all(_has(one, of) for one in pair))
        alike.setdefault(tuple(known), []).append(name)
    found = {
        one.name: one
        for known, some in alike.items()
        for one in _differences_of([pairs[n] for n in known], some)
    }
    yield from (found[name] for name in names if name in found)


def _has(one: Score, of: str) -> bool:
    return of in one.sums or of in one.values


def _differences_of(
    pairs: Sequence[tuple[Score, Score]], names: Sequence[str]
) -> Iterator[Difference]:
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    before, after = (drawn(names, side) if len(pairs) >= FEWEST else {} for side in sides)
    for name in names:
        measure = MEASURES[name]
        first, second = map(measure.value, sides)
        if first is not None and second is not None:
            change = interval(after[name] - before[name]) if name in before else None
            yield Difference(name, first, second, change, len(pairs), _outcome(measure, change))


def _outcome(measure: Measure, change: Interval | None) -> Outcome:
    if change is None or change.low <= 0 <= change.high:
        return "can't tell"
    return "better" if (change.high < 0) == measure.lower else "worse"
