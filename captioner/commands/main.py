"""The command line. Exit codes: 0, 1 (failed), 2 (wrong usage), 70 (a bug of ours)."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import traceback
from pathlib import Path
from typing import NoReturn

import click

from captioner import engines
from captioner import log as log_module
from captioner.atomic_file import must_be_writable, write_whole
from captioner.audio_file import duration_s
from captioner.commands.check import check as check_all
from captioner.commands.options import plainly, until_signal, with_settings
from captioner.commands.rooms import demo, run, worker
from captioner.commands.transcribe import Format, render, transcribe
from captioner.room.tokens import agent_token, participant_token
from captioner.settings import Settings, read_settings
from captioner.simulation.command import simulate
from captioner.simulation.table import render as render_table
from captioner.transcript.folder import TranscriptPolicy, tidy


def program() -> NoReturn:
    """``main``, and then the end of the process without Python's teardown."""
    # LiveKit's threads call back into Python, also while it is torn down; then the process aborts
    # in place of ending with its status: 5 times in 120 when a room was deleted, on a busy machine.
    try:
        main()
        raise AssertionError("click ends a program by SystemExit")
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except Exception:  # a bug: a worker knows by the status that it may try again
        traceback.print_exc()
        status = os.EX_SOFTWARE
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


@click.group()
@click.version_option(package_name="live-captions")
def main() -> None:
    """Live captions for LiveKit rooms."""


@main.command("transcribe")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice([f.value for f in Format]),
    default="vtt",
    show_default=True,
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write here, not to stdout.")
@plainly
@with_settings
def transcribe_command(
    settings: Settings, files: tuple[Path, ...], form: Format, output: Path | None
) -> None:
    """Caption audio or video files, without a room."""
    log_module.configure(form=settings.log_format)
    if output:
        must_be_writable(output)

    async def work() -> None:
        async with engines.chosen(settings, live=False) as engine:
            done = []
            for path in files:
                length_ms = int((duration_s(path) or 0) * 1000) or 1
                with click.progressbar(
                    length=length_ms, label=path.name, file=sys.stderr, show_eta=True
                ) as bar:
                    done.append(await transcribe(path, engine, lambda ms: bar.update(ms - bar.pos)))
                    bar.update(length_ms - bar.pos)
        text = render(done, Format(form))
        if output:
            write_whole(output, text)
        else:
            click.echo(text, nl=False)

    until_signal(work())


@main.command()
@click.option("--room", required=True)
@click.option("--identity", required=True)
@click.option("--name", default="", help="Shown to others.")
@click.option("--host", is_flag=True, help="May switch captions.")
@click.option("--agent", is_flag=True, help="For a bot.")
@plainly
def token(room: str, identity: str, name: str, host: bool, agent: bool) -> None:
    """Mint a token for trying things out."""
    if host and agent:
        raise click.UsageError("a bot is no host: --host or --agent, not both")
    settings = read_settings()
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    minted = (
        agent_token(key, secret, room=room, identity=identity, name=name or "Captions")
        if agent
        else participant_token(key, secret, room=room, identity=identity, name=name, host=host)
    )
    click.echo(minted)


@main.command()
@plainly
@with_settings
def check(settings: Settings) -> None:
    """Say in plain words what is missing or wrong."""
    faults = 0
    for finding in check_all(settings):
        faults += not finding.good
        click.echo(f"{'ok  ' if finding.good else 'BAD '} {finding.what:<18} {finding.advice}")
    sys.exit(1 if faults else 0)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@plainly
def recover(folder: Path) -> None:
    """Rebuild the .vtt files of a folder of transcripts; delete what is older than
    CAPTIONER_KEEP_DAYS."""
    policy = TranscriptPolicy(folder, keep_days=read_settings().keep_days)
    done = tidy(policy, now_s=time.time(), every=True)
    for path, cues in done.rebuilt:
        click.echo(f"{path}  {cues} captions")
    for count, what in (
        (done.busy, "being written now, and left alone"),
        (done.deleted, "deleted for their age"),
        (done.failed, "could not be read or written: look at the folder's rights and its disk"),
    ):
        if count:
            click.echo(f"{count} {what}", err=True)
    if not (done.rebuilt or done.busy or done.deleted or done.failed):
        click.echo(f"no transcript in {folder}: nothing to do", err=True)
    sys.exit(1 if done.failed else 0)


@main.command("simulate")
@click.option("--people", type=click.IntRange(2, 50), default=10, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.5, 480), default=30, show_default=True)
@click.option("--faults", type=click.IntRange(0, 1_000), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another meeting.")
@click.option(
    "--costs/--no-costs", "measure", default=True, help="What attendees cost, 2 minutes more."
)
@click.option(
    "--speech/--no-speech", default=True, help="Real speech by several at once, 2 minutes more."
)
@click.option("--explain", is_flag=True, help="Say where each lost, torn or doubled word was.")
@plainly
def simulate_command(
    people: int,
    minutes: float,
    faults: int,
    seed: int,
    measure: bool,
    speech: bool,
    explain: bool,
) -> None:
    """Play a scripted meeting with faults on this machine, and print what came of each word."""
    log_module.configure(form="console", level=log_module.WARNING)
    rows = asyncio.run(
        simulate(
            lambda line: click.echo(line, err=True), people=people, minutes=minutes,
            faults=faults, seed=seed, measure=measure, speech=speech, explain=explain,
        )
    )  # fmt: skip
    click.echo(render_table(rows))
    sys.exit(1 if any(row.good is False for row in rows) else 0)


for command in (demo, run, worker):
    main.add_command(command)
