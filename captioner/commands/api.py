"""The command ``captioner api``."""

from __future__ import annotations

import asyncio

import click

from captioner import log as log_module
from captioner.api.actions import Actions
from captioner.api.http_server import serve
from captioner.api.service import Service
from captioner.api.starting import Starter, StartRule
from captioner.commands.options import help_on, plainly, until_signal, warn_of_unknown
from captioner.errors import ConfigurationError
from captioner.room.tokens import probe
from captioner.settings import Settings, read_settings
from captioner.worker.livekit_api import MediaServerApi
from captioner.worker.plan import AGENT_NAME


@click.command(
    epilog=help_on(
        "LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "CAPTIONER_LISTEN",
        "CAPTIONER_START", "CAPTIONER_TRANSCRIPTS",
    )
)  # fmt: skip
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8090, show_default=True, help="0: a free one."
)
@click.option(
    "--agent-name", default=AGENT_NAME, show_default=True, help="What a dispatch asks for."
)
@click.option(
    "--allow-origin", multiple=True, help="A web page that may ask: https://host. Default: none."
)
@plainly
def api(port: int, agent_name: str, allow_origin: tuple[str, ...]) -> None:
    """Serve HTTP for back ends: start, stop and set captions, get transcripts, take webhooks.

    docs/api.md has all of it; GET /openapi.json is the OpenAPI document.
    """
    warn_of_unknown()
    settings = read_settings()
    log_module.configure(form=settings.log_format)
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    if not key or not secret:
        raise ConfigurationError("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET")
    probe(settings.livekit_url, key, secret)
    until_signal(_serve(settings, port, agent_name, allow_origin))


async def _serve(settings: Settings, port: int, agent_name: str, origins: tuple[str, ...]) -> None:
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    async with MediaServerApi(settings.livekit_url, key, secret) as server:
        actions = Actions(
            server, key=key, secret=secret, agent=agent_name, policy=settings.transcript_policy
        )
        rule = StartRule(settings.start_rooms)
        starter = Starter(rule, start=actions.start_by_rule, rooms=server.rooms)
        service = Service(actions, starter, key=key, secret=secret)
        serving = serve(service, host=settings.listen, port=port, origins=origins)
        async with serving as address, asyncio.TaskGroup() as tasks:
            tasks.create_task(starter.run())
            click.echo(f"Serving on {address}", err=True)
