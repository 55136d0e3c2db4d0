"""Print the tables of docs/quality.md from measured runs.

    make quality SPEECH=FOLDER            # measures, then prints
    python -m benchmarks.quality RUN [CONDITION_RUN …]

RUN: a folder made by ``caption-eval run --through browser``; the others are made with ``--fast``,
each under one condition.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from eval.measures.catalogue import STAGES, Figure, figures
from eval.measures.clip_score import Score
from eval.observation import observed, read_run
from eval.report.gates import PROFILES, judge
from eval.report.results import Results, results_of
from eval.report.wording import Wording, wording

ALSO = ("wer", "never_shown", "late", "invented", "vtt_errors")


def read(folder: Path) -> Results:
    return results_of(read_run(folder), list(observed(folder).values()))


def cell(found: Mapping[str, Figure], name: str, words: Wording) -> str:
    """Format the figure with its range."""
    figure = found.get(name)
    return f"{words.value(name, figure.value)} ({words.range(figure)})" if figure else "–"


def short(results: Results, words: Wording) -> Iterator[str]:
    yield "| | measured | asked | |"
    yield "|---|---|---|---|"
    for verdict in judge(PROFILES["aims"].rules, results.figures):
        name = verdict.rule.measure
        asked = words.asked(verdict).removeprefix("asked: ")
        value = cell(results.figures, name, words)
        yield f"| {words.label(name)} | {value} | {asked} | {words.state(verdict)} |"
    for name in ALSO:
        yield f"| {words.label(name)} | {cell(results.figures, name, words)} | | |"


def sources(scores: Sequence[Score], words: Wording) -> Iterator[str]:
    """Group clips by the folder of their recording."""
    yield "| | recordings | words | wrong words | 50 % within | 95 % within |"
    yield "|---|---|---|---|---|---|"
    found: dict[str, list[Score]] = {}
    for one in scores:
        found.setdefault(one.clip.id.rpartition("/")[0] or one.clip.id, []).append(one)
    for name, some in sorted(found.items(), key=lambda pair: -len(pair[1])):
        of = figures(some, ("wer", "first_show_p50", "first_show_p95"))
        cells = " | ".join(words.value(figure.name, figure.value) for figure in of.values())
        yield f"| {name} | {len(some)} | {sum(one.words for one in some):,} | {cells} |"


def delays(results: Results, words: Wording) -> Iterator[str]:
    yield "| | half of the words | 95 % |"
    yield "|---|---|---|"
    for name in STAGES:
        found = (results.figures.get(f"{name}_p{p}") for p in (50, 95))
        half, most = (f"{1000 * one.value:,.0f} ms" if one else "–" for one in found)
        yield f"| {words.label(f'{name}_p50').rpartition(',')[0]} | {half} | {most} |"


def conditions(runs: Sequence[Results], words: Wording) -> Iterator[str]:
    yield "| condition | wrong words | weighted accuracy |"
    yield "|---|---|---|"
    for one in runs:
        wer, weighted = (cell(one.figures, name, words) for name in ("wer", "ner_like"))
        yield f"| {one.run.settings.get('condition', '')} | {wer} | {weighted} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("conditions", type=Path, nargs="*")
    arguments = parser.parse_args()
    words, run = wording("en"), read(arguments.run)
    seconds = sum(one.clip.seconds for one in run.measured)
    print(
        f"{len(run.measured)} recordings, {run.words:,} words, {seconds / 60:.0f} minutes. ", end=""
    )
    print(f"Other programs took {words.percent(run.run.load.get('others', 0), 0)} of the machine.")
    for title, lines in (
        ("In short", short(run, words)),
        ("By source", sources(run.measured, words)),
        ("Where the time goes", delays(run, words)),
        ("Where it breaks", conditions([read(one) for one in arguments.conditions], words)),
    ):
        print(f"\n## {title}\n", *lines, sep="\n")


if __name__ == "__main__":
    main()
