"""``caption-eval meetings``: simulated meetings, made of recordings."""

from __future__ import annotations

from pathlib import Path

import click

from eval.commands.plain_errors import plainly
from eval.conditions.meeting import MeetingRecipe
from eval.corpus.folder import survey
from eval.runs.meetings import write_meetings


@click.command()
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="Recordings with transcripts: a manifest or a folder.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A folder for the meetings, which `caption-eval run --corpus` plays.",
)
@click.option("--language", default="en", show_default=True, help="Which recordings.")
@click.option(
    "--count",
    type=click.IntRange(1, 1_000),
    default=1,
    show_default=True,
    help="How many meetings.",
)
@click.option("--people", type=click.IntRange(1, 20), default=4, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.2, 600), default=5.0, show_default=True)
@click.option(
    "--overlap",
    type=click.FloatRange(0, 50),
    default=15.0,
    show_default=True,
    help="Percent of the speech during which two people speak.",
)
@click.option(
    "--backchannel",
    "backchannel_s",
    type=click.FloatRange(0, 600),
    default=12.0,
    show_default=True,
    help="Seconds of a turn from one short word of another to the"
    " next; 0 for none. Needs word times (words.ctm).",
)
@click.option(
    "--one-microphone", is_flag=True, help="One recording of all, as of a microphone on the table."
)
@click.option("--seed", type=int, default=0, show_default=True)
@plainly
def meetings(
    corpus: Path, out: Path, language: str, count: int, people: int, minutes: float,
    overlap: float, backchannel_s: float, one_microphone: bool, seed: int,
) -> None:  # fmt: skip
    """Make meetings of read speech: people who take turns, interrupt and say "yes".

    The conversation is simulated, the voices are real. Put a microphone or a room over it with
    the options of `caption-eval run`.
    """
    found = survey(corpus, language=language)
    recipe = MeetingRecipe(people, minutes * 60, overlap / 100, backchannel_s or None, seed)
    write_meetings(
        out, found.clips, recipe, count=count, one_microphone=one_microphone, tell=click.echo
    )
