"""Runs the whole product on one machine: media server, bot, page, and a speaker."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import quote

import click
import numpy as np

from captioner import engines
from captioner.atomic_file import must_be_writable, write_text
from captioner.audio_file import duration_s, read_chunks
from captioner.bot.bot import Bot, Engine
from captioner.captions.cues import CueClosed, CueUpdated
from captioner.captions.file_layout import file_of
from captioner.captions.webvtt import timestamp
from captioner.contract import Caption, Published
from captioner.controls.decisions import Want
from captioner.demo.livekit_server import MediaServer, find_or_build
from captioner.demo.page_server import overlay_folder, serve_page
from captioner.demo.sound_publisher import SoundPublisher
from captioner.errors import ConfigurationError
from captioner.room.livekit_room import LiveKitRoom
from captioner.room.tokens import agent_token, participant_token
from captioner.settings import Settings
from streaming.audio import Pcm

RATE = 48_000
PAUSE_S = 3.0
DRAIN_S = 600.0
"""So long a recogniser may take for the rest of a recording that is played once."""

ROOM = "demo"


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """Options of the demo. audio: one participant each; none: the recording in the model's package.

    key: the shared key of an end-to-end encrypted room; "" for an unencrypted one.
    """

    audio: tuple[Path, ...]
    mic: bool
    once: bool
    out: Path | None
    port: int
    key: str = ""


def bundled_recording() -> Path:
    """The opening of A Tale of Two Cities, read aloud, 44 s."""
    spec = importlib.util.find_spec("moonshine_voice")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        recording = Path(folder) / "assets" / "two_cities.wav"
        if recording.exists():
            return recording
    raise ConfigurationError("the package moonshine-voice 0.0.73 is missing: install it again")


async def run_demo(plan: DemoPlan, settings: Settings) -> None:
    """Run until Ctrl-C, or with ``once`` until the recording is over.

    Raises CaptionerError, StreamingError; everything that was started is ended.
    """
    audio = plan.audio or (() if plan.mic else (bundled_recording(),))
    for path in audio:
        _must_have_sound(path)
    if plan.out is not None:
        must_be_writable(plan.out)
    overlay_folder()
    async with AsyncExitStack() as stack:
        with _step("Speech recogniser"):
            offer = await stack.enter_async_context(engines.offered(settings))
            engine = await offer.choose(settings.engine_name, settings.language)
        with _step("Media server"):
            program = await asyncio.to_thread(find_or_build, _tell)
            server = await stack.enter_async_context(MediaServer(program))
        with _step("Caption bot"):
            bot, running = await _start_bot(engine, offer, settings, server, plan.key)
            stack.push_async_callback(_stop_bot, bot, running)
        with _step("Page"):

            def join(name: str, guest: bool) -> dict[str, object]:
                return _viewer(server, name, host=not guest, can_speak=plan.mic)

            address = await stack.enter_async_context(serve_page(join, port=plan.port))
        address += f"#key={quote(plan.key)}" if plan.key else ""
        _tell(f"\n  Open  {address}  and read what is spoken.  Ctrl-C ends it.\n")
        bot.publisher.sinks.append(_Terminal())
        await _speak(audio, server, plan, running=running)
        if plan.once:
            bot.stop(drain_s=DRAIN_S)
            await running
            if plan.out:
                write_text(plan.out, file_of(bot.publisher.history.closed()))
                _tell(f"Captions written to {plan.out}")


async def _start_bot(
    engine: Engine, offer: engines.Engines, settings: Settings, server: MediaServer, key: str
) -> tuple[Bot, asyncio.Task[object]]:
    identity = f"captions-{uuid.uuid4().hex[:8]}"

    def token() -> str:
        return agent_token(server.key, server.secret, room=ROOM, identity=identity, name="Captions")

    policy = replace(
        settings.policy(offer.languages), want=Want.ALWAYS
    )  # the terminal counts as a reader
    bot = Bot(
        engine,
        url=server.url,
        token=token,
        policy=policy,
        choose=offer.choose,
        open_room=partial(LiveKitRoom, key=key),
        extras=replace(settings.extras, encrypted=bool(key)),
    )
    running: asyncio.Task[object] = asyncio.create_task(bot.run())
    joined = asyncio.create_task(bot.joined.wait())
    await asyncio.wait({running, joined}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        joined.cancel()
        await running  # raises the error
    return bot, running


async def _stop_bot(bot: Bot, running: asyncio.Task[object]) -> None:
    bot.stop()
    await running


def _viewer(server: MediaServer, name: str, *, host: bool, can_speak: bool) -> dict[str, object]:
    identity = f"viewer-{uuid.uuid4().hex[:8]}"
    token = participant_token(
        server.key,
        server.secret,
        room=ROOM,
        identity=identity,
        name=name or "Viewer",
        host=host,
        speaks=can_speak,
    )
    return {
        "url": server.url, "token": token, "room": ROOM,
        "identity": identity, "can_speak": can_speak,
    }  # fmt: skip


async def _speak(
    audio: Sequence[Path], server: MediaServer, plan: DemoPlan, *, running: asyncio.Task[object]
) -> None:
    """Let the recordings speak in turn, each as a participant."""
    if not audio:
        await running
        return
    lengths = [duration_s(path) or 0.0 for path in audio]
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        for number, path in enumerate(audio):
            identity = f"reader-{number + 1}"
            token = participant_token(
                server.key, server.secret, room=ROOM, identity=identity, name=_speaker_name(path)
            )
            speaker = SoundPublisher(rate=RATE, key=plan.key)
            await speaker.join(server.url, token)
            stack.push_async_callback(speaker.leave)
            before_s, after_s = sum(lengths[:number]), sum(lengths[number + 1 :])
            sound = _sound(path, before_s=before_s, after_s=after_s, once=plan.once)
            tasks.create_task(speaker.play(sound))


def _speaker_name(audio: Path) -> str:
    return audio.stem.replace("_", " ").title()


def _sound(audio: Path, *, before_s: float, after_s: float, once: bool) -> Iterator[Pcm]:
    """Play the recording while the others are silent, repeatedly unless ``once``."""
    yield _silence(0.5)
    while True:
        yield _silence(before_s)
        yield from read_chunks(audio, rate=RATE)
        yield _silence(after_s + PAUSE_S)
        if once:
            return


def _silence(seconds: float) -> Pcm:
    return np.zeros(int(RATE * seconds), np.float32)


def _must_have_sound(audio: Path) -> None:
    next(read_chunks(audio, rate=RATE))


def _tell(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _step(what: str) -> Iterator[None]:
    started = time.monotonic()
    click.echo(f"{what:<20}", err=True, nl=False)
    try:
        yield
    except BaseException:
        click.echo("failed", err=True)
        raise
    click.echo(f"ready   {time.monotonic() - started:5.1f} s", err=True)


class _Terminal:
    """Prints captions: closed ones stay, the open one is rewritten in place."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()

    def publish(self, event: Published) -> None:
        """Show a caption."""
        if isinstance(event, Caption):
            self._show(event)

    def _show(self, caption: Caption) -> None:
        match caption.event:
            case CueClosed(cue):
                line, end = f"{timestamp(cue.start_ms)[3:-4]}", "\n"
            case CueUpdated(cue) if self._live:
                line, end = f"{timestamp(cue.start_ms)[3:-4]}", "\r"
            case _:
                return
        text = f"{line}  {caption.shown_name()}: {cue.text}"
        width = shutil.get_terminal_size().columns - 1
        if self._live:
            click.echo("\x1b[2K" + (text if end == "\n" else text[-width:]) + end, nl=False)
        else:
            click.echo(text)
