"""The command line. Exit codes: 0, 1 (failed, or a gate is shut), 2 (wrong usage)."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from eval.commands.plain_errors import plainly
from eval.commands.run import listen, run
from eval.commands.score import compared
from eval.report.compare import Comparison, compare
from eval.report.compare_page import comparison_page, table
from eval.report.conclude import ReportOptions, conclude, report_options
from eval.report.results import score_all
from eval.report.wording import TONGUES, Tongue, wording
from eval.runs.machine import this_run
from eval.runs.observation import observed, read_run, write_all, write_files

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
FILE = click.Path(path_type=Path)


@click.group()
@click.version_option(package_name="live-captions")
def main() -> None:
    """How good are the captions? Measure, report, compare."""


@main.command()
@click.argument("reference", type=click.Path(path_type=Path, exists=True))
@click.argument("captions", type=click.Path(path_type=Path, exists=True))
@click.option("--language", default="en", show_default=True, help="What is spoken: en, fr, …")
@click.option("--audio", type=FILE, help="The recording, to be heard in the report.")
@click.option("--out", type=FILE, help="A folder for report.html, results.json and clips.csv.")
@report_options
@plainly
def score(
    reference: Path,
    captions: Path,
    language: str,
    audio: Path | None,
    out: Path | None,
    report: ReportOptions,
) -> None:
    """Compare CAPTIONS of any product with a REFERENCE.

    Both are files (.vtt .srt .txt .stm .ctm .TextGrid), or folders with files of the same names.
    """
    found = compared(reference, captions, language=language, audio=audio)
    settings = {"reference": str(reference), "captions": str(captions), "language": language}
    if found.cut:
        settings["passages"] = str(len(found.clips))
    run = this_run(settings, left_out=found.left_out)
    if out is not None:
        write_all(out, run, found.clips)
    conclude(run, found.clips, out, report)


@main.command()
@click.argument("folder", type=FOLDER)
@report_options
@plainly
def report(folder: Path, report: ReportOptions) -> None:
    """Write the report of a run anew: other thresholds, the other language, gates."""
    conclude(read_run(folder), list(observed(folder).values()), folder, report)


@main.command("compare")
@click.argument("first", type=FOLDER)
@click.argument("second", type=FOLDER)
@click.option("--out", type=FILE, help="A folder for compare.html and compare.json.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--report-language", "tongue", type=click.Choice(TONGUES), default="en")
@plainly
def compare_runs(
    first: Path, second: Path, out: Path | None, as_json: bool, tongue: Tongue
) -> None:
    """Is the run in SECOND better or worse than that in FIRST? Both over the same clips."""
    runs = read_run(first), read_run(second)
    found = compare(*(score_all(list(observed(folder).values())) for folder in (first, second)))
    words, machines = wording(tongue), _for_programs(found)
    click.echo(machines if as_json else table(found, words))
    if out is not None:
        page = comparison_page(found, runs, (str(first), str(second)), words)
        write_files({out / "compare.html": page.encode(), out / "compare.json": machines.encode()})
        click.echo(f"\n{out / 'compare.html'}", err=as_json)
    if not found.differences:
        click.echo("caption-eval: these runs have no clip in common that was measured", err=True)
        sys.exit(1)


def _for_programs(found: Comparison) -> str:
    groups = [
        {"column": column, "value": value, "differences": list(map(asdict, differences))}
        for (column, value), differences in found.groups.items()
    ]
    whole = {
        "differences": list(map(asdict, found.differences)),
        "groups": groups,
        "clips": found.both,
        "only_first": found.only_first,
        "only_second": found.only_second,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


main.add_command(run)
main.add_command(listen)

if __name__ == "__main__":
    main()
