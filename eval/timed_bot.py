"""The bot as ``captioner run`` has it, which notes when the engine said and it sent each caption.

    python -m eval.timed_bot run --room ROOM --times FILE

FILE gets one JSON line a caption: its id, its rev, and the wall clock in ms when the engine said it
and when it was handed to the SDK. No text. For eval.chain, which reads it beside the packets.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path

import click

from captioner import engines, log, metrics
from captioner.bot import Bot, Engine
from captioner.contract import Caption
from captioner.settings import read_settings
from captioner.tokens import agent_token
from streaming.audio import AudioFrame
from streaming.recognizer import Capabilities, Recognizer, RecognizerEvent

# Set and read in the one task that takes a recogniser's events and publishes what they give.
_said_ms: ContextVar[int | None] = ContextVar("said_ms", default=None)


class _Timed:
    """A recogniser that notes when each of its events came."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self.send: Callable[[AudioFrame], object] = recognizer.send
        self.flush, self.finish = recognizer.flush, recognizer.finish

    @property
    def capabilities(self) -> Capabilities:
        return self._recognizer.capabilities

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        async for event in self._recognizer:
            _said_ms.set(_now_ms())
            yield event


def _now_ms() -> int:
    return round(time.time() * 1000)


def timed(engine: Engine) -> Engine:
    """The same engine, noting when it says something."""
    opened: Callable[[], AbstractAsyncContextManager[Recognizer]] = engine.open

    @asynccontextmanager
    async def open_timed() -> AsyncIterator[Recognizer]:
        async with opened() as recognizer:
            yield _Timed(recognizer)  # type: ignore[misc]  # an async context manager it is not

    return replace(engine, open=open_timed)


@click.group()
def main() -> None:
    """Only so that the command looks like captioner's own."""


@main.command()
@click.option("--room", required=True)
@click.option("--times", type=click.Path(path_type=Path), required=True)
def run(room: str, times: Path) -> None:
    """Caption one room."""
    log.configure(form="json")
    asyncio.run(_run(room, times))


async def _run(room: str, times: Path) -> None:
    settings = read_settings()
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port)
    secret = settings.livekit_api_secret.get_secret_value()
    identity = f"captions-{uuid.uuid4().hex[:8]}"

    def token() -> str:
        return agent_token(
            settings.livekit_api_key, secret, room=room, identity=identity, name="Captions"
        )

    with times.open("a", encoding="utf-8", buffering=1) as lines:

        def note(caption: Caption) -> None:
            event = caption.event
            cue = getattr(event, "id", None) or event.cue.id  # type: ignore[union-attr]
            sent = {"id": cue, "rev": event.rev, "said": _said_ms.get(), "sent": _now_ms()}
            lines.write(json.dumps(sent) + "\n")

        async with engines.chosen(settings) as engine:
            bot = Bot(timed(engine), url=settings.livekit_url, token=token)
            bot.publisher.watchers.append(note)
            for name in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(name, bot.stop)
            await bot.run()


if __name__ == "__main__":
    main()
