"""``caption-eval score``: captions of any product against a reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from eval.commands.plain_errors import plainly
from eval.commands.spoken_language import SpokenLanguage
from eval.corpus.transcript_formats import READERS
from eval.observation import write_all
from eval.report.conclude import ReportOptions, conclude, report_options
from eval.runs.from_files import compared
from eval.runs.machine import this_run


@click.command(epilog=f"Files: {' '.join(READERS)}")
@click.argument("reference", type=click.Path(path_type=Path, exists=True))
@click.argument("captions", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--language",
    type=SpokenLanguage(),
    help="What is spoken: en, fr, …  [default: by the words of each file]",
)
@click.option("--product", default="", help="Whose captions these are, for the report.")
@click.option(
    "--audio",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The recording, to be heard in the report.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A folder for report.html, results.json and clips.csv.",
)
@report_options
@plainly
def score(
    reference: Path,
    captions: Path,
    language: str | None,
    product: str,
    audio: Path | None,
    out: Path | None,
    report: ReportOptions,
) -> None:
    """Compare CAPTIONS of any product with a REFERENCE, which says what was spoken.

    Both are files, or folders with files of the same names. What is amiss in a file is mended
    where that is certain; everything that was mended or not understood is said.
    """
    found = compared(reference, captions, language=language, audio=audio)
    settings = {
        "reference": str(reference), "captions": str(captions), "language": found.language,
    }  # fmt: skip
    if found.cut:
        settings["passages"] = str(len(found.clips))
    run = replace(
        this_run(settings, left_out=found.left_out),
        repairs=found.repairs, doubts=found.doubts, product=product,
    )  # fmt: skip
    if out is not None:
        write_all(out, run, found.clips)
    conclude(run, found.clips, out, report)
