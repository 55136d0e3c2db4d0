"""A client of Kyutai's protocol without any of our code, to compare servers."""

from __future__ import annotations

import asyncio
import urllib.request
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

KEY = {"kyutai-api-key": "public_token"}
PATH = "/api/asr-streaming"
FRAME_SAMPLES = 1_920

Message = dict[str, Any]


def get(url: str, *, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """Return the body of a GET, or of a POST of ``data``. Raises URLError or HTTPError."""
    request = urllib.request.Request(url, data=data, headers=headers or {})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return bytes(answer.read())


def pack(message: object) -> bytes:
    """Encode a message for the wire."""
    return bytes(msgpack.packb(message, use_single_float=True))


def words(messages: list[Message]) -> list[tuple[str, float]]:
    """Return each word and its start, in seconds."""
    return [(m["text"], m["start_time"]) for m in messages if m["type"] == "Word"]


class IndependentClient:
    """A connection. got: everything received."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.got: list[Message] = []

    async def receive(self) -> Message:
        """Return the next message. Raises ConnectionClosed, or TimeoutError after 60 s."""
        data = await asyncio.wait_for(self.socket.recv(), 60)
        message: Message = msgpack.unpackb(data)
        self.got.append(message)
        return message

    async def say(self, pcm: NDArray[np.float32]) -> None:
        """Send audio, a whole number of frames."""
        for frame in pcm.reshape(-1, FRAME_SAMPLES):
            await self.socket.send(pack({"type": "Audio", "pcm": frame.tolist()}))

    async def until_marked(self, number: int = 7) -> list[Message]:
        """Send a Marker, and the silence that moshi-server needs to echo it."""
        await self.socket.send(pack({"type": "Marker", "id": number}))
        await self.say(np.zeros(12 * FRAME_SAMPLES, np.float32))
        while await self.receive() != {"type": "Marker", "id": number}:
            pass
        return self.got

    async def until_closed(self) -> list[Message]:
        """Return all messages, once the server has closed the connection."""
        with suppress(ConnectionClosed):
            while True:
                await self.receive()
        return self.got

    async def words(self) -> list[tuple[str, float]]:
        """Return the words of the audio sent so far."""
        return words(await self.until_marked())


def dial(address: str, *, headers: dict[str, str] = KEY, query: str = "") -> connect:
    """Return a connection to enter. address: host and port."""
    url = f"ws://{address}{PATH}{query}"
    return connect(url, additional_headers=headers, compression=None, proxy=None)


async def connected(
    address: str, stack: AsyncExitStack, *, headers: dict[str, str] = KEY, query: str = ""
) -> IndependentClient:
    """Give a client that is Ready, waiting for a slot that is about to be free."""
    for _ in range(100):
        socket = await stack.enter_async_context(dial(address, headers=headers, query=query))
        client = IndependentClient(socket)
        if (await client.receive())["type"] == "Ready":
            return client
        await asyncio.sleep(0.1)  # servers do not announce that a slot has become free
    raise AssertionError("no free slot")
