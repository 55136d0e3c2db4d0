from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from websockets.asyncio.server import ServerConnection

from streaming.audio import FRAME_SAMPLES, AudioFrame
from streaming.errors import (
    LanguageNotSupported,
    ProtocolError,
    RecognizerAtCapacity,
    RecognizerUnavailable,
)
from streaming.kyutai.protocol import PUBLIC_KEY
from streaming.kyutai_client.connection import Servers
from streaming.kyutai_client.engine import RemoteEngine
from streaming.kyutai_client.recognizer import RemotePolicy
from streaming.recognizer import Dropped, Flushed, Heard, RecognizerEvent, Word
from streaming.testing.scripted_server import Faults, ScriptedServer, has_voice, speech

SENTENCE = [1, 2, 3, None, 3, 3, 4, None, None, None, 5, 6, 7, 7, 8, None, 9, 10, 11]
PATIENT = RemotePolicy(first_wait_s=0.01, longest_wait_s=0.05)


def said(spoken: Sequence[int | None]) -> list[str]:
    return [f"w{n}" for n in spoken if n is not None]


def starts(spoken: Sequence[int | None]) -> list[int]:
    frames = speech(spoken)
    levels = [0.0, *(float(f.pcm[0]) for f in frames)]
    return [80 * i for i, (a, b) in enumerate(pairwise(levels)) if b and not a]


def engine_for(
    *servers: ScriptedServer, key: str = PUBLIC_KEY, policy: RemotePolicy = PATIENT
) -> RemoteEngine:
    addresses = Servers(tuple(server.url for server in servers), key)
    return RemoteEngine(addresses, policy=policy, load_voice=lambda: has_voice)


async def hear(
    engine: RemoteEngine, frames: list[AudioFrame], *, live: bool = False
) -> list[RecognizerEvent]:
    async with engine.open(live=live) as recognizer, asyncio.TaskGroup() as tasks:

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


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("heads", [True, False], ids=["with steps", "without steps"])
@pytest.mark.parametrize("cut", range(0, 100, 3))
async def test_a_broken_connection_loses_and_doubles_nothing(
    cut: int, heads: bool, live: bool
) -> None:
    async with ScriptedServer(heads=heads, faults=Faults(drop_after=[cut])) as server:
        events = await hear(engine_for(server), speech(SENTENCE), live=live)
        assert server.sessions >= 2 or cut > 90
    assert texts(events) == said(SENTENCE)
    assert [word.start_ms for word in words(events)] == starts(SENTENCE)


async def test_twenty_broken_connections_lose_and_double_nothing() -> None:
    spoken = SENTENCE * 20
    cuts = [60 + n for n in range(20)]
    async with ScriptedServer(faults=Faults(drop_after=cuts)) as server:
        events = await hear(engine_for(server), speech(spoken))
        assert server.sessions == 21
    assert texts(events) == said(spoken)


async def test_two_servers_take_over_from_each_other() -> None:
    spoken = SENTENCE * 4
    async with (
        ScriptedServer(faults=Faults(drop_after=[50, 60, 70])) as one,
        ScriptedServer(faults=Faults(drop_after=[50, 60, 70])) as two,
    ):
        events = await hear(engine_for(one, two), speech(spoken))
    assert texts(events) == said(spoken)


async def test_a_stream_begins_on_whatever_server_is_there() -> None:
    async with ScriptedServer() as gone:
        address = gone.url
    async with ScriptedServer(capacity=0) as full, ScriptedServer() as free:
        servers = Servers((address, full.url, free.url))
        engine = RemoteEngine(servers, policy=PATIENT, load_voice=lambda: has_voice)
        for _ in range(5):
            assert texts(await hear(engine, speech([1, 2]))) == ["w1", "w2"]


async def test_each_address_of_a_name_is_a_server() -> None:
    async with ScriptedServer() as server:
        named = Servers((server.url.replace("127.0.0.1", "localhost"),))
        engine = RemoteEngine(named, policy=PATIENT, load_voice=lambda: has_voice)
        for _ in range(5):
            assert texts(await hear(engine, speech([1, 2]))) == ["w1", "w2"]


async def test_a_name_that_nobody_has_is_unavailable() -> None:
    engine = RemoteEngine(Servers(("ws://no-such-name.invalid",)), load_voice=lambda: has_voice)
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
        engine = RemoteEngine(Servers((server.url,), connect_s=0.05), load_voice=lambda: has_voice)
        with pytest.raises(RecognizerUnavailable, match="not ready within"):
            await hear(engine, [])


async def test_a_wrong_key_is_told_and_not_shown() -> None:
    async with ScriptedServer(faults=Faults(key="right")) as server:
        with pytest.raises(RecognizerUnavailable, match="does not know the key") as raised:
            await hear(engine_for(server, key="wrong-key"), [])
        assert "wrong-key" not in repr(raised.value)
        assert "wrong-key" not in repr(engine_for(server, key="wrong-key").servers)
        assert texts(await hear(engine_for(server, key="right"), speech([1]))) == ["w1"]


