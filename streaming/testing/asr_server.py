"""Runs asr-server on a free port, in this process or another; and a client for it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from streaming.audio import FRAME_SAMPLES, Pcm
from streaming.kyutai import protocol
from streaming.kyutai.protocol import PUBLIC_KEY
from streaming.kyutai_server.api_keys import Keys
from streaming.kyutai_server.batch import BatchedModel
from streaming.kyutai_server.limits import Limits
from streaming.kyutai_server.server import Server, listen


class Client:
    """A client of Kyutai's protocol that uses only our wire format."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    def abort(self) -> None:
        """Disappear without a close frame."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()

    async def send(self, message: protocol.ClientMessage) -> None:
        await self.socket.send_bytes(protocol.encode(message))

    async def say(self, pcm: Pcm, *, chunk: int = FRAME_SAMPLES) -> None:
        for at in range(0, len(pcm), chunk):
            await self.send(protocol.Audio(pcm[at : at + chunk]))

    async def receive(self) -> protocol.ServerMessage | None:
        """Return the next message, or None once the server has closed."""
        message = await self.socket.receive(timeout=30)
        if message.type is aiohttp.WSMsgType.BINARY:
            return protocol.decode_server(message.data)
        return None

    async def until(self, last: protocol.ServerMessage) -> list[protocol.ServerMessage]:
        """Return all messages up to ``last``, without Steps."""
        got: list[protocol.ServerMessage] = []
        while (message := await self.receive()) != last:
            assert message is not None, got
            if not isinstance(message, protocol.Step):
                got.append(message)
        return got

    async def words(self, pcm: Pcm, *, mark: int = 1, chunk: int = FRAME_SAMPLES) -> list[str]:
        await self.say(pcm, chunk=chunk)
        await self.send(protocol.Marker(mark))
        said = await self.until(protocol.Marker(mark))
        return [message.text for message in said if isinstance(message, protocol.Word)]


class Running:
    """A server on a free port, and clients for it."""

    def __init__(self, server: Server, url: str, session: aiohttp.ClientSession) -> None:
        self.server, self.url, self.session = server, url, session
        self.http = url.replace("ws://", "http://")

    @asynccontextmanager
    async def connect(self, *, key: str = PUBLIC_KEY) -> AsyncIterator[Client]:
        async with self.session.ws_connect(self.url, headers={protocol.KEY_HEADER: key}) as socket:
            yield Client(socket)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """Give a client that has received Ready."""
        async with self.connect() as client:
            assert await client.receive() == protocol.Ready()
            yield client

    async def empty(self) -> None:
        """Wait until all slots are free."""
        async with asyncio.timeout(30):
            await self.server.steps.empty()


@asynccontextmanager
async def serving(
    model: BatchedModel, *, keys: Keys | None = None, limits: Limits | None = None
) -> AsyncIterator[Running]:
    """Serve ``model`` until the context ends."""
    server = Server(model, name="test", keys=keys or Keys(), limits=limits)
    stop = asyncio.Event()
    async with listen(server, host="127.0.0.1", port=0) as url, aiohttp.ClientSession() as session:
        running = asyncio.create_task(server.run(stop))
        try:
            yield Running(server, url, session)
        finally:
            stop.set()
            await asyncio.gather(running, return_exceptions=True)


async def start(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
    """Start ``asr-server`` in a process of its own."""
    return await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("asr-server")),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **variables},
    )


@asynccontextmanager
async def started(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Give the process once it listens, and its address."""
    process = await start(*arguments)
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("listening: "), line
        yield process, line.split()[-1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
