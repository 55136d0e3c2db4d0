"""Two machines' worth on one: media servers that share Redis, workers, speech servers, rooms."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from captioner.demo.livekit_server import MediaServer
from eval.rooms.redis_server import RedisServer
from eval.rooms.testbed import WorkerProcess
from eval.rooms.tone_room import ToneRoom
from eval.rooms.tone_server import ToneServer, tone_server

DRAIN_S = 120


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are. redis: whether there is one; with several nodes there must be."""

    rooms: int = 20
    nodes: int = 2
    workers: int = 3
    recognisers: int = 2
    redis: bool = True


@dataclass(slots=True)
class Cluster:
    """All of it. Which worker or node is used for what is known to nobody."""

    size: Size
    folder: Path
    redis: RedisServer | None
    nodes: list[MediaServer]
    recognisers: list[ToneServer]
    stack: contextlib.AsyncExitStack
    workers: list[WorkerProcess] = field(default_factory=list)
    rooms: list[ToneRoom] = field(default_factory=list)
    made: list[WorkerProcess] = field(default_factory=list)  # also those that are gone

    async def worker(self) -> WorkerProcess:
        """One more worker, on a machine of its own."""
        number = len(self.made)
        home = self.folder / f"machine-{number}"
        shared = {"CAPTIONER_STATE": self.redis.url} if self.redis else {}
        environment = {
            "XDG_STATE_HOME": str(home),
            "CAPTIONER_ENGINE": "kyutai",
            "CAPTIONER_ASR": ",".join(server.url for server in self.recognisers),
            "CAPTIONER_FALLBACK": "none",
            "CAPTIONER_GATE": "sound",
            # One machine, if they share no Redis: its bots share a folder.
            "CAPTIONER_STATE": str(self.folder / "state"),
        } | shared
        worker = WorkerProcess(
            self.nodes[number % len(self.nodes)],
            home / "live-captions" if self.redis else self.folder / "state",
            rooms=self.size.rooms,
            drain_s=DRAIN_S,
            environment=environment,
        )
        await worker.start()
        self.workers.append(worker)
        self.made.append(worker)
        self.stack.push_async_callback(_stopped, worker)
        return worker

    async def open_rooms(self) -> None:
        """Everybody joins, is captioned, and speaks."""
        for number in range(self.size.rooms):
            room = ToneRoom(self.nodes[number % len(self.nodes)], f"room-{number}")
            self.rooms.append(room)
            self.stack.push_async_callback(room.end)
            await room.begin()
        await asyncio.gather(*(room.captioned() for room in self.rooms))

    def busiest(self) -> WorkerProcess:
        """The worker with most rooms."""
        return max(self.workers, key=lambda worker: len(worker.bots()))

    def process_of(self, node: MediaServer) -> psutil.Process:
        """A media server's own process."""
        return psutil.Process(node.pid).children()[0]


async def _stopped(worker: WorkerProcess) -> None:
    """Without a farewell: nothing of it is looked at any more."""
    if worker.process.returncode is None:
        await worker.kill(bots=True)
    await worker.stop()


@contextlib.asynccontextmanager
async def running_cluster(
    program: Path, folder: Path, size: Size, *, redis: Path | None = None
) -> AsyncIterator[Cluster]:
    """It runs, with its rooms empty. redis: its program."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    async with contextlib.AsyncExitStack() as stack:
        shared = None
        if size.redis and redis:
            shared = stack.enter_context(RedisServer(redis, folder))
        secret = "s" * 40
        nodes = [
            MediaServer(program, secret=secret, redis=shared.address if shared else "")
            for _ in range(size.nodes)
        ]
        for node in nodes:
            await stack.enter_async_context(node)
        servers = [await stack.enter_async_context(tone_server()) for _ in range(size.recognisers)]
        cluster = Cluster(size, folder, shared, nodes, servers, stack)
        for _ in range(size.workers):
            await cluster.worker()
        yield cluster
