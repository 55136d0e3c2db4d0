"""The command line. Exit codes: 0, 1 (failed), 2 (wrong usage)."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import secrets
import signal
import sys
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import NoReturn, ParamSpec

import click

from captioner import demo as demo_module
from captioner import engines, metrics
from captioner import log as log_module
from captioner.bot import Bot
from captioner.check import check as check_all
from captioner.errors import CaptionerError, ConfigurationError, NotAllowed, StateError
from captioner.media import duration_s
from captioner.meeting import Left
from captioner.room import LiveKitRoom
from captioner.settings import Settings, read_settings
from captioner.simulation.command import simulate
from captioner.simulation.table import render as render_table
from captioner.state_store import FileStore
from captioner.tokens import agent_token, participant_token, probe
from captioner.transcribe import Format, render, transcribe
from captioner.transcript import write_whole
from captioner.transcript_folder import TranscriptPolicy, tidy
from streaming.errors import StreamingError

P = ParamSpec("P")


def _plainly(command: Callable[P, None]) -> Callable[P, None]:
    """What goes wrong on purpose is one sentence on stderr and exit 1, no stack trace."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (CaptionerError, StreamingError) as exc:
            click.echo(f"captioner: {exc}", err=True)
            sys.exit(1)
        except BaseExceptionGroup as group:
            known, others = group.split((CaptionerError, StreamingError))
            if known is None or others is not None:
                raise
            click.echo(f"captioner: {next(_leaves(known))}", err=True)
            sys.exit(1)

    return run


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command the settings, with what the command line says of the engine."""

    @click.option("--engine", type=click.Choice(["embedded", "kyutai"]), help="Which recogniser.")
    @click.option("--asr", help="Addresses of Kyutai servers: ws://HOST:PORT[,ws://…].")
    @click.option(
        "--fallback",
        type=click.Choice(["embedded", "none"]),
        help="What captions English while no server answers.",
    )
    @functools.wraps(command)
    def run(*, engine: str | None, asr: str | None, fallback: str | None, **others: object) -> None:
        command(read_settings(engine=engine, asr=asr, fallback=fallback), **others)

    return run


def _leaves(group: BaseException) -> Iterator[BaseException]:
    if isinstance(group, BaseExceptionGroup):
        for inner in group.exceptions:
            yield from _leaves(inner)
    else:
        yield group


def _until_signal(work: Coroutine[None, None, None]) -> None:
    """Run; Ctrl-C and SIGTERM cancel, so that everything started is ended."""

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


def program() -> NoReturn:
    """``main``, and then the end of the process without Python's teardown."""
    # LiveKit's threads call back into Python, also while it is torn down; then the process aborts
    # in place of ending with its status: 5 times in 120 when a room was deleted, on a busy machine.
    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    raise AssertionError("click ends a program by SystemExit")


@click.group()
@click.version_option(package_name="live-captions")
def main() -> None:
    """Live captions for LiveKit rooms."""


@main.command()
@click.option("--audio", type=click.Path(path_type=Path), help="Any audio or video file.")
@click.option("--mic", is_flag=True, help='Give the page a "Join and speak" button.')
@click.option("--once", is_flag=True, help="Play once, then end.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="With --once: captions go here (.vtt)."
)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Of the page; 0: a free one."
)
@click.option(
    "--encrypted", is_flag=True, help="End-to-end: the key is CAPTIONER_E2EE_KEY, or a new one."
)
@_plainly
@_with_settings
def demo(
    settings: Settings,
    audio: Path | None,
    mic: bool,
    once: bool,
    out: Path | None,
    port: int,
    encrypted: bool,
) -> None:
    """Try it: media server, bot, page and a voice on this machine."""
    if out and not once:
        raise click.UsageError("--out needs --once: a demo without an end has no whole file")
    if once and mic and not audio:
        raise click.UsageError(
            "--once plays a recording: name one with --audio, or leave out --mic"
        )
    log_module.configure(form=settings.log_format, level=log_module.WARNING)
    key = (settings.e2ee_key.get_secret_value() or secrets.token_urlsafe(16)) if encrypted else ""
    plan = demo_module.Plan(audio, mic, once, out, port, key)
    _until_signal(demo_module.run_demo(plan, settings))


@main.command()
@click.option("--room", required=True, envvar="CAPTIONER_ROOM", help="The room's name.")
@click.option(
    "--identity",
    envvar="CAPTIONER_IDENTITY",
    help="The bot's identity; a new one each time by default.",
)
@_plainly
@_with_settings
def run(settings: Settings, room: str, identity: str | None) -> None:
    """Caption one room until the meeting is over."""
    log_module.configure(form=settings.log_format)
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port)
    asyncio.run(_run(room, identity or f"captions-{uuid.uuid4().hex[:8]}", settings))


