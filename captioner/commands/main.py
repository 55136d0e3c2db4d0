"""The command line.

Exit codes: 0, 1 (failed), 2 (wrong usage), 70 (a bug), 77 (`run`: somebody removed the bot).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NoReturn

import click

from captioner import engines
from captioner import log as log_module
from captioner.atomic_file import must_be_writable, write_text
from captioner.audio_file import duration_s
from captioner.commands.api import api
from captioner.commands.check import check as check_all
from captioner.commands.doctor import doctor, show
from captioner.commands.models import models
from captioner.commands.options import (
    MATTER,
    help_on,
    plainly,
    run_and_exit,
    until_signal,
    with_settings,
)
from captioner.commands.page import page
from captioner.commands.plan import plan_command
from captioner.commands.rooms import demo, run
from captioner.commands.transcribe import Format, render, transcribe
from captioner.commands.worker import worker
from captioner.room.tokens import agent_token, participant_token
from captioner.settings import Settings, read_settings
from captioner.transcript.folder import TranscriptPolicy, tidy


def program() -> NoReturn:
    """The entry point of ``captioner``."""
    run_and_exit(main, "captioner")


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
                if done[-1].nothing_recognized:
                    click.echo(
                        f"{path}: no speech was recognised in it, although it is not silent;"
                        f" is it in another language than {engine.language}?",
                        err=True,
                    )
        text = render(done, Format(form))
        if output:
            write_text(output, text)
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
        raise click.UsageError("a bot is not a host: give --host or --agent, not both")
    settings = read_settings()
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    minted = (
        agent_token(key, secret, room=room, identity=identity, name=name or "Captions")
        if agent
        else participant_token(key, secret, room=room, identity=identity, name=name, host=host)
    )
    click.echo(minted)


@main.command(epilog=help_on("LIVEKIT_TOKEN", *MATTER))
@plainly
@with_settings
def check(settings: Settings) -> None:
    """Say in plain words what is missing or wrong."""
    faults = 0
    for finding in check_all(settings):
        faults += not finding.good
        show(finding)
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


@main.command("simulate", hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def simulate(options: tuple[str, ...]) -> None:
    """Say where this command is now."""
    raise click.UsageError(" ".join(("this is now: caption-eval simulate", *options)))


for command in (api, demo, doctor, models, page, plan_command, run, worker):
    main.add_command(command)
