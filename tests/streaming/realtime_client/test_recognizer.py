from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streaming.audio import FRAME_SAMPLES, AudioFrame, Framer
from streaming.errors import LanguageNotSupported, ProtocolError, RecognizerUnavailable
from streaming.realtime_client.engine import RealtimeEngine
from streaming.realtime_client.session import RealtimePolicy
from streaming.recognizer import Dropped, Flushed, RecognizerEvent, Word
from streaming.remote.connection import Servers
from streaming.supervised_stream import StreamPolicy, SupervisedStream
from streaming.testing.scripted_realtime_server import (
    MODEL,
    RealtimeFaults,
    ScriptedRealtimeServer,
)
from streaming.testing.scripted_server import Hearing, ScriptedServer, speech
from streaming.testing.tone_words import chord
from streaming.testing.tone_words import hear as heard_chord
from streaming.testing.tone_words import word as chord_word

SENTENCE = [1, 2, 3, None, 3, 3, 4, None, None, None, 5, 6, 7, 7, 8, None, 9, 10, 11]
INSISTENT = StreamPolicy(first_wait_s=0.01, longest_wait_s=0.05, handover_s=0.05, probe_s=0.01)
PATIENT = replace(INSISTENT, patience_s=10)


def engine_for(
    *servers: ScriptedRealtimeServer, key: str = "", model: str = MODEL
) -> RealtimeEngine:
    addresses = tuple(server.url for server in servers)
    return RealtimeEngine(Servers(addresses, key, connect_s=10), policy=RealtimePolicy(model))


def stream_of(
    *servers: ScriptedRealtimeServer, policy: StreamPolicy = INSISTENT, live: bool = False
) -> SupervisedStream:
    return SupervisedStream([engine_for(*servers)], live=live, policy=policy)


async def hear(stream: SupervisedStream, frames: list[AudioFrame]) -> list[RecognizerEvent]:
    async with asyncio.timeout(60), stream, asyncio.TaskGroup() as tasks:

        async def feed() -> None:
            for frame in frames:
                await stream.send(frame)
            await stream.finish()

        tasks.create_task(feed())
        return [event async for event in stream]


async def refusal(engine: RealtimeEngine) -> str:
    """What a recording is told whose engine cannot be had."""
    with pytest.raises((RecognizerUnavailable, ProtocolError, ExceptionGroup)) as raised:
        await hear(SupervisedStream([engine], live=False, policy=PATIENT), speech([1]))
    error: BaseException = raised.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def texts(events: list[RecognizerEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Word)]


def said(spoken: list[int | None]) -> list[str]:
    return [f"w{n}" for n in spoken if n is not None]


@pytest.mark.parametrize("holds_back", [True, False])
@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("cut", range(0, 60, 14))
async def test_a_broken_connection_loses_and_doubles_nothing(
    cut: int, live: bool, holds_back: bool
) -> None:
    faults = RealtimeFaults(drop_after=[cut])
    async with ScriptedRealtimeServer(holds_back=holds_back, faults=faults) as server:
        assert texts(await hear(stream_of(server, live=live), speech(SENTENCE))) == said(SENTENCE)
        assert server.sessions >= 2


async def test_two_servers_that_are_killed_in_turn_lose_and_double_nothing() -> None:
    spoken = SENTENCE * 12
    kills = [60 + 3 * n for n in range(10)]
    async with (
        ScriptedRealtimeServer(faults=RealtimeFaults(drop_after=list(kills))) as one,
        ScriptedRealtimeServer(faults=RealtimeFaults(drop_after=list(kills))) as two,
    ):
        assert texts(await hear(stream_of(one, two), speech(spoken))) == said(spoken)
        assert one.sessions + two.sessions > 6


async def test_chords_pass_through_the_servers_rate() -> None:
    numbers = [7, 4_711, 65_000, 12_345]
    framer = Framer()
    frames = [f for number in numbers for f in framer.feed(chord(number))] + framer.flush()
    hearing = Hearing(heard_chord)
    async with ScriptedRealtimeServer(hearing=hearing) as server:
        events = await hear(stream_of(server), frames)
    assert texts(events) == [chord_word(number) for number in numbers]


async def test_a_flush_brings_the_last_word_and_the_next_one_is_not_lost() -> None:
    async with (
        ScriptedRealtimeServer() as server,
        engine_for(server).open() as recognizer,
        asyncio.timeout(60),
    ):
        reading = aiter(recognizer)
        events: list[RecognizerEvent] = []
        for n in range(5):
            position = n * 8 * FRAME_SAMPLES
            for frame in speech([2 * n + 1, 2 * n + 2], position=position):
                await recognizer.send(frame)
            await recognizer.flush()  # the next words are sent before it is answered
        while sum(isinstance(event, Flushed) for event in events) < 5:
            events.append(await anext(reading))
        assert server.utterances == 5
        assert server.sessions == 1
    assert texts(events) == [f"w{n}" for n in range(1, 11)]


