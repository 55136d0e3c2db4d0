"""The command ``captioner page``."""

from __future__ import annotations

import asyncio
import uuid

import click

from captioner import log as log_module
from captioner.commands.options import ROOM, help_on, plainly, until_signal
from captioner.demo.page_server import serve_page
from captioner.errors import ConfigurationError
from captioner.room.tokens import participant_token
from captioner.settings import read_settings
from captioner.worker.plan import AGENT_NAME

PORT = 8090


@click.command(
    epilog=help_on("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "CAPTIONER_LISTEN")
)
@click.option("--room", required=True, envvar=ROOM, help="The room's name.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=PORT, show_default=True, help="0: a free one."
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="A host name under which browsers reach the page, besides this machine's localhost.",
)
@click.option(
    "--browser-url", default="", help="The media server's address for browsers. [LIVEKIT_URL]"
)
@click.option(
    "--agent-name",
    default=AGENT_NAME,
    show_default=True,
    help="The worker that is sent to the room with whoever begins it; '' for none.",
)
@plainly
def page(room: str, port: int, names: tuple[str, ...], browser_url: str, agent_name: str) -> None:
    """Serve the page for one room, with a pass for everybody who can reach it.

    For trying things out: it asks nobody who they are, and makes all of them hosts.
    """
    settings = read_settings()
    log_module.configure(form=settings.log_format)
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    if not key or not secret:
        raise ConfigurationError("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET")

    def join(name: str, guest: bool) -> dict[str, object]:
        identity = f"viewer-{uuid.uuid4().hex[:8]}"
        token = participant_token(
            key, secret, room=room, identity=identity, name=name or "Viewer", host=not guest,
            agent_name=agent_name,
        )  # fmt: skip
        url = browser_url or settings.livekit_url
        return {"url": url, "token": token, "room": room, "identity": identity, "can_speak": True}

    async def work() -> None:
        async with serve_page(join, port=port, host=settings.listen, names=names) as address:
            click.echo(f"serving: {address}", err=True)
            await asyncio.Event().wait()

    until_signal(work())
