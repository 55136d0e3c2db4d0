"""Print the tables of docs/quality.md from measured runs, a column for each language.

    make quality SPEECH=FOLDER            # measures, then prints
    python -m benchmarks.quality RUNS

RUNS: a folder with one folder for each language ("en"), which holds what ``caption-eval run``
wrote: "screen" was made with ``--through browser``, "meeting…" of ``caption-eval meetings``, and
the others with ``--fast``, each under one condition.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from eval.measures.catalogue import STAGES, figures
from eval.measures.clip_score import Score
from eval.observation import observed, read_run
from eval.report.gates import PROFILES
from eval.report.results import Results, results_of
from eval.report.wording import Wording, wording

SCREEN = "screen"
MEETING = "meeting"
FIRST = ("en", "fr")
ALSO = ("wer", "never_shown", "late", "invented", "vtt_errors")
IN_MEETINGS = ("wer", "cpwer", "tcorcwer")

Runs = Mapping[str, Mapping[str, Results]]
"""Results by language and by the name of their folder."""


def read(root: Path) -> Runs:
    languages = sorted(
        (folder for folder in root.iterdir() if folder.is_dir()),
        key=lambda folder: (folder.name not in FIRST, folder.name),
    )
    return {
        language.name: {
            run.name: results_of(read_run(run), list(observed(run).values()))
            for run in sorted(language.iterdir())
            if (run / "run.json").exists()
        }
        for language in languages
    }


def table(first: str, columns: Iterable[str]) -> Iterator[str]:
    head = [first, *columns]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"


def row(label: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([label, *cells])} |"


def cell(results: Results | None, name: str, words: Wording) -> str:
    """Format the figure with its range."""
    figure = results.figures.get(name) if results else None
    return f"{words.value(name, figure.value)} ({words.range(figure)})" if figure else "–"


def measured(screens: Mapping[str, Results], words: Wording) -> Iterator[str]:
    for language, run in screens.items():
        seconds = sum(one.clip.seconds for one in run.measured)
        others = words.percent(run.run.load.get("others", 0), 0)
        yield (
            f"{language}: {len(run.measured)} recordings, {run.words:,} words,"
            f" {seconds / 60:.1f} minutes; other programs took {others} of the machine."
        )


def short(screens: Mapping[str, Results], words: Wording) -> Iterator[str]:
    yield from table("", [*screens, "aim"])
    aims = {
        rule.measure: f"{rule.comparison} {words.value(rule.measure, rule.limit)}"
        for rule in PROFILES["aims"].rules
    }
    for name in dict.fromkeys((*aims, *ALSO)):
        cells = [cell(run, name, words) for run in screens.values()]
        yield row(words.label(name), [*cells, aims.get(name, "")])


def sources(scores: Sequence[Score], words: Wording) -> Iterator[str]:
    """Group clips by the folder of their recording."""
    yield from table("", ["recordings", "words", "wrong words", "50 % within", "95 % within"])
    found: dict[str, list[Score]] = {}
    for one in scores:
        found.setdefault(one.clip.id.rpartition("/")[0] or one.clip.id, []).append(one)
    for name, some in sorted(found.items(), key=lambda pair: -len(pair[1])):
        of = figures(some, ("wer", "first_show_p50", "first_show_p95"))
        cells = [words.value(figure.name, figure.value) for figure in of.values()]
        yield row(name, [str(len(some)), f"{sum(one.words for one in some):,}", *cells])


def delays(screens: Mapping[str, Results], words: Wording) -> Iterator[str]:
    yield from table("half of the words / 95 %", screens)
    for name in STAGES:
        label = words.label(f"{name}_p50").rpartition(",")[0]
        found = [
            [run.figures.get(f"{name}_p{percent}") for percent in (50, 95)]
            for run in screens.values()
        ]
        shown = (
            " / ".join(f"{1000 * one.value:,.0f} ms" if one else "–" for one in pair)
            for pair in found
        )
        yield row(label, shown)


def conditions(runs: Runs, words: Wording) -> Iterator[str]:
    yield from table("wrong words", runs)
    names = dict.fromkeys(name for some in runs.values() for name in some)
    for name in names:
        if name == SCREEN or name.startswith(MEETING):
            continue
        some = [of.get(name) for of in runs.values()]
        label = next(run.run.settings["condition"] for run in some if run)
        yield row(label, [cell(run, "wer", words) for run in some])


def meetings(runs: Runs, words: Wording) -> Iterator[str]:
    yield from table("", ["", *(words.label(name) for name in IN_MEETINGS)])
    for language, some in runs.items():
        for name, run in some.items():
            if name.startswith(MEETING):
                condition = f"{name.replace('-', ' ')}, {run.run.settings['condition']}"
                yield row(language, [condition, *(cell(run, one, words) for one in IN_MEETINGS)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path)
    words, runs = wording("en"), read(parser.parse_args().runs)
    screens = {language: some[SCREEN] for language, some in runs.items() if SCREEN in some}
    print(*measured(screens, words), sep="\n")
    for title, lines in (
        ("In short", short(screens, words)),
        ("By source", sources([one for run in screens.values() for one in run.measured], words)),
        ("Where the time goes", delays(screens, words)),
        ("Where it breaks", conditions(runs, words)),
        ("Meetings", meetings(runs, words)),
    ):
        print(f"\n## {title}\n", *lines, sep="\n")


if __name__ == "__main__":
    main()
