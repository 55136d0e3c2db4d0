"""The command ``captioner worker``."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import sys
import tempfile

import click

from captioner import engines
from captioner import log as log_module
from captioner.commands.check import must_be_folder
from captioner.commands.options import (
    IDENTITY,
    JOB,
    MATTER,
    ROOM,
    UNHEARD,
    exit_after,
    help_on,
    plainly,
    with_settings,
)
from captioner.commands.rooms import caption_room
from captioner.errors import ConfigurationError
from captioner.room.tokens import probe
from captioner.settings import Settings, read_settings
from captioner.worker import process_metrics
from captioner.worker.bot_process import Pulse, bot_environment
from captioner.worker.fork_server import Forks, ForkServer, Variables
from captioner.worker.plan import AGENT_NAME, WorkerPlan
from captioner.worker.worker import Worker
from streaming.embedded.models import installed
from streaming.embedded.shared_model import serve


@click.command(epilog=help_on(*MATTER))
@click.option(
    "--agent-name",
    default=AGENT_NAME,
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
    help="Seconds that meetings may go on after SIGTERM if no other worker takes them over; a"
    " second SIGTERM ends them.",
)
@click.option(
    "--health-port",
    type=click.IntRange(1, 65_535),
    help="Answers / with 200 while connected to the media server, else with 503.",
)
@plainly
@with_settings
def worker(
    settings: Settings, agent_name: str, rooms: int, drain: int, health_port: int | None
) -> None:
    """Take rooms as the media server dispatches them; replaces La Suite Meet's subtitle agent."""
    log_module.configure(form=settings.log_format)
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    if not key or not secret:
        raise ConfigurationError("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
    engines.check(settings)
    if settings.transcripts is not None:
        must_be_folder(settings.transcripts)
    probe(settings.livekit_url, key, secret)
    said = {
        "CAPTIONER_ENGINE": settings.engine,
        "CAPTIONER_ASR": settings.asr,
        "CAPTIONER_FALLBACK": settings.fallback,
        "CAPTIONER_LANGUAGE": settings.language,
    }
    environment = bot_environment(os.environ, **said)
    plan = WorkerPlan(
        settings.livekit_url, key, secret,
        notes=settings.state_folder / "workers",
        agent_name=agent_name, rooms=rooms, drain_s=drain, health_port=health_port,
        metrics_port=settings.metrics_port, listen=settings.listen,
    )  # fmt: skip

    @plainly
    def work(connection: socket.socket) -> None:
        asyncio.run(_work(plan, connection))

    # A socket's path must be short, which that of the state folder may not be.
    with (
        tempfile.TemporaryDirectory(prefix="captioner-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        address = f"{folder}/model"
        listener.bind(address)
        listener.listen()

        @plainly
        def bot(variables: Variables, note: int | None) -> None:
            os.environ.clear()
            os.environ.update(environment | dict(variables))
            if settings.metrics_port is not None:
                with contextlib.suppress(OSError):  # captions matter more
                    process_metrics.answer(plan.metrics_folder)
            room, identity = variables[ROOM], variables[IDENTITY]
            log_module.bind(room, key=secret, job=variables[JOB])
            offered = functools.partial(engines.offered, address=address)
            caption_room(
                read_settings(),
                room,
                identity,
                until_empty=True,
                offered=offered,
                alive=Pulse(note).beat,
                unheard_ms=int(variables[UNHEARD]),
            )

        def model(listener: socket.socket) -> None:
            models = installed(settings.model, device=settings.device)
            serve(listener, models, threads=settings.threads)

        server = ForkServer(
            worker=lambda connection: exit_after(lambda: work(connection)),
            bot=lambda variables, note: exit_after(lambda: bot(variables, note)),
            model=lambda listener: exit_after(lambda: model(listener)),
            listener=listener,
        )
        sys.exit(server.run())


async def _work(plan: WorkerPlan, connection: socket.socket) -> None:
    made = Worker(plan, Forks(connection))
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, made.stop)
    await made.run()
