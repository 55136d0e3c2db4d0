"""A speech server that hears words which are tones, in a process of its own, so that it can fail.

python -m eval.rooms.tone_server PORT
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator

from captioner.demo.livekit_server import free_port
from eval.simulation.testbed import HEARING
from streaming.testing.scripted_server import ScriptedServer

CAPACITY = 128
START_S = 60.0


class ToneServer:
    """Kyutai's protocol, on one port however often it is started again."""

    def __init__(self) -> None:
        self._port = free_port()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"ws://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start it, and wait until it listens. Raises TimeoutError."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __spec__.name, str(self._port), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S):
            await self._process.stdout.readline()

    def tell(self, number: signal.Signals) -> None:
        """Kill it, freeze it, let it go on, or stop."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def ended(self) -> None:
        """Until it has ended."""
        assert self._process is not None
        await self._process.wait()

    async def stop(self) -> None:
        """End it, if it lives."""
        if self._process is not None:
            self.tell(signal.SIGKILL)
            await self._process.wait()


@contextlib.asynccontextmanager
async def tone_server() -> AsyncIterator[ToneServer]:
    """One that runs."""
    server = ToneServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def serve(port: int) -> None:
    """Until SIGTERM."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with ScriptedServer(capacity=CAPACITY, hearing=HEARING, port=port):
        print("listening", flush=True)
        await told.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
