"""Results of a whole run: figures, groups, omissions; as results.json and clips.csv.

docs/evaluation.md documents both files.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from typing import Any

from eval.measures.catalogue import MEASURES, Figure, figures
from eval.measures.clip_score import Score, columns_of, cues_of, score, value_in
from eval.measures.speakers import spoken_by
from eval.observation import Observation, Run
from eval.report.gates import Verdict

VERSION = 1

GROUPED = ("wer", "ner_like", "first_show_p50", "first_show_p95", "never_shown", "erasure")
"""The figures shown for groups; all of them would be too many to read."""
GROUPS_MAX = 20
"""A column with more values than this names items; it does not group them."""
FEW_CLIPS, FEW_WORDS = 10, 200
"""Below either limit, a group is too small to be judged."""

_NOBODY = Observation("", "und", 0.0, (), (), "file")


@dataclass(frozen=True, slots=True)
class Group:
    """The clips with one value in a column, and their figures."""

    column: str
    value: str
    clips: int
    words: int
    figures: Mapping[str, Figure]

    @property
    def small(self) -> bool:
        """Whether there is too little data to judge it."""
        return self.clips < FEW_CLIPS or self.words < FEW_WORDS


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a run."""

    run: Run
    scores: tuple[Score, ...]
    figures: Mapping[str, Figure]
    groups: tuple[Group, ...]
    left_out: tuple[str, ...]

    @property
    def measured(self) -> list[Score]:
        """The clips that were not left out entirely."""
        return [one for one in self.scores if one.clip.error is None]

    @property
    def unreadable(self) -> int:
        """The number of recordings that are in no figure because a file could not be read."""
        return sum(int(one.facts["n"]) for one in self.run.doubts if one.name == "unreadable")

    @property
    def uncaptioned(self) -> int:
        """The number of measured clips in which somebody speaks and no caption is."""
        return sum(
            any(turn.text.strip() for turn in one.clip.reference) and not cues_of(one.clip.shown)
            for one in self.measured
        )

    @property
    def vtt_problems(self) -> list[str]:
        """Violations of WebVTT, each with its file or recording and line."""
        return [
            problem if one.clip.through == "file" else f"{one.clip.id}: {problem}"
            for one in self.measured
            for problem in one.clip.vtt_problems or ()
        ]

    @property
    def words(self) -> int:
        """The number of words in all references that could be compared."""
        return sum(one.words for one in self.scores)


@dataclass(frozen=True, slots=True)
class _Share:
    """One speaker's part of a clip, for the breakdown by speaker."""

    sums: Mapping[str, tuple[float, float]]
    words: int
    values: Mapping[str, Sequence[float]] = field(default_factory=dict)


_WORTH_PROCESSES = 4_000  # clips: about three seconds


def score_all(clips: Sequence[Observation]) -> list[Score]:
    """Measure all clips; thousands of them on all processors."""
    if len(clips) < _WORTH_PROCESSES:
        return [score(clip) for clip in clips]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = pool.map(_without_clip, clips, chunksize=500)
        return [replace(one, clip=clip) for one, clip in zip(found, clips, strict=True)]


def _without_clip(clip: Observation) -> Score:
    """Drop the clip itself, so that another process need not send it back."""
    return replace(score(clip), clip=_NOBODY)


def results_of(run: Run, clips: Sequence[Observation]) -> Results:
    """Measure a run."""
    scores = score_all(clips)
    measured = [one for one in scores if one.clip.error is None]
    left_out = [*run.left_out, *(sentence for one in scores for sentence in one.left_out)]
    found = figures(measured, spoken=spoken_by(measured))
    return Results(run, tuple(scores), found, tuple(_groups(measured)), tuple(left_out))


def _groups(scores: Sequence[Score]) -> Iterator[Group]:
    for column in columns_of(scores):
        members: dict[str, list[Score]] = {}
        for one in scores:
            members.setdefault(value_in(column, one.clip), []).append(one)
        if 1 < len(members) <= GROUPS_MAX:
            for value, clips in members.items():
                words = sum(clip.words for clip in clips)
                found = figures(clips, GROUPED, spoken=spoken_by(clips))
                yield Group(column, value, len(clips), words, found)
    voices: dict[str, list[_Share]] = {}
    for one in scores:
        for name, (errors, words) in one.speakers.items():
            voices.setdefault(name, []).append(_Share({"wer": (errors, words)}, words))
    if 1 < len(voices) <= GROUPS_MAX:
        for name, shares in voices.items():
            words = sum(share.words for share in shares)
            yield Group("speaker", name, len(shares), words, figures(shares, GROUPED))


def as_json(results: Results, verdicts: Sequence[Verdict], profile: str) -> str:
    """Return the content of results.json."""
    run = asdict(results.run)
    content = {
        "version": VERSION,
        "run": {name: dict(v) if isinstance(v, Mapping) else v for name, v in run.items()},
        "counts": {
            "clips": len(results.scores),
            "measured": len(results.measured),
            "reference_words": results.words,
            "left_out": len(results.left_out),
        },
        "profile": profile,
        "verdicts": [{"rule": str(verdict.rule), "state": verdict.state} for verdict in verdicts],
        "figures": _figures(results.figures),
        "groups": [
            {
                "column": group.column,
                "value": group.value,
                "clips": group.clips,
                "words": group.words,
                "too_little_data": group.small,
                "figures": _figures(group.figures),
            }
            for group in results.groups
        ],
        "left_out": list(results.left_out),
        "vtt_problems": results.vtt_problems,
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _figures(found: Mapping[str, Figure]) -> dict[str, Any]:
    return {
        name: {
            "value": figure.value,
            "low": figure.sure.low if figure.sure else None,
            "high": figure.sure.high if figure.sure else None,
            "clips": figure.clips,
            "out_of": figure.out_of,
            "speakers": figure.speakers,
            "speakers_low": figure.over_speakers.low if figure.over_speakers else None,
            "speakers_high": figure.over_speakers.high if figure.over_speakers else None,
            "unit": MEASURES[name].unit,
        }
        for name, figure in found.items()
    }


def as_csv(results: Results) -> str:
    """Return the content of clips.csv: a line per clip with its columns and figures."""
    columns = list(dict.fromkeys(name for one in results.scores for name in one.clip.columns))
    taken = [name for name in MEASURES if name in results.figures]
    head = ["id", "path", "language", "condition", "through", "seconds", "words", "error"]
    lines = io.StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow([*head, *(f"column.{name}" for name in columns), *taken])
    for one in results.scores:
        clip = one.clip
        values = (MEASURES[name].value([one]) for name in taken)
        table.writerow(
            [
                *(clip.id, clip.path, clip.language, clip.condition, clip.through, clip.seconds),
                *(one.words, clip.error or ""),
                *(clip.columns.get(name, "") for name in columns),
                *("" if value is None else round(value, 6) for value in values),
            ]
        )
    return lines.getvalue()
