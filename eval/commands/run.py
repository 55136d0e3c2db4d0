"""``caption-eval run`` and ``caption-eval listen``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from captioner.settings import Settings, read_settings
from eval.commands.plain_errors import plainly
from eval.commands.spoken_language import SpokenLanguage
from eval.conditions.microphones import MICROPHONES
from eval.conditions.recipe import (
    RecipeError,
    read_codec,
    read_noise,
    read_overlap,
    read_share,
    recipe_of,
)
from eval.corpus.folder import survey
from eval.corpus.manifest import Corpus, bundled_corpus
from eval.observation import Observation, observed, read_run, write_all
from eval.report.conclude import ReportOptions, conclude, report_options
from eval.runs.listen import overheard
from eval.runs.machine import load_between, this_run, work_so_far
from eval.runs.progress import progress_of
from eval.runs.run import WHERE, RunPlan, fingerprint, measure, todo
from eval.runs.through_engine import through_engine
from eval.runs.through_room import through_room
from eval.runs.watch import Watch

STOPPED = 130
"""The exit code after Ctrl-C, by the convention of shells."""


class _Read(click.ParamType):  # type: ignore[type-arg]  # older clicks have none
    """An option in a form of its own."""

    def __init__(self, name: str, read: Callable[[str], object]) -> None:
        self.name, self._read = name, read

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """As click wants it."""
        try:
            return self._read(value)
        except RecipeError as error:
            self.fail(str(error), param, ctx)


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """The conditions, each an option."""
    for option in reversed(
        (
            click.option("--microphone", type=click.Choice(MICROPHONES),
                         help="As in meetings: far in a room with a fan, a laptop's, a telephone."),
            click.option("--noise", type=_Read("SNR[:KIND]", read_noise),
                         help="Noise so many dB below the voice: 10, 10:fan, :babble or :FILE."),
            click.option("--reverb", "reverb_s", type=click.FloatRange(0.05, 10), metavar="SECONDS",
                         help="A room that takes so long to lose 60 dB (T60)."),
            click.option("--codec", "opus", type=_Read("opus@RATE", read_codec),
                         help="Through libopus at so many bits a second: opus@16k."),
            click.option("--packet-loss", "loss", type=_Read("PERCENT", read_share),
                         help="Of packets of 20 ms, which are then silent."),
            click.option("--level", "level_db", type=click.FloatRange(-90, 0), metavar="DB",
                         help="How loud the voice is, against full scale; -26 is usual."),
            click.option("--overlap", type=_Read("PERCENT[@DB]", read_overlap),
                         help="Somebody else of the corpus speaks into the same microphone."),
            click.option("--seed", type=int, default=0, show_default=True,
                         help="Of all that is drawn by chance."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@click.option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True),
    help="A manifest, or a folder with recordings and transcripts. "
    "Default: the recording that the speech model's package carries.",
)
@click.option(
    "--engine", type=click.Choice(["embedded", "kyutai", "realtime"]), help="Which recogniser."
)
@click.option("--asr", help="Addresses of speech servers: ws://HOST:PORT[,ws://…].")
@click.option(
    "--through",
    type=click.Choice(["engine", "room", "browser"]),
    default="engine",
    show_default=True,
    help="How far the captions go before they are looked at.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A folder for the report; if it holds part of this run, that is not run again.",
)
@click.option("--fast", is_flag=True, help="As fast as it goes; then there are no delays.")
@click.option("--language", default="en", show_default=True, help="Which clips, and what is said.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many clips.")
@recipe_options
@report_options
@plainly
def run(
    corpus: Path | None, engine: str | None, asr: str | None, through: WHERE, out: Path,
    fast: bool, language: str, limit: int | None, report: ReportOptions, **recipe: Any,
) -> None:  # fmt: skip
    """Play recorded speech and report how good its captions are.

    In real time, through the engine alone, a real room, or up to what a browser shows. After
    Ctrl-C the same command resumes the run.
    """
    if fast and through != "engine":
        raise click.UsageError("--fast goes with --through engine: a room runs in real time")
    settings = read_settings(engine=engine, asr=asr, language=language, fallback="none")
    found = survey(corpus, language=language) if corpus else Corpus(tuple(bundled_corpus()))
    made = recipe_of(**recipe)
    plan = RunPlan(
        found, made, through, fast, out, limit=limit,
        settings={
            "corpus": str(corpus or "bundled"), "clips": fingerprint(found.clips),
            "engine": settings.engine_name, "asr": settings.asr, "through": through,
            "fast": str(fast), "language": language, "condition": made.name,
            "seed": str(made.seed), "limit": str(limit or ""),
        },
    )  # fmt: skip
    _play(plan, _watch(plan, settings))
    clips = [one for number, one in observed(out).items() if number <= len(plan.clips)]
    conclude(read_run(out), clips, out, report)


def _watch(plan: RunPlan, settings: Settings) -> Callable[[], AbstractAsyncContextManager[Watch]]:
    if plan.through == "engine":
        return partial(through_engine, settings, fast=plan.fast)
    environment = {k: v for k, v in os.environ.items() if k.startswith("CAPTIONER_ASR")} | {
        "CAPTIONER_ENGINE": settings.engine_name, "CAPTIONER_ASR": settings.asr,
        "CAPTIONER_LANGUAGE": settings.language, "CAPTIONER_FALLBACK": "none",
        "CAPTIONER_WANT": "always",
    }  # fmt: skip
    browser = plan.through == "browser"
    return partial(through_room, environment, browser=browser, tell=partial(click.echo, err=True))


def _play(plan: RunPlan, watch: Callable[[], AbstractAsyncContextManager[Watch]]) -> None:
    """Telling how far it is; Ctrl-C ends it in order, and the process."""
    left = todo(plan)
    skipped = len(plan.clips) - len(left)
    if skipped:
        click.echo(f"{skipped} of {len(plan.clips)} clips are done already.", err=True)
    with progress_of(sum(clip.seconds for _, clip in left), stream=sys.stderr) as progress:
        finished = _until_signal(measure(plan, left, watch, progress))
    if not finished:
        done = len(plan.clips) - len(todo(plan))
        click.echo(
            f"\nStopped with {done} of {len(plan.clips)} clips done;"
            " the same command goes on from there.", err=True,
        )  # fmt: skip
        sys.exit(STOPPED)


def _until_signal(work: Coroutine[None, None, None]) -> bool:
    """Run until done, or cancelled by Ctrl-C or SIGTERM; return whether it finished."""

    async def main() -> bool:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            return False
        return True

    return asyncio.run(main())


@click.command()
@click.option("--room", required=True, help="The room's name.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A folder for the report.",
)
@click.option("--text", is_flag=True, help="Keep what is said too. Ask the meeting first.")
@click.option(
    "--language",
    type=SpokenLanguage(),
    default="en",
    show_default=True,
    help="What is spoken.",
)
@click.option("--name", default="Caption check", show_default=True, help="Shown to the others.")
@report_options
@plainly
def listen(
    room: str, out: Path, text: bool, language: str, name: str, report: ReportOptions
) -> None:
    """Join a live meeting and record when its captions come and change, until it is over.

    It joins as a visible participant that hears nobody, and asks the bot for captions as a reader
    does, because without a reader there is nothing to measure. Ctrl-C ends it and writes the
    report. Without --text no word is kept: letters become x, which suffices for stability and
    readability. LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET (or LIVEKIT_TOKEN) name the
    server.
    """
    settings = read_settings()
    click.echo("Listening. Ctrl-C ends it and writes the report.", err=True)

    async def until_stopped() -> Observation:
        over = asyncio.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(one, over.set)
        return await overheard(
            settings, room=room, name=name, language=language, text=text, over=over
        )

    begin = work_so_far()
    clip = asyncio.run(until_stopped())
    chosen = {"through": "listen", "language": language, "text": str(text)}
    found = replace(this_run(chosen), load=load_between(begin, work_so_far()))
    write_all(out, found, [clip])
    conclude(found, [clip], out, report)
