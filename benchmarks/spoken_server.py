"""Serve the embedded engine by Kyutai's protocol: real speech for benchmarks.

    python -m benchmarks.spoken_server --port N

Like Kyutai's 2.6B it has no pause heads, and it sends no Steps: a Marker says how far words are
settled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import deque
from contextlib import suppress

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from streaming.audio import Framer, samples_to_ms
from streaming.embedded.engine import EmbeddedEngine
from streaming.kyutai import protocol
from streaming.recognizer import (
    Flushed,
    Heard,
    Recognizer,
    RecognizerEvent,
    Tail,
    Word,
    WordEnd,
)


class Stream:
    """One client: its audio goes to a recogniser, whose settled words go back."""

    def __init__(self, link: ServerConnection, recognizer: Recognizer) -> None:
        self._link = link
        self._recognizer = recognizer
        self._marks: deque[tuple[int, int]] = deque()  # ms received before it, id
        self._settled_ms = 0
        self._tail: Tail | None = None

    async def hear(self) -> None:
        """Until the client leaves."""
        framer = Framer()
        received = 0
        async for data in self._link:
            assert isinstance(data, bytes)
            match protocol.decode_client(data):
                case protocol.Audio(pcm):
                    received += len(pcm)
                    for frame in framer.feed(pcm):
                        await self._recognizer.send(frame)
                case protocol.Marker(number):
                    self._marks.append((samples_to_ms(received), number))
                    # Flush, so that no client waits for a Marker for ever.
                    await self._tell_marks()

    async def tell(self) -> None:
        """Until the recogniser ends."""
        async for event in self._recognizer:
            for message in self._answers(event):
                await self._link.send(protocol.encode(message))
            await self._tell_marks()

    def _answers(self, event: RecognizerEvent) -> list[protocol.ServerMessage]:
        match event:
            case Word(text, start_ms, joined):
                return [protocol.Word(text, start_ms / 1000, joined)]
            case WordEnd(end_ms):
                return [protocol.EndWord(end_ms / 1000)]
            case Tail(text):
                self._tail = event if text else None
            case Heard(until_ms):
                self._settled_ms = min(until_ms, self._tail.start_ms) if self._tail else until_ms
            case Flushed(at_ms):
                self._settled_ms, self._tail = at_ms, None
        return []

    async def _tell_marks(self) -> None:
        while self._marks and self._marks[0][0] <= self._settled_ms:
            await self._link.send(protocol.encode(protocol.Marker(self._marks.popleft()[1])))


class SpokenServer:
    """A server for any number of streams."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self._used = 0

    async def serve(self, link: ServerConnection) -> None:
        """One connection."""
        self._used += 1
        try:
            with suppress(ConnectionClosed):
                await link.send(protocol.encode(protocol.Ready()))
                async with self._engine.open() as recognizer:
                    stream = Stream(link, recognizer)
                    telling = asyncio.create_task(stream.tell())
                    try:
                        await stream.hear()
                    finally:
                        telling.cancel()
                        await asyncio.gather(telling, return_exceptions=True)
        finally:
            self._used -= 1

    def admit(self, link: ServerConnection, request: Request) -> Response | None:
        """Serve the websocket, and the number of slots in use."""
        if request.path.startswith(protocol.PATH):
            return None
        return link.respond(200, json.dumps([{"used_slots": str(self._used)}]))


async def run(port: int) -> None:
    async with EmbeddedEngine(threads=1) as engine:
        engine.load()
        server = SpokenServer(engine)
        async with serve(
            server.serve, "127.0.0.1", port, process_request=server.admit, compression=None
        ) as listening:
            print("listening", listening.sockets and next(iter(listening.sockets)).getsockname()[1])
            await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    asyncio.run(run(parser.parse_args().port))


if __name__ == "__main__":
    main()
