"""The command ``captioner doctor``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from captioner import log as log_module
from captioner.audio_file import read_chunks
from captioner.commands.options import help_on, plainly
from captioner.demo.demo import bundled_recording
from captioner.doctor.diagnosis import Finding, diagnose
from captioner.doctor.examination import Visit, examine
from captioner.errors import CaptionerError, ConfigurationError
from captioner.settings import read_settings
from captioner.worker.plan import AGENT_NAME
from streaming.audio import Pcm

RATE = 48_000
SENTENCE_S = 10
SENTENCE = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the"
    " age of foolishness"
)
"""What is said in the first seconds of the recording that the model's package carries."""


def show(finding: Finding) -> None:
    """One line."""
    mark = "ok  " if finding.good else "BAD "
    click.echo(f"{mark} {finding.what:<18} {finding.advice}")


@click.command(epilog=help_on("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"))
@click.option(
    "--room", default="", help="One with a bot, which is spoken in. Default: a room of its own."
)
@click.option(
    "--agent-name", default=AGENT_NAME, show_default=True, help="What its dispatch asks for."
)
@click.option(
    "--audio",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Speech to say, 10 s of it, for a language other than English.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.IntRange(1, 600),
    default=45,
    show_default=True,
    help="Seconds for a bot to come.",
)
@plainly
def doctor(room: str, agent_name: str, audio: Path | None, wait_s: int) -> None:
    """Join a room, say a sentence, read its captions, and say what is slow or broken.

    Takes half a minute. Exit status 0 if all is well, 1 if not: for monitoring.
    """
    log_module.configure(form="console", level=log_module.WARNING)
    settings = read_settings()
    secret = settings.livekit_api_secret.get_secret_value()
    if not settings.livekit_api_key or not secret:
        raise ConfigurationError("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
    visit = Visit(settings.livekit_url, settings.livekit_api_key, secret, room, agent_name, wait_s)
    try:
        seen = asyncio.run(examine(visit, speech(audio), "" if audio else SENTENCE))
        findings = diagnose(seen)
    except CaptionerError as exc:
        findings = [Finding("joining", False, str(exc))]
    for finding in findings:
        show(finding)
    sys.exit(0 if all(finding.good for finding in findings) else 1)


def speech(audio: Path | None) -> list[Pcm]:
    """The first seconds of a recording. Raises CaptionerError."""
    left = SENTENCE_S * RATE
    pieces: list[Pcm] = []
    for chunk in read_chunks(audio or bundled_recording(), rate=RATE):
        pieces.append(chunk[:left])
        left -= len(pieces[-1])
        if left <= 0:
            break
    return pieces