@pytest.mark.parametrize("nonsense", [b"\xc1", b"\x80", b"\x81\xa4type\xa5Ready", b"\x90"])
async def test_a_server_that_speaks_nonsense_is_not_tried_again(nonsense: bytes) -> None:
    async with ScriptedServer(faults=Faults(nonsense=nonsense)) as server:
        with pytest.raises(ExceptionGroup) as raised:
            await hear(engine_for(server), speech(SENTENCE))
        assert isinstance(raised.value.exceptions[0], ProtocolError)
        assert server.sessions == 1


async def test_a_stream_that_no_server_takes_over_ends_with_an_error() -> None:
    policy = replace(PATIENT, patience_s=0.1)
    async with ScriptedServer() as server, engine_for(server, policy=policy).open() as recognizer:
        await recognizer.send(speech([1])[0])
        await server.__aexit__(None, None, None)
        with pytest.raises(RecognizerUnavailable, match="cannot be reached"):
            async for _ in recognizer:
                pass


async def test_a_stream_with_voice_and_no_words_is_begun_anew() -> None:
    policy = replace(PATIENT, mute_ms=1_600)
    spoken = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    async with ScriptedServer(faults=Faults(mute_after=[40])) as server:
        events = await hear(engine_for(server, policy=policy), speech(spoken))
        assert server.sessions == 2
    assert texts(events) == said(spoken)


async def test_a_server_that_falls_silent_is_left() -> None:
    policy = replace(PATIENT, silent_s=0.05)
    async with ScriptedServer(faults=Faults(deaf_after=[40])) as server:
        events = await hear(engine_for(server, policy=policy), speech(SENTENCE))
        assert server.sessions == 2
    assert texts(events) == said(SENTENCE)


async def test_what_no_server_hears_falls_off_and_is_counted() -> None:
    policy = replace(PATIENT, keep_ms=8_000)
    async with (
        ScriptedServer(faults=Faults(deaf_after=[0])) as server,
        engine_for(server, policy=policy).open() as recognizer,
    ):
        for frame in speech([1] * 100):
            await recognizer.send(frame)
        assert recognizer.dropped_ms == 400 * 80 - 8_000


async def test_a_live_stream_waits_for_a_server_and_tells_what_nobody_will_hear() -> None:
    policy = replace(PATIENT, keep_ms=3_200)
    early, late = speech([1, 2]), speech(range(3, 33), position=8 * FRAME_SAMPLES)
    async with ScriptedServer() as server, engine_for(server, policy=policy).open() as recognizer:
        reading = aiter(recognizer)
        for frame in early:
            await recognizer.send(frame)
        await recognizer.flush()
        while not isinstance(await anext(reading), Flushed):
            pass
        port = int(server.url.rpartition(":")[2])
        await server.__aexit__(None, None, None)
        for frame in late:
            await recognizer.send(frame)
        async with ScriptedServer(port=port):
            await recognizer.finish()
            events = [event async for event in reading]
    end_ms = late[-1].end_ms
    assert [e for e in events if isinstance(e, Dropped)] == [Dropped(640, end_ms - 3_200)]
    assert texts(events) == said(range(23, 33))


async def test_a_stream_that_is_left_gives_its_slot_back() -> None:
    async with ScriptedServer(capacity=1) as server:
        for _ in range(5):
            assert texts(await hear(engine_for(server), speech([1]))) == ["w1"]


async def test_a_connection_that_ends_while_nobody_speaks_is_no_fault() -> None:
    async with ScriptedServer() as server, engine_for(server).open() as recognizer:
        reading = aiter(recognizer)
        events: list[RecognizerEvent] = []
        for spoken, position in ([1, 2], 0), ([3, 4], 8 * FRAME_SAMPLES):
            for frame in speech(spoken, position=position):
                await recognizer.send(frame)
            await recognizer.flush()
            while not (events and isinstance(events[-1], Flushed)):
                events.append(await anext(reading))
            events.pop()
            server.kill()
    assert texts(events) == ["w1", "w2", "w3", "w4"]


def test_a_language_that_no_server_knows_is_an_error() -> None:
    engine = RemoteEngine(Servers(("ws://127.0.0.1:1",)), load_voice=lambda: has_voice)
    assert engine.open("fr-CA").capabilities.languages == ("en", "fr")
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
        engine = RemoteEngine(servers, policy=PATIENT, load_voice=lambda: has_voice)
        entering = asyncio.create_task(engine.open().__aenter__())
        async with asyncio.timeout(5):
            await came.wait()
            entering.cancel()
            await server.idle.wait()
