"""Workers, and meetings that speak, on a real media server: what ``rows.py`` measures with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from captioner.demo.livekit_server import MediaServer, free_port
from eval.rooms.meeting import START_S, Meeting

LINES_MAX = 10_000


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
        self._metrics_port, self._health_port = free_port(), free_port()
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
        self._options += ["--health-port", str(self._health_port)]
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
        self._worker = psutil.Process(self.process.pid)
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

    def models(self) -> list[psutil.Process]:
        """The process that has the model its bots share, if it lives."""
        mapped = [(p, [m.path for m in p.memory_maps()]) for p in self.family()]
        return [p for p, paths in mapped if any("onnxruntime" in path for path in paths)]

    def family(self) -> list[psutil.Process]:
        """Its processes that live: the parent, the worker proper, the bots, the model's."""
        self.bots()
        family = [self._worker, *self._family.values()]
        return [process for process in family if _lives(process)]

    async def metric(self, name: str) -> float:
        """What an operator sees, of all its processes together."""
        text = await asyncio.to_thread(self._metrics)
        lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
        return sum(float(line.split()[-1]) for line in lines)

    async def health(self) -> int:
        """The status of its answer to a probe."""
        return await asyncio.to_thread(self._health)

    def _health(self) -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._health_port}/") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics") as answer:
            return str(answer.read().decode())

    async def kill(self, *, bots: bool) -> None:
        """As a crash would; bots: of the machine."""
        self.bots()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        for process in self._family.values() if bots else ():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        # Not by wait(), which waits for the bots too: they have its standard error.
        await self.until(lambda: not _lives(self._worker))

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
        await asyncio.wait({self._reading}, timeout=START_S)  # a bot that nobody knows may have it
        self._reading.cancel()
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

    def media_server(self) -> psutil.Process:
        """Its process."""
        ours = psutil.Process().children(recursive=True)
        return next(one for one in ours if one.exe() == str(self.server.program.resolve()))

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
