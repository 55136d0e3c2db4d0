"""The whole product on this machine, to be tested and measured: media server, bot, page, voices.

    async with Chain(find_or_build(print)) as chain:
        async with chain.speaker("anna", "Anna") as anna:
            await anna.play(sound)

The bot runs in a process of its own, so that its processor time and memory are the bot's alone.
The only file of this package that imports livekit.rtc.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from livekit import rtc

from captioner.contract import TOPIC
from captioner.livekit_server import MediaServer
from captioner.speaker import Speaker
from captioner.tokens import participant_token
from captioner.web import serve_page

LINES_MAX = 1_000
PACKETS_MAX = 200_000

START_S = 60.0
STOP_S = 10.0
"""Longer than the bot lets its last words out."""


class BotFailed(Exception):
    """The bot ended, or does not do what it should. The message has what it said last."""


class BotProcess:
    """``captioner run`` in a process of its own. What it says on stderr is kept, bounded."""

    def __init__(self, room: str, environment: Mapping[str, str]) -> None:
        """environment: added to this process's, of which LIVEKIT_* and CAPTIONER_* are left out."""
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
        self._room = room
        foreign = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        self._environment = foreign | {"CAPTIONER_LOG": "json"} | dict(environment)
        self._more = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, without waiting for anything."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "captioner", "run", "--room", self._room,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us, who then end it in order
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())

    @property
    def process(self) -> psutil.Process:
        """For its processor time and its memory."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def count(self, event: str) -> int:
        """How often it logged ``event``, as far as its lines are kept."""
        return sum(_event(line) == event for line in self.lines)

    async def logged(self, event: str, *, times: int = 1, timeout_s: float = START_S) -> None:
        """Wait until it has logged ``event`` so often. Raises BotFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.count(event) < times:
                    if self._reading is None or self._reading.done():
                        raise self._failed(f"ended before it said {event!r}")
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise self._failed(f"did not say {event!r} in {timeout_s:g} s") from None

    async def ended(self, *, timeout_s: float = STOP_S) -> int:
        """Wait until it has ended by itself; give its exit code. Raises BotFailed."""
        assert self._process is not None
        assert self._reading is not None
        try:
            async with asyncio.timeout(timeout_s):
                await self._reading
                return await self._process.wait()
        except TimeoutError:
            raise self._failed(f"did not end in {timeout_s:g} s") from None

    async def stop(self) -> int:
        """Ask it to leave, as an operator would; end it by force if it does not. Its exit code."""
        process = self._process
        assert process is not None
        try:
            with suppress(ProcessLookupError):
                process.terminate()
            return await self.ended()
        except BotFailed:
            return -9
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if self._reading is not None:
                await self._reading

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.lines.append(line.decode(errors="replace").rstrip())
            self._more.set()
        self._more.set()

    def _failed(self, what: str) -> BotFailed:
        return BotFailed(f"the bot {what}; it said last: {' | '.join(list(self.lines)[-5:])}")


_OURS = ("LIVEKIT_", "CAPTIONER_")


def _event(line: str) -> str | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said.get("event") if isinstance(said, dict) else None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A packet of the topic as it came in. at: reading of the monotonic clock, in seconds."""

    at: float
    sender: str
    by_agent: bool
    packet: dict[str, Any]


class Listener:
    """A participant without a page, who keeps the packets of the topic, bounded."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.arrivals: list[Arrival] = []
        self.lost = 0
        self._more = asyncio.Event()

    async def join(self, url: str, token: str) -> None:
        """Join, without listening to anybody's voice."""
        self.room.on("data_received", self._received)
        await self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))

    async def leave(self) -> None:
        """Leave the room."""
        await self.room.disconnect()

    async def send(self, payload: bytes) -> None:
        """Send something on the topic, as nobody but the bot should."""
        await self.room.local_participant.publish_data(payload, reliable=True, topic=TOPIC)

    async def until(self, seen: Callable[[], bool], *, timeout_s: float = 30) -> None:
        """Wait for packets until ``seen``. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not seen():
                self._more.clear()
                await self._more.wait()

    def captions(self) -> list[dict[str, Any]]:
        """The packets of cues that agents sent, in order."""
        return [a.packet for a in self.arrivals if a.by_agent and "id" in a.packet]

    def _received(self, data: rtc.DataPacket) -> None:
        at, sender = time.monotonic(), data.participant
        if data.topic != TOPIC or sender is None:
            return
        try:
            packet = json.loads(data.data)
        except (ValueError, RecursionError):
            return
        if len(self.arrivals) >= PACKETS_MAX:
            self.lost += 1
        elif isinstance(packet, dict):
            agent = sender.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
            self.arrivals.append(Arrival(at, sender.identity, agent, packet))
        self._more.set()


class Chain:
    """Media server, bot and page; ``async with`` runs them, and leaves no process behind.

    url: where browsers find the page. environment: for the bot.
    """

    def __init__(
        self,
        program: Path,
        *,
        room: str = "chain",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.room = room
        self.server = MediaServer(program)
        self.bot = BotProcess(room, bot_environment(self.server) | dict(environment or {}))
        self.url = ""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.server)
            await self.bot.start()
            stack.push_async_callback(self.bot.stop)
            await self.bot.logged("joined")
            self.url = await stack.enter_async_context(serve_page(self._pass, port=0))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def token(self, identity: str, name: str = "") -> str:
        """For a person."""
        server = self.server
        return participant_token(
            server.key, server.secret, room=self.room, identity=identity, name=name
        )

    @asynccontextmanager
    async def speaker(self, identity: str, name: str) -> AsyncIterator[Speaker]:
        """Somebody with a microphone."""
        speaker = Speaker()
        await speaker.join(self.server.url, self.token(identity, name))
        try:
            yield speaker
        finally:
            await speaker.leave()

    @asynccontextmanager
    async def listener(self, identity: str = "listener") -> AsyncIterator[Listener]:
        """Somebody who keeps the packets."""
        listener = Listener()
        await listener.join(self.server.url, self.token(identity))
        try:
            yield listener
        finally:
            await listener.leave()

    def _pass(self, name: str) -> dict[str, object]:
        identity = f"viewer-{uuid.uuid4().hex[:8]}"
        return {
            "url": self.server.url, "token": self.token(identity, name), "room": self.room,
            "identity": identity, "can_speak": False,
        }  # fmt: skip


def bot_environment(server: MediaServer) -> dict[str, str]:
    """What a bot has to be told of ``server``."""
    return {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.key,
        "LIVEKIT_API_SECRET": server.secret,
    }
