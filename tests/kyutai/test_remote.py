"""Our client at our server with real tokens, also over a cable that is cut again and again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np

from streaming.audio import AudioFrame, Framer
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.kyutai_client.session import SessionPolicy
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing, start_ms
from streaming.recognizer import Word
from streaming.remote.connection import Servers
from streaming.supervised_stream import StreamPolicy, SupervisedStream
from streaming.testing.asr_server import Running

SESSION = SessionPolicy(delay_ms=160)
POLICY = StreamPolicy(first_wait_s=0.01, longest_wait_s=0.05, patience_s=10)
CUTS = 20


def loud(frame: AudioFrame) -> bool:
    return bool(np.abs(frame.pcm).max() > 0.01)


class FaultProxy:
    """Carries connections to a server; each of the first ones breaks after so many bytes."""

    def __init__(self, server: str, cuts: list[int]) -> None:
        self._to = urlsplit(server)
        self._cuts = cuts

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = self._cuts.pop(0) if self._cuts else None
        back, forth = await asyncio.open_connection(self._to.hostname, self._to.port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(4096):
                sink.write(data)
                await sink.drain()

        async def cut() -> None:
            nonlocal left
            while data := await reader.read(4096):
                forth.write(data)
                await forth.drain()
                left = None if left is None else left - len(data)
                if left is not None and left <= 0:
                    return

        tasks = [asyncio.create_task(cut()), asyncio.create_task(pump(back, writer))]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.transport.abort()
        forth.transport.abort()


@asynccontextmanager
async def cable(server: str, cuts: list[int]) -> AsyncIterator[str]:
    ends = await asyncio.start_server(FaultProxy(server, cuts).carry, "127.0.0.1", 0)
    async with ends:
        yield f"ws://127.0.0.1:{ends.sockets[0].getsockname()[1]}"


async def hear(address: str, spoken: list[str]) -> tuple[list[Word], int]:
    framer = Framer()
    frames = [replace(f, voiced=loud(f)) for f in framer.feed(sing(spoken)) + framer.flush()]
    engine = KyutaiEngine(Servers((address,)), policy=SESSION)
    stream = SupervisedStream([engine], live=False, policy=POLICY)
    async with stream, asyncio.TaskGroup() as tasks:

        async def feed() -> None:
            for frame in frames:
                await stream.send(frame)
            await stream.finish()

        tasks.create_task(feed())
        words = [event async for event in stream if isinstance(event, Word)]
        return words, stream.restarts


def said(number: int, *, seed: int) -> list[str]:
    return random.Random(seed).choices(list(TONES), k=number)


async def test_every_tone_is_a_word_at_its_time(running: Running) -> None:
    spoken = said(60, seed=1)
    words, _ = await hear(running.url, spoken)
    assert [word.text for word in words] == spoken
    assert [word.start_ms for word in words] == [start_ms(i) for i in range(len(spoken))]


async def test_a_cable_cut_twenty_times_loses_and_doubles_no_tone(running: Running) -> None:
    spoken = said(200, seed=2)
    cuts = [random.Random(n).randrange(500_000, 900_000) for n in range(CUTS)]
    async with cable(running.url, cuts) as address:
        words, restarts = await hear(address, spoken)
    assert restarts == CUTS
    assert [word.text for word in words] == spoken
    for number, word in enumerate(words):
        assert abs(word.start_ms - start_ms(number)) <= 80
