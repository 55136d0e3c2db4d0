"""The commands that caption one room: demo, run."""

from __future__ import annotations

import asyncio
import functools
import secrets
import signal
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from math import inf
from pathlib import Path

import click
import structlog

from captioner import engines, metrics
from captioner import log as log_module
from captioner.bot.bot import Bot
from captioner.commands.options import (
    IDENTITY,
    MATTER,
    ROOM,
    help_on,
    plainly,
    until_signal,
    with_settings,
)
from captioner.controls.open_store import open_store
from captioner.demo import demo as demo_module
from captioner.errors import NotAllowed, RoomUnavailable
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import RoomClock
from captioner.room.livekit_room import LiveKitRoom
from captioner.room.protocol import Left
from captioner.room.signed import is_admin
from captioner.room.standstill import Standstills
from captioner.room.tokens import agent_token
from captioner.settings import Settings
from captioner.worker.bot_process import CLOSED_EARLY, HAND_OVER, REMOVED
from streaming.backoff import Backoff

log = structlog.get_logger()

COME_BACK_S = 10.0
"""How often it is tried to join a room that nobody can begin, once the meeting is over."""

COMPANY_S = 10.0
"""A room that is closed as an empty one within this time of somebody being there was not empty."""

Offered = Callable[[Settings], AbstractAsyncContextManager[engines.Offer]]


@click.command()
@click.option(
    "--audio",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Any audio or video file; of several, each is a participant, and they speak in turn.",
)
@click.option("--mic", is_flag=True, help="Speak yourself: the page gets a microphone.")
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
@plainly
@with_settings
def demo(
    settings: Settings,
    audio: tuple[Path, ...],
    mic: bool,
    once: bool,
    out: Path | None,
    port: int,
    encrypted: bool,
) -> None:
    """Try it: run media server, bot, page and a voice on this machine."""
    if out and not once:
        raise click.UsageError("--out needs --once: a demo without an end has no whole file")
    if once and mic and not audio:
        raise click.UsageError(
            "--once plays a recording: name one with --audio, or leave out --mic"
        )
    log_module.configure(form=settings.log_format, level=log_module.WARNING)
    key = (settings.e2ee_key.get_secret_value() or secrets.token_urlsafe(16)) if encrypted else ""
    plan = demo_module.DemoPlan(audio, mic, once, out, port, key)
    until_signal(demo_module.run_demo(plan, settings))


@click.command(epilog=help_on("LIVEKIT_TOKEN", *MATTER))
@click.option("--room", required=True, envvar=ROOM, help="The room's name.")
@click.option(
    "--identity",
    envvar=IDENTITY,
    help="The bot's identity; a new one each time by default.",
)
@click.option("--until-empty", is_flag=True, help="End when the meeting is over.")
@plainly
@with_settings
def run(settings: Settings, room: str, identity: str | None, until_empty: bool) -> None:
    """Caption one room, one meeting after the other."""
    identity = identity or f"captions-{uuid.uuid4().hex[:8]}"
    caption_room(settings, room, identity, until_empty=until_empty)


def caption_room(
    settings: Settings,
    room: str,
    identity: str,
    *,
    until_empty: bool,
    offered: Offered = engines.offered,
    alive: Callable[[int], None] = lambda _: None,
    unheard_ms: int = 0,
) -> None:
    """The command ``run``. offered: the engines that a host may choose from. alive, unheard_ms: as
    in ``Bot``.

    Raises CaptionerError, StreamingError.
    """
    log_module.configure(form=settings.log_format)
    log_module.bind(room, key=settings.livekit_api_secret.get_secret_value())
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port, host=settings.listen)
    asyncio.run(_run(room, identity, settings, offered, alive, unheard_ms, until_empty=until_empty))


async def _run(
    room: str, identity: str, settings: Settings, offered: Offered,
    alive: Callable[[int], None], unheard_ms: int, *, until_empty: bool,
) -> None:  # fmt: skip
    secret = settings.livekit_api_secret.get_secret_value()
    given = settings.livekit_token.get_secret_value()

    def token_as(name: str) -> str:
        return given or agent_token(
            settings.livekit_api_key, secret, room=room, identity=name, name="Captions"
        )

    company_s = -inf

    def beat(people: int) -> None:
        nonlocal company_s
        if people:
            company_s = time.monotonic()
        alive(people)

    def begin() -> Bot:
        return meeting(
            store=open_store(settings.state_place, owner=identity, secret=secret),
            publisher=Publisher(RoomClock.start(monotonic=standstills.now_s)),
        )

    loop = asyncio.get_running_loop()
    metrics.TASKS.set_function(lambda: len(asyncio.all_tasks(loop)))
    standstills = Standstills()
    async with offered(settings) as offer:
        engine = await offer.choose(settings.engine_name, settings.language)
        meeting = functools.partial(
            Bot,
            engine,
            url=settings.livekit_url,
            token=lambda: token_as(identity),
            token_as=None if given else token_as,
            policy=settings.policy(offer.languages),
            enabled=settings.enabled,
            choose=offer.choose,
            open_room=functools.partial(
                LiveKitRoom, key=settings.e2ee_key.get_secret_value(), standstills=standstills
            ),
            extras=settings.extras,
            is_admin=functools.partial(is_admin, key=settings.livekit_api_key, secret=secret),
            alive=beat,
            unheard_ms=unheard_ms,
        )
        with standstills.watched():
            left = await _meetings(begin, until_empty=until_empty)
    if left is Left.REPLACED:
        raise NotAllowed(f"{left.value}: give each bot an identity of its own")
    why = left.value if left else "it was told to stop"
    if settings.log_format == "json":
        log.info("left", why=why)
    else:
        click.echo(f"The bot left: {why}.", err=True)
    if left is Left.REMOVED:
        sys.exit(REMOVED)
    if left is Left.EMPTY and time.monotonic() - company_s < COMPANY_S:
        sys.exit(CLOSED_EARLY)


async def _meetings(begin: Callable[[], Bot], *, until_empty: bool) -> Left | None:
    """One after the other, until the bot has to go: nothing of one is known in the next."""
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        bot.stop()

    bot, backoff = begin(), Backoff(limit_s=COME_BACK_S)
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop)
    asyncio.get_running_loop().add_signal_handler(HAND_OVER, lambda: bot.hand_over())
    left = await bot.run()
    while left in (Left.ROOM_GONE, Left.EMPTY) and not until_empty and not stopped.is_set():
        bot = begin()
        try:
            left = await bot.run()
            backoff.reset()
        except RoomUnavailable:  # the media server lets nobody begin a room, or is away
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), backoff.next_s())
    return left
