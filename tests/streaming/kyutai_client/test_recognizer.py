from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest
from websockets.asyncio.server import ServerConnection

from streaming.audio import FRAME_SAMPLES, AudioFrame
from streaming.errors import (
    LanguageNotSupported,
    RecognizerAtCapacity,
    RecognizerUnavailable,
)
from streaming.kyutai.protocol import PUBLIC_KEY
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.recognizer import Flushed, Heard, RecognizerEvent, Word
from streaming.remote.connection import Servers
from streaming.testing.scripted_server import Faults, ScriptedServer, speech

SENTENCE = [1, 2, 3, None, 3, 3, 4, None, None, None, 5, 6, 7, 7, 8, None, 9, 10, 11]


def said(spoken: Sequence[int | None]) -> list[str]:
    return [f"w{n}" for n in spoken if n is not None]


def starts(spoken: Sequence[int | None]) -> list[int]:
    frames = speech(spoken)
    levels = [0.0, *(float(f.pcm[0]) for f in frames)]
    return [80 * i for i, (a, b) in enumerate(pairwise(levels)) if b and not a]


def engine_for(*servers: ScriptedServer, key: str = PUBLIC_KEY) -> KyutaiEngine:
    return KyutaiEngine(Servers(tuple(server.url for server in servers), key))


async def hear(engine: KyutaiEngine, frames: list[AudioFrame]) -> list[RecognizerEvent]:
    async with engine.open(live=False) as recognizer, asyncio.TaskGroup() as tasks:

        async def feed() -> None:
            for frame in frames:
                await recognizer.send(frame)
            await recognizer.finish()

        tasks.create_task(feed())
        return [event async for event in recognizer]


def words(events: list[RecognizerEvent]) -> list[Word]:
    return [event for event in events if isinstance(event, Word)]


def texts(events: list[RecognizerEvent]) -> list[str]:
    return [word.text for word in words(events)]


@pytest.mark.parametrize("heads", [True, False], ids=["with steps", "without steps"])
async def test_speech_becomes_words_at_their_times(heads: bool) -> None:
    async with ScriptedServer(heads=heads) as server:
        events = await hear(engine_for(server), speech(SENTENCE))
    assert texts(events) == said(SENTENCE)
    assert [word.start_ms for word in words(events)] == starts(SENTENCE)
    heard = [event.until_ms for event in events if isinstance(event, Heard)]
    assert heard == sorted(heard)
    assert heard[-1] == len(speech(SENTENCE)) * 80


@pytest.mark.parametrize("heads", [True, False], ids=["with steps", "without steps"])
async def test_a_flush_brings_the_last_word_at_once_and_times_stay_right(heads: bool) -> None:
    first, second = speech([1, 2]), speech([3, 4], position=8 * FRAME_SAMPLES)
    async with (
        ScriptedServer(heads=heads) as server,
        engine_for(server).open() as recognizer,
    ):
        events: list[RecognizerEvent] = []
        reading = aiter(recognizer)
        for frames in (first, second):
            for frame in frames:
                await recognizer.send(frame)
            await recognizer.flush()
            while not (events and isinstance(events[-1], Flushed)):
                events.append(await anext(reading))
            flushed = events.pop()
            assert flushed == Flushed(frames[-1].end_ms)
    assert texts(events) == ["w1", "w2", "w3", "w4"]
    assert [word.start_ms for word in words(events)] == starts([1, 2, 3, 4])


async def test_a_flush_of_nothing_is_answered_at_once() -> None:
    async with ScriptedServer() as server, engine_for(server).open() as recognizer:
        await recognizer.flush()
        await recognizer.flush()
        reading = aiter(recognizer)
        assert [await anext(reading), await anext(reading)] == [Flushed(0), Flushed(0)]


async def test_a_hole_keeps_the_times_right() -> None:
    late = speech([3, 4], position=3600 * 24_000)
    async with ScriptedServer() as server:
        events = await hear(engine_for(server), [*speech([1, 2]), *late])
        assert server.frames < 200
    assert texts(events) == ["w1", "w2", "w3", "w4"]
    assert [word.start_ms for word in words(events)] == [0, 320, 3_600_000, 3_600_320]


