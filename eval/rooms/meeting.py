"""A room in which somebody reads aloud without an end, and somebody reads the captions."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator

from livekit import api

from captioner.audio_file import read_chunks
from captioner.demo.demo import bundled_recording
from captioner.demo.livekit_server import MediaServer
from captioner.doctor.diagnosis import Seen
from captioner.doctor.visitor import Visitor
from captioner.room.tokens import participant_token
from captioner.worker.livekit_api import WAITING_TOPIC
from captioner.worker.plan import AGENT_NAME
from eval.runs.local_meeting import Listener
from streaming.audio import Pcm

START_S = 180.0
"""How long anything may take on a busy machine before it counts as never."""

RATE = 48_000


class Meeting:
    """A room in which somebody reads aloud without an end, and somebody reads the captions."""

    def __init__(self, server: MediaServer, room: str) -> None:
        self.room = room
        self.page = Listener()
        self._server = server
        self._speaker = Visitor(Seen())
        self._speaking: list[asyncio.Task[None]] = []
        self._joined = False

    async def begin(self, *, speaks: bool = True) -> None:
        """Everybody joins, and somebody speaks."""
        await self.page.join(self._server.url, self._token("page"))
        self._joined = True
        if speaks:
            await self.speak()

    async def speak(self) -> None:
        """Somebody joins, reads aloud, and has a page."""
        await self._speaker.join(self._server.url, self._token("anna"))
        playing = self._speaker.play(_again_and_again())
        self._speaking = [asyncio.create_task(work) for work in (playing, self._greet())]

    async def end(self) -> None:
        """Everybody leaves."""
        await self.hush()
        if self._joined:
            await self.page.leave()

    async def hush(self) -> None:
        """Who reads aloud leaves."""
        speaking, self._speaking = self._speaking, []
        for task in speaking:
            task.cancel()
        if speaking:
            await asyncio.wait(speaking)
            await self._speaker.leave()

    async def create(self, *, closes_s: int) -> None:
        """Begin the room, which the media server closes so long after everybody has left."""
        async with self._api() as client:
            request = api.CreateRoomRequest(name=self.room, departure_timeout=closes_s)
            await client.room.create_room(request)

    async def dispatch(self) -> str:
        """Ask for captions, as La Suite Meet does."""
        async with self._api() as client:
            request = api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=self.room)
            return str((await client.agent_dispatch.create_dispatch(request)).id)

    async def recall(self, dispatch: str) -> None:
        """Ask for captions no more."""
        async with self._api() as client:
            await client.agent_dispatch.delete_dispatch(dispatch, self.room)

    async def dispatched(self) -> list[str]:
        """What asks for captions, as the media server lists it."""
        async with self._api() as client:
            listed = await client.agent_dispatch.list_dispatch(self.room)
        return [one.id for one in listed if one.agent_name == AGENT_NAME]

    async def captioned(self, *, since: float = 0.0, timeout_s: float = START_S) -> float:
        """Wait for a caption that arrives after ``since`` (monotonic clock); when it did."""
        found: list[float] = []

        def seen() -> bool:
            found.extend(self.captions(since=since)[:1])
            return bool(found)

        await self.page.until(seen, timeout_s=timeout_s)
        return found[0]

    def captions(self, *, since: float = 0.0) -> list[float]:
        """When captions arrived."""
        arrivals = self.page.arrivals
        return [a.at for a in arrivals if a.by_agent and "id" in a.packet and a.at > since]

    def bots(self) -> list[str]:
        """The caption bots that the page sees."""
        there = self.page.room.remote_participants.values()
        return [p.identity for p in there if "captions.session" in p.attributes]

    @property
    def told_to_wait(self) -> bool:
        """Whether the page was told that the room waits for a recogniser."""
        return WAITING_TOPIC in self.page.by_server

    def states(self) -> list[str]:
        """What each caption bot says of itself, as the page sees it."""
        there = self.page.room.remote_participants.values()
        return [p.attributes["captions.state"] for p in there if "captions.state" in p.attributes]

    async def until(self, seen: Callable[[], bool], *, timeout_s: float = START_S) -> float:
        """Wait until something is so; when it was. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not seen():  # noqa: ASYNC110 (nothing would tell)
                await asyncio.sleep(0.05)
        return time.monotonic()

    async def _greet(self) -> None:
        """As a page does, tell each bot that it sees what its user wishes."""
        told: set[str] = set()
        while True:
            for person in list(self.page.room.remote_participants.values()):
                session = person.attributes.get("captions.session")
                if session and session not in told:
                    await self._speaker.greet(person.identity, kept=True)
                    told.add(session)
            await asyncio.sleep(0.05)

    def _token(self, identity: str) -> str:
        key, secret = self._server.key, self._server.secret
        return participant_token(key, secret, room=self.room, identity=identity)

    def _api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self._server.url, self._server.key, self._server.secret)


def _again_and_again() -> Iterator[Pcm]:
    for _ in itertools.count():
        yield from read_chunks(bundled_recording(), rate=RATE)
