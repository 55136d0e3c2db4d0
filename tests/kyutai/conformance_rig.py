"""Two servers of Kyutai's protocol, and a client with nothing of ours that speaks to either."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import msgpack
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from streaming.audio import Pcm
from streaming.kyutai_server.test_checkpoint.tones import start_ms

MOSHI_SERVER = os.environ.get("MOSHI_SERVER") or shutil.which("moshi-server")
KEY = {"kyutai-api-key": "public_token"}
PATH = "/api/asr-streaming"
SLOTS = 2

Message = dict[str, Any]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def answering(command: list[str], port: int, log: Path) -> Iterator[str]:
    """The address of the server that ``command`` starts, once it answers."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            until = time.monotonic() + 90
            while True:
                try:
                    get(f"http://127.0.0.1:{port}/api/build_info")
                    break
                except URLError:
                    said = log.read_text(errors="replace")[-2_000:]
                    assert process.poll() is None, said
                    assert time.monotonic() < until, said
                    time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def get(url: str, *, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    request = urllib.request.Request(url, data=data, headers=headers or {})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return bytes(answer.read())


def pack(message: object) -> bytes:
    return bytes(msgpack.packb(message, use_single_float=True))


def audio(pcm: Pcm) -> Message:
    return {"type": "Audio", "pcm": pcm.tolist()}


class Generic:
    """A client of the protocol that knows msgpack and websockets, and nothing of ours."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.got: list[Message] = []

    async def receive(self) -> Message:
        data = await asyncio.wait_for(self.socket.recv(), 60)
        message: Message = msgpack.unpackb(data)  # type: ignore[arg-type]  # never a text frame
        self.got.append(message)
        return message

    async def say(self, pcm: Pcm) -> None:
        for frame in pcm.reshape(-1, 1_920):
            await self.socket.send(pack(audio(frame)))

    async def until_marked(self, number: int = 7) -> list[Message]:
        """Ask for a Marker, with the silence that moshi-server needs to give it."""
        await self.socket.send(pack({"type": "Marker", "id": number}))
        await self.say(np.zeros(12 * 1_920, np.float32))
        while await self.receive() != {"type": "Marker", "id": number}:
            pass
        return self.got

    async def until_closed(self) -> list[Message]:
        with suppress(ConnectionClosed):
            while True:
                await self.receive()
        return self.got

    async def words(self) -> list[tuple[str, float]]:
        return words(await self.until_marked())


def words(messages: list[Message]) -> list[tuple[str, float]]:
    return [(m["text"], m["start_time"]) for m in messages if m["type"] == "Word"]


def expected(spoken: list[str]) -> list[tuple[str, float]]:
    return [(word, start_ms(i) / 1000) for i, word in enumerate(spoken)]


def dial(address: str, *, headers: dict[str, str] = KEY, query: str = "") -> connect:
    url = f"ws://{address}{PATH}{query}"
    return connect(url, additional_headers=headers, compression=None, proxy=None)


async def client(
    address: str, stack: AsyncExitStack, *, headers: dict[str, str] = KEY, query: str = ""
) -> Generic:
    """One that is Ready; a slot that was just given back may take a moment to be free."""
    for _ in range(100):
        link = await stack.enter_async_context(dial(address, headers=headers, query=query))
        generic = Generic(link)
        if (await generic.receive())["type"] == "Ready":
            return generic
        await asyncio.sleep(0.1)
    raise AssertionError("no free slot")


async def session(address: str, pcm: Pcm) -> list[Message]:
    async with AsyncExitStack() as stack:
        generic = await client(address, stack)
        await generic.say(pcm)
        return await generic.until_marked()
