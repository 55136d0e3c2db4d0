"""Compares two runs over the same clips by paired bootstrap: better, worse, or can't tell.

Runs that differ in more than the captions are called not comparable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from eval.measures.bootstrap import Interval, interval
from eval.measures.catalogue import FEWEST, MEASURES, Measure, drawn
from eval.measures.clip_score import Score, columns_of, value_in
from eval.observation import Run
from eval.runs.passages import recording_of

Outcome = Literal["better", "worse", "the same", "can't tell"]


Obstacle = Literal["through", "recordings", "condition", "seed", "language", "versions"]
"""In what two runs differ besides their captions."""


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
    obstacles: Mapping[Obstacle, tuple[str, str]] = field(default_factory=dict)


COMPARED = ("wer", "ner_like", "first_show_p50", "first_show_p95", "never_shown", "erasure")
"""The figures of which groups are compared."""


def in_one_piece(
    runs: tuple[Run, Run], clips: tuple[Sequence[Score], Sequence[Score]]
) -> tuple[Sequence[Score], Sequence[Score]]:
    """Join the passages of recordings that the two runs cut at different words.

    Recordings are cut where captions begin, so those of two products seldom have equal passages.
    """
    first, second = ([(one.clip.id, one.words) for one in side] for side in clips)
    if first == second:
        return clips
    ours, theirs = (
        _joined(side) if "passages" in run.settings else side
        for run, side in zip(runs, clips, strict=True)
    )
    return ours, theirs


def _joined(passages: Sequence[Score]) -> list[Score]:
    recordings: dict[str, list[Score]] = {}
    for one in passages:
        recordings.setdefault(recording_of(one.clip.id), []).append(one)
    return [_whole(name, parts) for name, parts in recordings.items()]


def _whole(name: str, parts: Sequence[Score]) -> Score:
    sums: dict[str, tuple[float, float]] = {}
    values: dict[str, list[float]] = {}
    for part in parts:
        for key, (top, bottom) in part.sums.items():
            before = sums.get(key, (0, 0))
            sums[key] = before[0] + top, before[1] + bottom
        for key, some in part.values.items():
            values.setdefault(key, []).extend(some)
    return replace(parts[0], clip=replace(parts[0].clip, id=name), sums=sums, values=values)


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
            same = all(measure.value([a]) == measure.value([b]) for a, b in pairs)
            outcome = "the same" if same else _outcome(measure, change)
            yield Difference(name, first, second, change, len(pairs), outcome)


def _outcome(measure: Measure, change: Interval | None) -> Outcome:
    if change is None or change.low <= 0 <= change.high:
        return "can't tell"
    return "better" if (change.high < 0) == measure.lower else "worse"


def obstacles(
    runs: tuple[Run, Run], clips: tuple[Sequence[Score], Sequence[Score]]
) -> dict[Obstacle, tuple[str, str]]:
    """Return in what the runs differ so that their figures cannot be compared, with both values."""
    found: dict[Obstacle, tuple[str, str]] = {}

    def differ(name: Obstacle, values: tuple[str, str]) -> None:
        if values[0] != values[1]:
            found[name] = values

    first, second = clips
    ours, theirs = ({one.clip.id for one in run} for run in clips)
    differ("through", (_kinds(first, "through"), _kinds(second, "through")))
    if ours != theirs:
        found["recordings"] = (str(len(ours)), str(len(theirs)))
    differ("condition", (_kinds(first, "condition"), _kinds(second, "condition")))
    differ("language", (_kinds(first, "language"), _kinds(second, "language")))
    seeds = [run.settings.get("seed", "") for run in runs]
    differ("seed", (seeds[0], seeds[1]))
    versions = [run.versions for run in runs]
    names = [name for name in versions[0] if versions[0][name] != versions[1].get(name)]
    names += [name for name in versions[1] if name not in versions[0]]
    texts = [", ".join(f"{name} {one.get(name, '–')}" for name in names) for one in versions]
    differ("versions", (texts[0], texts[1]))
    return found


def _kinds(scores: Sequence[Score], name: Literal["through", "condition", "language"]) -> str:
    return ", ".join(sorted({str(getattr(one.clip, name)) for one in scores}))
