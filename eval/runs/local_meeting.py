"""Runs the whole product for tests and measurements: media server, bot, page, voices.

    async with LocalMeeting(find_or_build(print)) as chain:
        async with chain.speaker("anna", "Anna") as anna:
            await anna.play(sound)

The bot runs in a process of its own, so that its processor time and memory are the bot's alone.
The only file of this package that imports livekit.rtc.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
from livekit import rtc

from captioner.contract import TOPIC, VERSION
from captioner.contract_requests import HELLO
from captioner.demo.livekit_server import MediaServer
from captioner.demo.page_server import serve_page
from captioner.demo.sound_publisher import SoundPublisher
from captioner.errors import RoomUnavailable
from captioner.room.livekit_facts import connect_error
from captioner.room.tokens import participant_token
from eval.simulation import bot_process
from eval.simulation.bot_process import BotFailed, bot_environment

PACKETS_MAX = 200_000

__all__ = ["Arrival", "BotFailed", "BotProcess", "Listener", "LocalMeeting", "bot_environment"]


class BotProcess(bot_process.BotProcess):
    """The bot's process, with its processor time and memory."""

    @property
    def process(self) -> psutil.Process:
        """The process, for its processor time and memory."""
        return psutil.Process(self.pid)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A received packet of the topic. at: reading of the monotonic clock, in seconds."""

    at: float
    sender: str
    by_agent: bool
    packet: dict[str, Any]


class Listener:
    """A participant without a page that keeps the packets of the topic, bounded.

    by_server: topics on which the media server sent something itself.
    """

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.arrivals: list[Arrival] = []
        self.lost = 0
        self.by_server: set[str] = set()
        self._more = asyncio.Event()

    async def join(self, url: str, token: str) -> None:
        """Join, without subscribing to voices. Raises RoomUnavailable or NotAllowed."""
        self.room.on("data_received", self._received)
        try:
            await self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        except rtc.ConnectError as error:
            raise connect_error(url, error.message) from error

    async def hello(self, *, patience_s: float = 30.0) -> float:
        """Ask the bot for captions, as a reader does; return room time 0 on the monotonic clock.

        Raises RoomUnavailable if no bot answers within ``patience_s``.
        """
        until = time.monotonic() + patience_s
        payload = json.dumps({"v": VERSION, "want": True})
        while time.monotonic() < until:
            for participant in list(self.room.remote_participants.values()):
                if "captions.session" not in participant.attributes:
                    continue
                asked = time.monotonic()
                with suppress(rtc.RpcError):
                    answer = json.loads(
                        await self.room.local_participant.perform_rpc(
                            destination_identity=participant.identity,
                            method=HELLO,
                            payload=payload,
                        )
                    )
                    middle = (asked + time.monotonic()) / 2
                    room_ms = int(answer["now_utc_ms"]) - int(answer["origin_utc_ms"])
                    return middle - room_ms / 1000
            await asyncio.sleep(0.5)
        raise RoomUnavailable(
            f"no caption bot answered in {patience_s:g} s: check the room's name, and that one runs"
        )

    @property
    def origin_ms(self) -> int | None:
        """UTC in ms of room time 0, as the bot says; None while there is no bot."""
        for participant in self.room.remote_participants.values():
            if origin := participant.attributes.get("captions.origin"):
                return int(origin)
        return None

    async def leave(self) -> None:
        """Leave the room."""
        await self.room.disconnect()

    async def send(self, payload: bytes) -> None:
        """Send something on the topic, as only the bot should."""
        await self.room.local_participant.publish_data(payload, reliable=True, topic=TOPIC)

    async def until(self, seen: Callable[[], bool], *, timeout_s: float = 60) -> None:
        """Wait for packets until ``seen``. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not seen():
                self._more.clear()
                await self._more.wait()

    def captions(self) -> list[dict[str, Any]]:
        """Return the packets of cues that agents sent, in order."""
        return [a.packet for a in self.arrivals if a.by_agent and "id" in a.packet]

    def _received(self, data: rtc.DataPacket) -> None:
        at, sender = time.monotonic(), data.participant
        if sender is None and data.topic:
            self.by_server.add(data.topic)
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


class LocalMeeting:
    """Media server, bot and page; ``async with`` runs them, and leaves no process behind.

    url: where browsers find the page. environment: for the bot.
    """

    def __init__(
        self,
        program: Path,
        *,
        room: str = "chain",
        environment: Mapping[str, str] | None = None,
        bot: Sequence[str] = ("captioner",),
    ) -> None:
        """bot: the module that runs it, and options of its command ``run``."""
        self.room = room
        self.server = MediaServer(program)
        module, *options = bot
        self.bot = BotProcess(
            room,
            bot_environment(self.server) | dict(environment or {}),
            options=options,
            module=module,
        )
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

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def token(self, identity: str, name: str = "", *, host: bool = False) -> str:
        """Mint a token for a person."""
        server = self.server
        return participant_token(
            server.key, server.secret, room=self.room, identity=identity, name=name, host=host
        )

    @asynccontextmanager
    async def speaker(self, identity: str, name: str) -> AsyncIterator[SoundPublisher]:
        """Give a participant with a microphone."""
        speaker = SoundPublisher()
        await speaker.join(self.server.url, self.token(identity, name))
        try:
            yield speaker
        finally:
            await speaker.leave()

    @asynccontextmanager
    async def listener(self, identity: str = "listener") -> AsyncIterator[Listener]:
        """Give a participant that keeps the packets."""
        listener = Listener()
        await listener.join(self.server.url, self.token(identity))
        try:
            yield listener
        finally:
            await listener.leave()

    def _pass(self, name: str, guest: bool) -> dict[str, object]:
        identity = f"viewer-{uuid.uuid4().hex[:8]}"
        token = self.token(identity, name, host=not guest)
        return {
            "url": self.server.url, "token": token, "room": self.room,
            "identity": identity, "can_speak": True,
        }  # fmt: skip
