"""Clients that mean harm, or are broken, cost nobody else a word and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import suppress
from random import Random

import aiohttp
import numpy as np
import psutil
import pytest
from prometheus_client import REGISTRY
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from streaming.kyutai import protocol
from streaming.kyutai_server.test_checkpoint.tones import sing
from streaming.testing.asr_server import Client, Running, serving
from streaming.testing.scripted import ScriptedModel, ToyVocabulary, frame_of

WORDS = ["hello", "world", "live", "caption", "test", "room"]
VALID = [
    protocol.encode(protocol.Audio(np.zeros(64, np.float32))),
    protocol.encode(protocol.Marker(7)),
    protocol.encode(protocol.Init()),
    protocol.encode(protocol.OggOpus(b"OggS" + bytes(40))),
    protocol.encode(protocol.Audio(sing(["hello"])[:1_920])),
]


def mutated(random: Random) -> bytes:
    """A valid message, mostly with some of its bytes changed, cut off or doubled."""
    data = bytearray(random.choice(VALID))
    for _ in range(random.choice([0, 1, 1, 2, 8])):
        at = random.randrange(len(data) or 1)
        match random.randrange(4):
            case 0:
                data[at : at + 1] = random.randbytes(1)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = random.randbytes(random.randrange(9))
            case 3:
                data[at:at] = data[: random.randrange(64)]
    return bytes(data)


async def harass(running: Running, messages: int, random: Random) -> None:
    """Send ``messages``, over as many connections as it takes."""
    sent = 0
    while sent < messages:
        with suppress(ConnectionError, aiohttp.ClientError):
            async with running.connect() as client:
                if await client.receive() != protocol.Ready():
                    continue  # the slot of the last one is not free yet
                while sent < messages and not client.socket.closed:
                    sent += 1
                    await client.socket.send_bytes(mutated(random))
                    if sent % 16 == 0:
                        with suppress(TimeoutError):
                            await client.socket.receive(timeout=0.001)


async def listen_on(client: Client, until: asyncio.Event) -> int:
    """How often the words came out, all of them right every time."""
    rounds = 0
    while not until.is_set():
        assert await client.words(sing(WORDS), mark=rounds) == WORDS
        rounds += 1
    return rounds


@pytest.mark.parametrize(
    "messages", [1_000, pytest.param(100_000, marks=pytest.mark.slow, id="many")]
)
async def test_whatever_is_sent_others_words_are_unchanged(running: Running, messages: int) -> None:
    done = asyncio.Event()
    async with running.client() as good:
        listening = asyncio.create_task(listen_on(good, done))
        await asyncio.gather(*(harass(running, messages // 2, Random(i)) for i in range(2)))
        done.set()
        assert await listening > 0
    await running.empty()
    async with running.client() as client:
        assert await client.words(sing(WORDS)) == WORDS


async def visit(running: Running, number: int) -> None:
    """One client: well-behaved, abrupt, or hostile."""
    async with running.connect() as client:
        if await client.receive() != protocol.Ready():
            return
        match number % 4:
            case 0:
                await client.say(sing(["hello"]))
            case 1:
                await client.socket.send_bytes(b"\xc1")
            case 2:
                await client.say(sing(["world"]))
                client.abort()
            case 3:
                await client.send(protocol.Marker(1))
                await client.until(protocol.Marker(1))


@pytest.mark.parametrize("visits", [300, pytest.param(10_000, marks=pytest.mark.slow, id="many")])
async def test_no_visit_leaks_a_slot_or_memory(running: Running, visits: int) -> None:
    process = psutil.Process()

    async def visits_of(count: int) -> int:
        for number in range(0, count, 3):
            await asyncio.gather(*(visit(running, number + i) for i in range(3)))
        await running.empty()
        gc.collect()
        return int(process.memory_info().rss)

    before = await visits_of(150)
    after = await visits_of(visits)
    assert running.server.steps.batch.used == 0
    assert after - before < 20 << 20


async def talk_and_never_read(running: Running) -> None:
    """Until the server ends it."""
    silence = protocol.encode(protocol.Audio(np.zeros(19_200, np.float32)))
    host, port = running.url.removeprefix("ws://").split("/")[0].split(":")
    with socket.socket() as small, suppress(ConnectionClosed):
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        small.connect((host, int(port)))
        # This library reads no further than 16 messages beyond what it was asked for.
        async with connect(
            running.url + f"?auth_id={protocol.PUBLIC_KEY}",
            sock=small,
            compression=None,
            proxy=None,
        ) as deaf:
            while True:
                await deaf.send(silence)


async def test_who_never_reads_is_cut_off_for_it_and_the_others_words_come() -> None:
    def cut_off() -> float:
        return REGISTRY.get_sample_value("asr_ended_total", {"reason": "does not read"}) or 0

    before = cut_off()
    # Long Steps, so that what lies in the sockets on the way is soon full.
    model = ScriptedModel(vocabulary=ToyVocabulary(["▁a"]), batch_size=2, heads=200)
    async with serving(model) as running:
        async with running.client() as good:
            await talk_and_never_read(running)
            assert cut_off() == before + 1
            said = np.concatenate([frame_of(token) for token in (0, 4, 3)])
            assert await good.words(said) == ["a"]
        await running.empty()
