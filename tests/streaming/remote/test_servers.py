from __future__ import annotations

import asyncio

from streaming.audio import FRAME_SAMPLES, AudioFrame
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.kyutai_client.session import SessionPolicy
from streaming.realtime_client.engine import RealtimeEngine
from streaming.realtime_client.session import RealtimePolicy
from streaming.recognizer import Dropped, RecognizerEvent, Word
from streaming.remote.connection import Servers
from streaming.supervised_stream import SupervisedStream
from streaming.testing.asr_server import serving
from streaming.testing.scripted import ScriptedModel, ToyVocabulary, frame_of
from streaming.testing.scripted_realtime_server import MODEL, ScriptedRealtimeServer
from streaming.testing.scripted_server import ScriptedServer, speech

SENTENCE = [1, 2, 3, None, 3, 3, 4, None, None, None, 5, 6, 7, 7, 8, None, 9, 10, 11]


async def test_streams_that_are_opened_and_closed_at_once_leak_no_slot() -> None:
    async with (
        ScriptedServer(capacity=4) as one,
        ScriptedServer(capacity=4) as two,
        asyncio.timeout(60),
    ):
        engine = KyutaiEngine(Servers((one.url, two.url), connect_s=10))

        async def visit() -> None:
            async with engine.open():
                pass

        for _ in range(25):
            await asyncio.gather(*(visit() for _ in range(4)))
            leaving = asyncio.create_task(visit())
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.wait([leaving])
        await asyncio.gather(one.idle.wait(), two.idle.wait())
        assert one.sessions + two.sessions >= 100


async def test_streams_go_where_more_slots_are_free() -> None:
    async with (
        ScriptedServer(capacity=4) as small,
        ScriptedServer(capacity=64) as large,
        asyncio.timeout(60),
    ):
        engine = KyutaiEngine(Servers((small.url, large.url), connect_s=10))
        for _ in range(10):
            async with engine.open():
                assert (small.used, large.used) == (0, 1)
            await large.idle.wait()


async def test_a_server_that_drains_is_left_at_once_and_without_loss() -> None:
    tokens = list(range(4, 16))
    vocabulary = ToyVocabulary([f"▁{name}" for name in "abcdefghijkl"])
    spoken = [frame_of(token) for heard in tokens for token in (0, heard, 3)]
    async with (
        serving(ScriptedModel(vocabulary=vocabulary)) as one,
        serving(ScriptedModel(vocabulary=vocabulary)) as two,
        asyncio.timeout(60),
    ):
        servers = Servers((one.url, two.url), connect_s=10)
        policy = SessionPolicy(delay_ms=160)
        async with SupervisedStream([KyutaiEngine(servers, policy=policy)]) as stream:
            reading = aiter(stream)
            events: list[RecognizerEvent] = []
            frames = [AudioFrame(pcm, n * FRAME_SAMPLES, True) for n, pcm in enumerate(spoken)]
            for frame in frames[:18]:
                await stream.send(frame)
            while not [event for event in events if isinstance(event, Word)]:
                events.append(await anext(reading))
            used = one if one.server.steps.batch.used else two
            draining = asyncio.create_task(used.server.steps.drain(3_600))
            for frame in frames[18:]:
                await stream.send(frame)
            await stream.finish()
            events += [event async for event in reading]
            await draining  # the stream did not stay for an hour
            assert not used.server.steps.batch.used
            assert stream.restarts == 1
    texts = [event.text for event in events if isinstance(event, Word)]
    assert texts == list("abcdefghijkl")


async def test_a_server_whose_words_are_three_seconds_late_is_left_without_loss() -> None:
    async with (
        ScriptedRealtimeServer() as one,
        ScriptedRealtimeServer() as two,
        asyncio.timeout(120),
    ):
        servers = Servers((one.url, two.url), connect_s=10)
        engine = RealtimeEngine(servers, policy=RealtimePolicy(MODEL))
        async with SupervisedStream([engine]) as stream:
            frames = speech(SENTENCE)
            await stream.send(frames[0])
            while not (one.used or two.used):  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.01)
            slow, quick = (one, two) if one.used else (two, one)
            slow.faults.late_s = 3.0
            for frame in frames[1:]:
                await stream.send(frame)
            await stream.finish()
            events: list[RecognizerEvent] = [event async for event in stream]
        assert (slow.sessions, quick.sessions) == (1, 1)
        async with engine.open():
            assert quick.used == 1  # the slow one is avoided for a while
    texts = [event.text for event in events if isinstance(event, Word)]
    assert texts == [f"w{n}" for n in SENTENCE if n]
    assert not [event for event in events if isinstance(event, Dropped)]
