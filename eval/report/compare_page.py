"""Presents the comparison of two runs, as text and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eval.observation import Run
from eval.report.compare import COMPARED, Comparison, Difference
from eval.report.templates import page
from eval.report.wording import Wording

_SIGNS = {"better": "✓", "worse": "✗", "the same": "=", "can't tell": "?"}
_STATES = {"can't tell": "unsure", "the same": "same"}


def comparison_page(
    found: Comparison, runs: tuple[Run, Run], names: tuple[str, str], words: Wording
) -> str:
    """Return an HTML file. names: of the two runs."""
    main = [one for one in found.differences if one.name in COMPARED]
    basis = words.fill(words.page["compare_basis"], clips=found.both, a=names[0], b=names[1])
    return page(
        "compare.html", words,
        headline=headline(found, words), basis=basis, main=main, all=found.differences,
        obstacles=list(_obstacles(found, words)),
        only=_only(found, words), differ=[(words.setting(n), a, b) for n, a, b in _differ(*runs)],
        groups=[(_title(words, *group), some) for group, some in found.groups.items()],
        state=lambda one: _STATES.get(one.outcome, one.outcome),
        sign=lambda one: _SIGNS[one.outcome],
    )  # fmt: skip


def headline(found: Comparison, words: Wording) -> str:
    """Return the answer in one sentence."""
    if found.obstacles and found.differences:
        return words.page["not_comparable"]
    counts = {
        name: sum(one.outcome == outcome for one in found.differences)
        for name, outcome in (("better", "better"), ("worse", "worse"), ("unsure", "can't tell"))
    }
    match counts:
        case _ if not found.differences:
            name = "none"
        case {"better": 0, "worse": 0, "unsure": 0}:
            name = "same"
        case {"better": 0, "worse": 0}:
            name = "unsure"
        case {"worse": 0}:
            name = "better"
        case {"better": 0}:
            name = "worse"
        case _:
            name = "mixed"
    return words.fill(words.page[f"compare_{name}"], **counts)


def _obstacles(found: Comparison, words: Wording) -> Iterator[str]:
    """Say in what the runs differ besides their captions."""
    for name, (first, second) in found.obstacles.items():
        if name in ("through", "language"):
            first, second = (
                ", ".join(words.texts[name].get(one, one) for one in side.split(", "))
                for side in (first, second)
            )
        if name == "recordings":
            yield words.fill(words.texts["obstacle"][name], a=int(first), b=int(second))
        else:
            yield words.fill(words.texts["obstacle"][name], a=first or "–", b=second or "–")


def _differ(first: Run, second: Run) -> Iterator[tuple[str, str, str]]:
    """Return the settings in which the runs differ."""
    for ours, theirs in (
        (first.settings, second.settings),
        (first.versions, second.versions),
        (first.machine, second.machine),
    ):
        for name in dict.fromkeys([*ours, *theirs]):
            if ours.get(name) != theirs.get(name):
                yield name, ours.get(name, ""), theirs.get(name, "")


def table(found: Comparison, words: Wording) -> str:
    """Return the comparison as plain text."""
    lines = [headline(found, words)]
    lines += (f"  {sentence}" for sentence in _obstacles(found, words))
    if found.obstacles:
        lines += [words.page["not_comparable_then"]]
    lines += ["", *_lines(found.differences, words)]
    for group, differences in found.groups.items():
        lines += ["", _title(words, *group), *_lines(differences, words)]
    if only := _only(found, words):
        lines += ["", only]
    return "\n".join(lines)


def _title(words: Wording, column: str, value: str) -> str:
    return f"{words.page.get(f'column_{column}', column)}{words.colon}{value or '–'}"


def _only(found: Comparison, words: Wording) -> str:
    if not (found.only_first or found.only_second):
        return ""
    return words.fill(words.page["only_one"], a=found.only_first, b=found.only_second)


def _lines(differences: Sequence[Difference], words: Wording) -> Iterator[str]:
    for one in differences:
        before, after = (words.value(one.name, value) for value in (one.first, one.second))
        change = words.change(one.name, one.change)
        outcome = words.outcome(one.outcome)
        told = "" if one.outcome == "the same" else f" ({change})"
        yield f"{outcome:<12} {words.label(one.name)}{words.colon}{before} → {after}{told}"
