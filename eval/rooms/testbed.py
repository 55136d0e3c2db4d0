"""Workers, and meetings that speak, on a real media server: what ``rows.py`` measures with."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import time
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
from livekit import api

from captioner.audio_file import read_chunks
from captioner.demo.demo import bundled_recording
from captioner.demo.livekit_server import MediaServer, free_port
from captioner.demo.sound_publisher import SoundPublisher
from captioner.room.tokens import participant_token
from captioner.worker.plan import AGENT_NAME
from eval.runs.local_meeting import Listener
from streaming.audio import Pcm

START_S = 60.0
"""How long anything may take on a busy machine before it counts as never."""

LINES_MAX = 10_000
RATE = 48_000


class WorkerProcess:
    """``captioner worker`` in a process of its own."""

    def __init__(
        self,
        server: MediaServer,
        state: Path,
        *,
        rooms: int = 4,
        drain_s: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """state: the folder that stands for the machine. environment: added to it."""
        self.events: deque[dict[str, Any]] = deque(maxlen=LINES_MAX)
        self._metrics_port = free_port()
        foreign = {k: v for k, v in os.environ.items() if not k.startswith(("LIVEKIT_", "CAPT"))}
        self._environment = foreign | {
            "LIVEKIT_URL": server.url,
            "LIVEKIT_API_KEY": server.key,
            "LIVEKIT_API_SECRET": server.secret,
            "CAPTIONER_LOG": "json",
            "CAPTIONER_STATE": str(state),
            "CAPTIONER_METRICS_PORT": str(self._metrics_port),
            **(environment or {}),
        }
        self._options = ["--drain", str(drain_s), "--rooms", str(rooms)]
        self._more = asyncio.Event()
        self._notes = state / "workers"
        self._family: dict[int, psutil.Process] = {}  # the worker proper, its bots, the model
        self._bots: dict[int, psutil.Process] = {}

    async def start(self) -> None:
        """Start it, and wait until the media server knows it."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "captioner", "worker", *self._options,
            env=self._environment,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        await self.until(lambda: self.count("worker_registered") > 0)

    def count(self, event: str) -> int:
        """How often it, or one of its bots, logged the event."""
        return sum(one.get("event") == event for one in self.events)

    async def until(self, seen: Callable[[], bool], *, timeout_s: float = START_S) -> None:
        """Wait for lines of its log until ``seen``. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not seen():
                self._more.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), 0.05)

    def bots(self) -> list[psutil.Process]:
        """The processes of its bots that live, also when it has ended itself."""
        for child in self._children():
            self._family[child.pid] = child
        for note in self._notes.glob("*/*.json"):
            with contextlib.suppress(OSError, ValueError):  # it is being written, or deleted
                pid = json.loads(note.read_text())["pid"]
                if pid in self._family:
                    self._bots[pid] = self._family[pid]
        return [bot for bot in self._bots.values() if _lives(bot)]

    def _children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def family(self) -> list[psutil.Process]:
        """Its processes that live: the parent, the worker proper, the bots, the model's."""
        self.bots()
        family = [psutil.Process(self.process.pid), *self._family.values()]
        return [process for process in family if _lives(process)]

    async def metric(self, name: str) -> float:
        """What an operator sees."""
        text = await asyncio.to_thread(self._metrics)
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics") as answer:
            return str(answer.read().decode())

    async def kill(self, *, bots: bool) -> None:
        """As a crash would; bots: of the machine."""
        self.bots()
        self.process.kill()
        for process in self._family.values() if bots else ():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # Not by wait(), which waits for the bots too: they have its standard error.
        worker = psutil.Process(self.process.pid)
        await self.until(lambda: not _lives(worker))

    async def stop(self) -> int:
        """As an operator would; whatever it leaves behind is ended too. Its exit code."""
        self.bots()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_S):
            code = await self.process.wait()
        for left in self._family.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        await self._reading
        return code

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            with contextlib.suppress(ValueError):
                self.events.append(json.loads(line))
            self._more.set()


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


class Meeting:
    """A room in which somebody reads aloud without an end, and somebody reads the captions."""

    def __init__(self, server: MediaServer, room: str) -> None:
        self.room = room
        self.page = Listener()
        self._server = server
        self._speaker = SoundPublisher()
        self._playing: asyncio.Task[None] | None = None
        self._joined = False

    async def begin(self, *, speaks: bool = True) -> None:
        """Everybody joins, and somebody speaks."""
        await self.page.join(self._server.url, self._token("page"))
        self._joined = True
        if not speaks:
            return
        await self._speaker.join(self._server.url, self._token("anna"))
        self._playing = asyncio.create_task(self._speaker.play(_again_and_again()))

    async def end(self) -> None:
        """Everybody leaves."""
        if self._playing is not None:
            self._playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._playing
            await self._speaker.leave()
        if self._joined:
            await self.page.leave()

    async def dispatch(self) -> str:
        """Ask for captions, as La Suite Meet does."""
        async with self._api() as client:
            request = api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=self.room)
            return str((await client.agent_dispatch.create_dispatch(request)).id)

    async def recall(self, dispatch: str) -> None:
        """Ask for captions no more."""
        async with self._api() as client:
            await client.agent_dispatch.delete_dispatch(dispatch, self.room)

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

    def _token(self, identity: str) -> str:
        key, secret = self._server.key, self._server.secret
        return participant_token(key, secret, room=self.room, identity=identity)

    def _api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self._server.url, self._server.key, self._server.secret)


def _again_and_again() -> Iterator[Pcm]:
    for _ in itertools.count():
        yield from read_chunks(bundled_recording(), rate=RATE)


class Testbed:
    """One media server, and what runs on it. ``async with`` ends all of it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.server = MediaServer(program)
        self._folder = folder
        self._stack = contextlib.AsyncExitStack()
        self.workers: list[WorkerProcess] = []

    async def worker(
        self, *, rooms: int, machine: str = "a", environment: Mapping[str, str] | None = None
    ) -> WorkerProcess:
        """A worker on a machine of this name."""
        worker = WorkerProcess(
            self.server, self._folder / machine, rooms=rooms, environment=environment
        )
        self.workers.append(worker)
        await worker.start()
        self._stack.push_async_callback(worker.stop)
        return worker

    async def meeting(
        self, room: str = "meet", *, begins: bool = True, speaks: bool = True
    ) -> Meeting:
        """A meeting; begins: with somebody in it, who speaks or not."""
        meeting = Meeting(self.server, room)
        self._stack.push_async_callback(meeting.end)
        if begins:
            await meeting.begin(speaks=speaks)
        return meeting

    async def close(self) -> None:
        """End all."""
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def running_testbed(program: Path, folder: Path) -> AsyncIterator[Testbed]:
    """A media server of its own."""
    made = Testbed(program, folder)
    async with made.server:
        try:
            yield made
        finally:
            await made.close()


Row = Callable[[Testbed], Awaitable[float]]
"""→ seconds"""
