"""Groups clips by who speaks in them, because one person's clips are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.corpus.manifest import SPEAKER
from eval.measures.catalogue import Spoken
from eval.measures.clip_score import Score


@dataclass(frozen=True, slots=True)
class _Group:
    """What several clips contribute together."""

    sums: Mapping[str, tuple[float, float]]
    values: Mapping[str, Sequence[float]]


def speakers_of(one: Score) -> frozenset[str]:
    """Return who speaks in a clip: by the corpus's column speaker, or else by the reference."""
    if name := one.clip.columns.get(SPEAKER, ""):
        return frozenset({name})
    return frozenset(turn.speaker for turn in one.clip.reference if turn.speaker)


def spoken_by(scores: Sequence[Score]) -> Spoken | None:
    """Group clips so that no two groups share a speaker; None if a clip names nobody."""
    names = [speakers_of(one) for one in scores]
    if not scores or not all(names):
        return None
    groups: list[tuple[frozenset[str], list[Score]]] = []
    for own, one in zip(names, scores, strict=True):
        shared = [group for group in groups if group[0] & own]
        groups = [group for group in groups if not group[0] & own]
        people = own.union(*(group[0] for group in shared))
        groups.append((people, [*(one for group in shared for one in group[1]), one]))
    return Spoken([_together(members) for _, members in groups], len(frozenset().union(*names)))


def _together(scores: Sequence[Score]) -> _Group:
    sums: dict[str, tuple[float, float]] = {}
    values: dict[str, list[float]] = {}
    for one in scores:
        for name, (top, bottom) in one.sums.items():
            before = sums.get(name, (0.0, 0.0))
            sums[name] = (before[0] + top, before[1] + bottom)
        for name, some in one.values.items():
            values.setdefault(name, []).extend(some)
    return _Group(sums, values)