async def test_a_stream_begins_on_whatever_server_is_there() -> None:
    async with ScriptedServer() as gone:
        address = gone.url
    async with ScriptedServer(capacity=0) as full, ScriptedServer() as free:
        servers = Servers((address, full.url, free.url))
        engine = KyutaiEngine(servers)
        for _ in range(5):
            assert texts(await hear(engine, speech([1, 2]))) == ["w1", "w2"]


async def test_each_address_of_a_name_is_a_server() -> None:
    async with ScriptedServer() as server:
        named = Servers((server.url.replace("127.0.0.1", "localhost"),))
        engine = KyutaiEngine(named)
        for _ in range(5):
            assert texts(await hear(engine, speech([1, 2]))) == ["w1", "w2"]


async def test_a_name_that_nobody_has_is_unavailable() -> None:
    engine = KyutaiEngine(Servers(("ws://no-such-name.invalid",)))
    with pytest.raises(RecognizerUnavailable, match=r"no machine is called no-such-name\.invalid"):
        await hear(engine, [])


async def test_full_servers_are_at_capacity() -> None:
    async with ScriptedServer(capacity=0) as one, ScriptedServer(capacity=0) as two:
        with pytest.raises(RecognizerAtCapacity, match="no free slot"):
            await hear(engine_for(one, two), [])


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with ScriptedServer() as gone:
        engine = engine_for(gone)
    with pytest.raises(RecognizerUnavailable, match="cannot be reached"):
        await hear(engine, [])


async def test_a_server_that_is_never_ready_is_unavailable() -> None:
    async with ScriptedServer(faults=Faults(never_ready=True)) as server:
        engine = KyutaiEngine(Servers((server.url,), connect_s=0.05))
        with pytest.raises(RecognizerUnavailable, match="not ready within"):
            await hear(engine, [])


async def test_a_wrong_key_is_told_and_not_shown() -> None:
    async with ScriptedServer(faults=Faults(key="right")) as server:
        with pytest.raises(RecognizerUnavailable, match="does not know the key") as raised:
            await hear(engine_for(server, key="wrong-key"), [])
        assert "wrong-key" not in repr(raised.value)
        assert "wrong-key" not in repr(engine_for(server, key="wrong-key").servers)
        assert texts(await hear(engine_for(server, key="right"), speech([1]))) == ["w1"]


async def test_a_stream_that_is_left_gives_its_slot_back() -> None:
    async with ScriptedServer(capacity=1) as server:
        for _ in range(5):
            assert texts(await hear(engine_for(server), speech([1]))) == ["w1"]


def test_a_language_that_no_server_knows_is_an_error() -> None:
    engine = KyutaiEngine(Servers(("ws://127.0.0.1:1",)))
    assert engine.capabilities.languages == ("en", "fr")
    engine.open("fr-CA")
    with pytest.raises(LanguageNotSupported, match="'de'"):
        engine.open("de")


@pytest.mark.parametrize("address", ["http://asr", "asr:8080", "ws://", "ws://me:secret@asr"])
def test_what_is_no_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="a speech server's address is") as raised:
        Servers((address,))
    assert "secret" not in str(raised.value)


async def test_who_leaves_while_a_server_is_not_ready_gives_its_slot_back() -> None:
    came = asyncio.Event()

    class Slow(ScriptedServer):
        async def _hear(self, link: ServerConnection) -> None:
            for _ in range(2):  # answered once the client waits for Ready
                await (await link.ping())
            came.set()
            await link.wait_closed()

    async with Slow() as server:
        servers = Servers((server.url,), connect_s=60)
        engine = KyutaiEngine(servers)
        entering = asyncio.create_task(engine.open().__aenter__())
        async with asyncio.timeout(60):
            await came.wait()
            entering.cancel()
            await server.idle.wait()
