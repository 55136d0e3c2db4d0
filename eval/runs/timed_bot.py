"""The bot of ``captioner run``, which records when each caption was recognised and sent.

    python -m eval.runs.timed_bot run --room ROOM --times FILE [--script FILE]

TIMES gets one JSON line per caption: its id, its rev, and the wall clock in ms when the engine gave
it and when it was passed to the SDK. It contains no text. eval.runs.through_room reads it beside
the packets. With a script the bot has an engine that says each word at a known time: a JSON list of
[ms since it first heard something, word]. benchmarks.clock compares measurements with it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Self, TextIO

import click

from captioner import engines, log, metrics
from captioner.bot.bot import Bot, Engine
from captioner.captions.cues import CueDeleted
from captioner.contract import Caption, Published
from captioner.room.tokens import agent_token
from captioner.settings import read_settings
from streaming.audio import AudioFrame
from streaming.recognizer import Capabilities, Heard, RecognizerEvent, Word
from streaming.supervised_stream import SupervisedStream
from streaming.testing.scripted import ScriptedEngine

# Set and read in the one task that takes a recogniser's events and publishes the captions.
_said_ms: ContextVar[int | None] = ContextVar("said_ms", default=None)


class _TimedStream(SupervisedStream):
    """A stream that records when each of its events came."""

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        async for event in super().__aiter__():
            _said_ms.set(_now_ms())
            yield event


def _now_ms() -> int:
    return round(time.time() * 1000)


class _TimedEngine(Engine):
    """An engine whose streams record the times of their events."""

    def open(
        self, language: str, *, recording: bool = False, on_failure: Callable[[Exception], None]
    ) -> SupervisedStream:
        return _TimedStream(
            self.those_for(language) or self.engines, language, live=self.live,
            policy=self.policy, on_failure=on_failure,
        )  # fmt: skip


def timed(engine: Engine) -> Engine:
    """The same engine, recording the times of its events."""
    return _TimedEngine(
        engine.language, engine.engines, engine.slots, engine.live, engine.load_voice,
        engine.policy, engine.model, engine.detect,
    )  # fmt: skip


class Scheduled:
    """A recogniser that gives each word at its time, whatever it hears."""

    def __init__(self, script: Sequence[tuple[int, str]]) -> None:
        self._script = script
        self._first = asyncio.Event()
        self._ended = asyncio.Event()
        self._heard_ms = 0

    async def send(self, frame: AudioFrame) -> None:
        """Take a frame; the first one starts the clock."""
        self._heard_ms = frame.end_ms
        self._first.set()

    async def flush(self) -> None:
        """Do nothing, because nothing is held."""

    async def finish(self) -> None:
        """End the words."""
        self._ended.set()
        self._first.set()

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        await self._first.wait()
        start = time.monotonic()
        for due_ms, word in self._script:
            await asyncio.sleep(start + due_ms / 1000 - time.monotonic())
            yield Word(word, min(due_ms, self._heard_ms))
            yield Heard(self._heard_ms)
        await self._ended.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()


def scheduled(script: Path) -> Engine:
    """An engine that gives the words of the script."""
    words = [(int(due_ms), str(word)) for due_ms, word in json.loads(script.read_text("utf-8"))]
    capabilities = Capabilities("scheduled", ("en",), False, 0)
    return Engine("en", (ScriptedEngine(lambda: Scheduled(words), capabilities),))


@click.group()
def main() -> None:
    """Only so that the command looks like captioner's own."""


@main.command()
@click.option("--room", required=True)
@click.option("--times", type=click.Path(path_type=Path), required=True)
@click.option("--script", type=click.Path(path_type=Path))
def run(room: str, times: Path, script: Path | None) -> None:
    """Caption one room."""
    log.configure(form="json")
    asyncio.run(_run(room, times, script))


class _Times:
    """Notes when each caption was said, and sent."""

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines

    def publish(self, event: Published) -> None:
        if not isinstance(event, Caption):
            return
        said = event.event
        cue = said.id if isinstance(said, CueDeleted) else said.cue.id
        sent = {"id": cue, "rev": said.rev, "said": _said_ms.get(), "sent": _now_ms()}
        self._lines.write(json.dumps(sent) + "\n")


async def _run(room: str, times: Path, script: Path | None) -> None:
    settings = read_settings()
    if settings.metrics_port is not None:
        metrics.serve(settings.metrics_port, host=settings.listen)
    secret = settings.livekit_api_secret.get_secret_value()
    identity = f"captions-{uuid.uuid4().hex[:8]}"

    def token() -> str:
        return agent_token(
            settings.livekit_api_key, secret, room=room, identity=identity, name="Captions"
        )

    with times.open("a", encoding="utf-8", buffering=1) as lines:
        chosen = nullcontext(scheduled(script)) if script else engines.chosen(settings)
        async with chosen as engine:
            bot = Bot(timed(engine), url=settings.livekit_url, token=token)
            bot.publisher.sinks.append(_Times(lines))
            for name in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(name, bot.stop)
            await bot.run()


if __name__ == "__main__":
    main()