async def test_a_model_that_fails_is_begun_anew() -> None:
    async with ScriptedRealtimeServer(faults=RealtimeFaults(fail_after=[40, 50])) as server:
        assert texts(await hear(stream_of(server), speech(SENTENCE))) == said(SENTENCE)
        assert server.sessions == 3


async def test_a_server_that_falls_silent_is_left() -> None:
    policy = replace(INSISTENT, silent_s=0.2)
    async with ScriptedRealtimeServer(faults=RealtimeFaults(deaf_after=[40])) as server:
        events = await hear(stream_of(server, policy=policy), speech(SENTENCE))
        assert server.sessions >= 2
    assert texts(events) == said(SENTENCE)


async def test_a_stream_with_voice_and_no_words_is_begun_anew() -> None:
    policy = replace(INSISTENT, mute_ms=1_600)
    spoken: list[int | None] = list(range(1, 17))
    async with ScriptedRealtimeServer(faults=RealtimeFaults(mute_after=[40])) as server:
        events = await hear(stream_of(server, policy=policy), speech(spoken))
        assert server.sessions == 2
    assert texts(events) == said(spoken)


async def test_a_server_that_drains_is_left_without_loss() -> None:
    async with (
        ScriptedRealtimeServer() as one,
        ScriptedRealtimeServer() as two,
        stream_of(one, two, live=True) as stream,
        asyncio.timeout(60),
    ):
        reading = aiter(stream)
        events: list[RecognizerEvent] = []
        frames = speech(SENTENCE)
        for frame in frames[:20]:
            await stream.send(frame)
        while not texts(events):
            events.append(await anext(reading))
        await (one if one.used else two).drain()
        for frame in frames[20:]:
            await stream.send(frame)
        await stream.finish()
        events += [event async for event in reading]
        assert one.sessions == two.sessions == 1
    assert texts(events) == said(SENTENCE)
    assert not [event for event in events if isinstance(event, Dropped)]


async def test_a_wrong_key_is_told_and_not_shown() -> None:
    async with ScriptedRealtimeServer(faults=RealtimeFaults(key="right")) as server:
        for key in ("", "wrong-key"):
            told = await refusal(engine_for(server, key=key))
            assert "does not know the key" in told
            assert "wrong-key" not in told
        events = await hear(
            SupervisedStream([engine_for(server, key="right")], policy=INSISTENT), speech([1])
        )
    assert texts(events) == ["w1"]


async def test_a_wrong_model_is_told_at_once() -> None:
    async with ScriptedRealtimeServer() as server:
        told = await refusal(engine_for(server, model="whisper"))
        assert "does not serve the model whisper" in told
        assert server.sessions == 1


async def test_a_wrong_path_and_another_kind_of_server_are_told() -> None:
    async with ScriptedRealtimeServer() as server:
        engine = RealtimeEngine(Servers((f"{server.url}/v2/realtime",), connect_s=10))
        assert "has no /v2/realtime: is it another kind of server?" in await refusal(engine)
    async with ScriptedServer() as kyutai:
        engine = RealtimeEngine(Servers((kyutai.url,), connect_s=10))
        assert "has no /v1/realtime" in await refusal(engine)
        engine = RealtimeEngine(Servers((f"{kyutai.url}/api/asr-streaming",), connect_s=10))
        assert "does not speak the protocol of /v1/realtime" in await refusal(engine)


async def test_a_server_that_is_no_web_server_is_told() -> None:
    async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(chat, "127.0.0.1", 0) as mail:
        port = mail.sockets[0].getsockname()[1]
        engine = RealtimeEngine(Servers((f"ws://127.0.0.1:{port}",), connect_s=10))
        assert "does not speak the protocol of /v1/realtime" in await refusal(engine)


@pytest.mark.parametrize("nonsense", [b"\x00", "{", '{"type":"transcription.delta","delta":[]}'])
async def test_a_server_that_speaks_nonsense_is_not_tried_again(nonsense: str | bytes) -> None:
    async with ScriptedRealtimeServer(faults=RealtimeFaults(nonsense=nonsense)) as server:
        await refusal(engine_for(server))
        assert server.sessions == 1


async def test_a_server_that_never_lets_us_in_is_unavailable() -> None:
    async with ScriptedRealtimeServer(faults=RealtimeFaults(never_created=True)) as server:
        engine = RealtimeEngine(Servers((server.url,), connect_s=0.05))
        assert "is not ready within" in await refusal(engine)


def test_a_language_that_the_model_does_not_know_is_an_error() -> None:
    engine = RealtimeEngine(Servers(("ws://127.0.0.1:1",)))
    assert len(engine.capabilities.languages) == 13
    engine.open("fr-CA")
    with pytest.raises(LanguageNotSupported, match="'sv'"):
        engine.open("sv")