async def _run(room: str, identity: str, settings: Settings) -> None:
    secret = settings.livekit_api_secret.get_secret_value()
    given = settings.livekit_token.get_secret_value()

    def token_as(name: str) -> str:
        return given or agent_token(
            settings.livekit_api_key, secret, room=room, identity=name, name="Captions"
        )

    store = FileStore(settings.state_folder)
    with contextlib.suppress(StateError):  # said when the room is joined
        store.tidy()
    async with engines.offered(settings) as offer:
        bot = Bot(
            await offer.choose(settings.engine_name, settings.language),
            url=settings.livekit_url,
            token=lambda: token_as(identity),
            token_as=None if given else token_as,
            policy=settings.policy(offer.languages),
            enabled=settings.enabled,
            choose=offer.choose,
            store=store,
            open_room=functools.partial(LiveKitRoom, key=settings.e2ee_key.get_secret_value()),
            extras=settings.extras,
        )
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, bot.stop)
        left = await bot.run()
    if left is Left.REPLACED:
        raise NotAllowed(f"{left.value}: give each bot an identity of its own")
    click.echo(f"The bot left: {left.value if left else 'it was told to stop'}.", err=True)


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
@_plainly
@_with_settings
def transcribe_command(
    settings: Settings, files: tuple[Path, ...], form: Format, output: Path | None
) -> None:
    """Caption audio or video files, without a room."""
    log_module.configure(form=settings.log_format)

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

    _until_signal(work())


@main.command()
@click.option("--room", required=True)
@click.option("--identity", required=True)
@click.option("--name", default="", help="Shown to others.")
@click.option("--host", is_flag=True, help="May switch captions.")
@click.option("--agent", is_flag=True, help="For a bot.")
@_plainly
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
@_plainly
@_with_settings
def check(settings: Settings) -> None:
    """Say in plain words what is missing or wrong."""
    faults = 0
    for finding in check_all(settings):
        faults += not finding.good
        click.echo(f"{'ok  ' if finding.good else 'BAD '} {finding.what:<18} {finding.advice}")
    sys.exit(1 if faults else 0)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@_plainly
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
    sys.exit(1 if done.failed else 0)


@main.command()
@click.option(
    "--agent-name",
    default="multi-user-transcriber",
    show_default=True,
    help="What a dispatch has to ask for.",
)
@click.option(
    "--rooms", type=click.IntRange(1, 1_000), default=4, show_default=True, help="At once."
)
@click.option(
    "--drain",
    type=click.IntRange(0, 86_400),
    default=3_600,
    show_default=True,
    help="Seconds that meetings may go on after SIGTERM; a second SIGTERM ends them.",
)
@click.option(
    "--health-port",
    type=click.IntRange(1, 65_535),
    help="Answers / with 200 while connected to the media server.",
)
@_plainly
@_with_settings
def worker(
    settings: Settings, agent_name: str, rooms: int, drain: int, health_port: int | None
) -> None:
    """Take rooms from the media server as they are dispatched; a drop-in for La Suite Meet's
    subtitle agent."""
    try:
        from captioner import worker as worker_module  # its library is an extra, and slow to load
    except ImportError:
        raise ConfigurationError(
            "the worker needs livekit-agents: pip install 'live-captions[worker]'"
        ) from None
    log_module.configure(form=settings.log_format)
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    if not key or not secret:
        raise ConfigurationError("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
    probe(settings.livekit_url, key, secret)
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port)
    said = {
        "CAPTIONER_ENGINE": settings.engine,
        "CAPTIONER_ASR": settings.asr,
        "CAPTIONER_FALLBACK": settings.fallback,
    }
    plan = worker_module.WorkerPlan(
        settings.livekit_url, key, secret,
        worker_module.bot_environment(os.environ, **said),
        agent_name=agent_name, rooms=rooms, drain_s=drain, health_port=health_port,
    )  # fmt: skip

    async def work() -> None:
        made = worker_module.Worker(plan)
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, made.stop)
        await made.run()

    asyncio.run(work())


@main.command("simulate")
@click.option("--people", type=click.IntRange(2, 50), default=10, show_default=True)
@click.option("--minutes", type=click.FloatRange(0.5, 480), default=30, show_default=True)
@click.option("--faults", type=click.IntRange(0, 1_000), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Another meeting.")
@click.option(
    "--costs/--no-costs", "measure", default=True, help="What attendees cost, 3 minutes more."
)
@click.option("--explain", is_flag=True, help="Say where each lost or doubled word was.")
@_plainly
def simulate_command(
    people: int, minutes: float, faults: int, seed: int, measure: bool, explain: bool
) -> None:
    """Play a scripted meeting with faults on this machine, and print what came of each word."""
    log_module.configure(form="console", level=log_module.WARNING)
    rows = asyncio.run(
        simulate(
            lambda line: click.echo(line, err=True), people=people, minutes=minutes,
            faults=faults, seed=seed, measure=measure, explain=explain,
        )
    )  # fmt: skip
    click.echo(render_table(rows))
    sys.exit(1 if any(row.good is False for row in rows) else 0)
