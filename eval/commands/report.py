"""``caption-eval report`` and ``caption-eval compare``, which read earlier measurements."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

import click

from eval.commands.plain_errors import plainly
from eval.observation import observed, read_run, write_files
from eval.report.compare import Comparison, compare, in_one_piece, obstacles
from eval.report.compare_page import comparison_page, table
from eval.report.conclude import ReportOptions, conclude, report_options
from eval.report.results import score_all
from eval.report.wording import TONGUES, Tongue, wording

FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("folder", type=FOLDER)
@report_options
@plainly
def report(folder: Path, report: ReportOptions) -> None:
    """Write the report of a run again, with other thresholds, gates or language."""
    conclude(read_run(folder), list(observed(folder).values()), folder, report)


@click.command("compare")
@click.argument("first", type=FOLDER)
@click.argument("second", type=FOLDER)
@click.option(
    "--out", type=click.Path(path_type=Path), help="A folder for compare.html and compare.json."
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--report-language", "tongue", type=click.Choice(TONGUES), default="en")
@plainly
def compare_runs(
    first: Path, second: Path, out: Path | None, as_json: bool, tongue: Tongue
) -> None:
    """Is the run in SECOND better or worse than that in FIRST? Both over the same clips."""
    runs = read_run(first), read_run(second)
    ours, theirs = (score_all(list(observed(folder).values())) for folder in (first, second))
    clips = in_one_piece(runs, (ours, theirs))
    found = replace(compare(*clips), obstacles=obstacles(runs, clips))
    words, machines = wording(tongue), _for_programs(found)
    click.echo(machines if as_json else table(found, words))
    if out is not None:
        names = runs[0].product or str(first), runs[1].product or str(second)
        page = comparison_page(found, runs, names, words)
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
        "comparable": not found.obstacles,
        "obstacles": dict(found.obstacles),
        "differences": list(map(asdict, found.differences)),
        "groups": groups,
        "clips": found.both,
        "only_first": found.only_first,
        "only_second": found.only_second,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)
