"""The command ``captioner worker``."""

from __future__ import annotations

import asyncio
import os
import signal

import click

from captioner import log as log_module
from captioner import metrics
from captioner.commands.options import MATTER, help_on, plainly, with_settings
from captioner.errors import ConfigurationError
from captioner.room.tokens import probe
from captioner.settings import Settings
from captioner.worker.bot_process import bot_environment
from captioner.worker.worker import AGENT_NAME, Worker, WorkerPlan


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
    help="Seconds that meetings may go on after SIGTERM; a second SIGTERM ends them.",
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
    probe(settings.livekit_url, key, secret)
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port)
    said = {
        "CAPTIONER_ENGINE": settings.engine,
        "CAPTIONER_ASR": settings.asr,
        "CAPTIONER_FALLBACK": settings.fallback,
        "CAPTIONER_LANGUAGE": settings.language,
    }
    plan = WorkerPlan(
        settings.livekit_url, key, secret,
        bot_environment(os.environ, **said),
        notes=settings.state_folder / "workers",
        agent_name=agent_name, rooms=rooms, drain_s=drain, health_port=health_port,
    )  # fmt: skip

    async def work() -> None:
        made = Worker(plan)
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, made.stop)
        await made.run()

    asyncio.run(work())
