"""Options and error handling that the commands share."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from typing import NoReturn, ParamSpec

import click

from captioner.errors import CaptionerError
from captioner.settings import read_settings, variables
from streaming.command_line import unknown_variables
from streaming.errors import StreamingError

P = ParamSpec("P")

ROOM = "CAPTIONER_ROOM"
IDENTITY = "CAPTIONER_IDENTITY"
"""The two variables that are options of ``captioner run`` rather than settings."""

JOB, UNHEARD = "CAPTIONER_JOB", "CAPTIONER_UNHEARD"
"""What a worker tells its bots besides: the dispatch that they serve, and since when nobody has."""

MATTER = (
    "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "CAPTIONER_LANGUAGE", "CAPTIONER_ASR",
    "CAPTIONER_ASR_KEY", "CAPTIONER_HOSTS", "CAPTIONER_CONSENT", "CAPTIONER_STATE",
    "CAPTIONER_TRANSCRIPTS", "CAPTIONER_E2EE_KEY",
)  # fmt: skip
"""The settings that a command's help names."""


def run_and_exit(command: click.Command, name: str) -> NoReturn:
    """Run the program called ``name``, then end the process without Python's teardown."""
    exit_after(lambda: command(prog_name=name))


def exit_after(work: Callable[[], None]) -> NoReturn:
    """End the process after ``work``, with the status that it says, without Python's teardown."""
    # LiveKit's threads call back into Python even during teardown, and then the process aborts
    # instead of exiting with its status: 5 times in 120 when a room was deleted, on a busy machine.
    status = 0
    try:
        work()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except Exception:  # a bug: the status tells a worker that it may try again
        traceback.print_exc()
        status = os.EX_SOFTWARE
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def reporting(
    *expected: type[Exception],
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Report an expected error as one sentence on stderr, and exit with status 1."""

    def decorate(command: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> None:
            try:
                command(*args, **kwargs)
            except expected as exc:
                error: BaseException = exc
            except BaseExceptionGroup as group:
                known, others = group.split(expected)
                if known is None or others is not None:
                    raise
                error = next(_leaves(known))
            else:
                return
            click.echo(f"{_program()}: {error}", err=True)
            sys.exit(1)

        return run

    return decorate


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Report what the commands of ``captioner`` expect to go wrong."""
    return reporting(CaptionerError, StreamingError)(command)


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Pass the settings to the command, overridden by its options for the engine."""

    @click.option(
        "--engine",
        type=click.Choice(["embedded", "kyutai", "realtime"]),
        help="Which recogniser.",
    )
    @click.option("--asr", help="Addresses of speech servers: ws://HOST:PORT[,ws://…].")
    @click.option(
        "--fallback",
        type=click.Choice(["embedded", "none"]),
        help="What captions while no server answers.",
    )
    @click.option("--language", help="Spoken: en, fr, de, …; or auto:en,fr, found by voice.")
    @functools.wraps(command)
    def run(
        *,
        engine: str | None,
        asr: str | None,
        fallback: str | None,
        language: str | None,
        **others: object,
    ) -> None:
        warn_of_unknown()
        chosen = read_settings(engine=engine, asr=asr, fallback=fallback, language=language)
        command(chosen, **others)

    return run


def warn_of_unknown() -> None:
    """Name the variables of ours that no setting has."""
    known = {*variables(), ROOM, IDENTITY}
    for warning in unknown_variables(os.environ, prefix="CAPTIONER_", known=known):
        click.echo(f"{_program()}: warning: {warning}", err=True)


def help_on(*names: str) -> str:
    """Return a paragraph for a command's help: variables with their first sentences."""
    described = {name: field.description or "" for name, field in variables().items()}
    lines = (
        f"  {name:<21}  {described[name].split('. ')[0].rstrip('.').replace('`', '')}"
        for name in names
    )
    # The \b keeps click from filling the lines.
    return "\n".join(("\b", "Variables (docs/settings.md lists all of them):", *lines))


def _program() -> str:
    return click.get_current_context().find_root().info_name or "captioner"


def _leaves(group: BaseException) -> Iterator[BaseException]:
    if isinstance(group, BaseExceptionGroup):
        for inner in group.exceptions:
            yield from _leaves(inner)
    else:
        yield group


def until_signal(work: Coroutine[None, None, None]) -> None:
    """Run until done; Ctrl-C and SIGTERM cancel, so that everything started is ended."""

    async def main() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(name, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            click.echo("\nEnded.", err=True)

    asyncio.run(main())
