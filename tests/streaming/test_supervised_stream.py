from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from streaming.audio import FRAME_SAMPLES, AudioFrame, Pcm
from streaming.embedded.engine import EmbeddedEngine
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.models import Model
from streaming.errors import ModelError, ProtocolError, RecognizerUnavailable
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.recognizer import Dropped, Flushed, RecognizerEvent, Word
from streaming.remote.connection import Servers
from streaming.supervised_stream import StreamPolicy, SupervisedStream
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer
from streaming.testing.scripted_server import LEVELS, Faults, ScriptedServer, speech

SENTENCE = [1, 2, 3, None, 3, 3, 4, None, None, None, 5, 6, 7, 7, 8, None, 9, 10, 11]
INSISTENT = StreamPolicy(first_wait_s=0.01, longest_wait_s=0.05, handover_s=0.05, probe_s=0.01)
PATIENT = replace(INSISTENT, patience_s=10)


class LevelModel:
    """The same language as the scripted server's, by another model: words are levels of sound."""

    def speaking(self, _language: str) -> LevelModel:
        return self

    def decode(self, pcm: Pcm, draft: object = ()) -> Hypothesis:
        steps = np.round(np.abs(pcm[640::1280]) * LEVELS).astype(int)
        first = np.flatnonzero((steps > 0) & (np.append(0, steps[:-1]) == 0))
        said = steps[first].tolist()
        words = (
            HeardWord(f"w{n}", 0.9, (80 * step, 80 * (step + 1)), i)
            for i, (n, step) in enumerate(zip(said, first.tolist(), strict=True))
        )
        return Hypothesis(tuple(words), tuple(said))


def loud_is_speech(chunk: Pcm) -> float:
    return 1.0 if float(np.abs(chunk).max()) > 0.01 else 0.0


@pytest.fixture
async def embedded() -> AsyncIterator[EmbeddedEngine]:
    models = (Model("level", ("en",), lambda _: LevelModel()),)
    async with EmbeddedEngine(
        models=models, load_detector=lambda: loud_is_speech, threads=1
    ) as engine:
        yield engine


def said(spoken: Iterable[int | None]) -> list[str]:
    return [f"w{n}" for n in spoken if n is not None]


def starts(spoken: Sequence[int | None]) -> list[int]:
    levels = [0.0, *(float(f.pcm[0]) for f in speech(spoken))]
    return [80 * i for i, (a, b) in enumerate(pairwise(levels)) if b and not a]


def stream_of(
    *servers: ScriptedServer, policy: StreamPolicy = INSISTENT, live: bool = False
) -> SupervisedStream:
    addresses = tuple(server.url for server in servers)
    engine = KyutaiEngine(Servers(addresses, connect_s=10))  # a busy machine is slow
    return SupervisedStream([engine], live=live, policy=policy)


async def hear(stream: SupervisedStream, frames: list[AudioFrame]) -> list[RecognizerEvent]:
    async with stream, asyncio.TaskGroup() as tasks:

        async def feed() -> None:
            for frame in frames:
                await stream.send(frame)
            await stream.finish()

        tasks.create_task(feed())
        return [event async for event in stream]


def words(events: list[RecognizerEvent]) -> list[Word]:
    return [event for event in events if isinstance(event, Word)]


def texts(events: list[RecognizerEvent]) -> list[str]:
    return [word.text for word in words(events)]


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("heads", [True, False], ids=["with steps", "without steps"])
@pytest.mark.parametrize("cut", range(0, 100, 3))
async def test_a_broken_connection_loses_and_doubles_nothing(
    cut: int, heads: bool, live: bool
) -> None:
    async with ScriptedServer(heads=heads, faults=Faults(drop_after=[cut])) as server:
        events = await hear(stream_of(server, live=live), speech(SENTENCE))
        assert server.sessions >= 2 or cut > 90
    assert texts(events) == said(SENTENCE)
    assert [word.start_ms for word in words(events)] == starts(SENTENCE)


async def test_twenty_broken_connections_lose_and_double_nothing() -> None:
    spoken = SENTENCE * 20
    cuts = [60 + n for n in range(20)]
    async with ScriptedServer(faults=Faults(drop_after=cuts)) as server:
        events = await hear(stream_of(server), speech(spoken))
        assert server.sessions == 21
    assert texts(events) == said(spoken)


async def test_two_servers_take_over_from_each_other() -> None:
    spoken = SENTENCE * 4
    async with (
        ScriptedServer(faults=Faults(drop_after=[50, 60, 70])) as one,
        ScriptedServer(faults=Faults(drop_after=[50, 60, 70])) as two,
    ):
        events = await hear(stream_of(one, two), speech(spoken))
    assert texts(events) == said(spoken)


@pytest.mark.parametrize("nonsense", [b"\xc1", b"\x80", b"\x81\xa4type\xa5Ready", b"\x90"])
async def test_a_server_that_speaks_nonsense_is_not_tried_again(nonsense: bytes) -> None:
    async with ScriptedServer(faults=Faults(nonsense=nonsense)) as server:
        with pytest.raises(ExceptionGroup) as raised:
            await hear(stream_of(server, policy=PATIENT), speech(SENTENCE))
        assert isinstance(raised.value.exceptions[0], ProtocolError)
        assert server.sessions == 1


async def test_a_stream_that_no_server_takes_over_ends_with_an_error() -> None:
    policy = replace(INSISTENT, patience_s=0.1)
    async with ScriptedServer() as server, stream_of(server, policy=policy, live=True) as stream:
        await stream.send(speech([1])[0])
        await server.__aexit__(None, None, None)
        with pytest.raises(RecognizerUnavailable, match="cannot be reached"):
            async for _ in stream:
                pass


async def test_a_stream_with_voice_and_no_words_is_begun_anew() -> None:
    policy = replace(INSISTENT, mute_ms=1_600)
    spoken = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    async with ScriptedServer(faults=Faults(mute_after=[40])) as server:
        events = await hear(stream_of(server, policy=policy), speech(spoken))
        assert server.sessions == 2
    assert texts(events) == said(spoken)


async def test_a_server_that_falls_silent_is_left() -> None:
    policy = replace(INSISTENT, silent_s=0.05)
    async with ScriptedServer(faults=Faults(deaf_after=[40])) as server:
        events = await hear(stream_of(server, policy=policy), speech(SENTENCE))
        assert server.sessions >= 2
    assert texts(events) == said(SENTENCE)


async def test_what_no_server_hears_falls_off_and_is_counted() -> None:
    policy = replace(INSISTENT, keep_ms=8_000, silent_s=0.2)
    async with ScriptedServer(faults=Faults(deaf_after=[0])) as server:
        stream = stream_of(server, policy=policy, live=True)
        events = await hear(stream, speech([1] * 100))
    dropped_ms = 400 * 80 - 8_000
    assert [event for event in events if isinstance(event, Dropped)] == [Dropped(0, dropped_ms)]
    assert stream.dropped_ms == dropped_ms


async def test_a_live_stream_waits_for_a_server_and_tells_what_nobody_will_hear() -> None:
    policy = replace(INSISTENT, keep_ms=3_200)
    early, late = speech([1, 2]), speech(range(3, 33), position=8 * FRAME_SAMPLES)
    async with ScriptedServer() as server, stream_of(server, policy=policy, live=True) as stream:
        reading = aiter(stream)
        for frame in early:
            await stream.send(frame)
        await stream.flush()
        while not isinstance(await anext(reading), Flushed):
            pass
        port = int(server.url.rpartition(":")[2])
        await server.__aexit__(None, None, None)
        for frame in late:
            await stream.send(frame)
        async with ScriptedServer(port=port):
            await stream.finish()
            events = [event async for event in reading]
    end_ms = late[-1].end_ms
    assert [e for e in events if isinstance(e, Dropped)] == [Dropped(640, end_ms - 3_200)]
    assert texts(events) == said(range(23, 33))


async def test_a_flush_that_waits_for_a_server_cuts_no_word_that_is_spoken_meanwhile() -> None:
    async with ScriptedServer() as server, stream_of(server, live=True) as stream:
        reading = aiter(stream)
        events: list[RecognizerEvent] = []

        async def flushed() -> None:
            while not isinstance(event := await anext(reading), Flushed):
                events.append(event)

        for frame in speech([1, 2]):
            await stream.send(frame)
        await stream.flush()
        await flushed()
        port = int(server.url.rpartition(":")[2])
        await server.__aexit__(None, None, None)
        spoken = speech([None, 3], position=8 * FRAME_SAMPLES)
        long = [replace(spoken[3], position=(11 + n) * FRAME_SAMPLES) for n in range(6)]
        for frame in spoken[:3]:
            await stream.send(frame)
        await stream.flush()
        for frame in long[:3]:  # half a word
            await stream.send(frame)
        async with ScriptedServer(port=port):
            await flushed()
            for frame in long[3:]:
                await stream.send(frame)
            await stream.finish()
            events += [event async for event in reading]
    assert texts(events) == ["w1", "w2", "w3"]


async def test_a_connection_that_ends_while_nobody_speaks_is_no_fault() -> None:
    async with ScriptedServer() as server, stream_of(server, live=True) as stream:
        reading = aiter(stream)
        events: list[RecognizerEvent] = []
        for spoken, position in ([1, 2], 0), ([3, 4], 8 * FRAME_SAMPLES):
            for frame in speech(spoken, position=position):
                await stream.send(frame)
            await stream.flush()
            while not (events and isinstance(events[-1], Flushed)):
                events.append(await anext(reading))
            events.pop()
            server.kill()
    assert texts(events) == ["w1", "w2", "w3", "w4"]


class Conversation:
    """Says things into a stream and waits for them to be understood."""

    def __init__(self, stream: SupervisedStream) -> None:
        self.stream = stream
        self._reading = aiter(stream)
        self._position = 0
        self.events: list[RecognizerEvent] = []

    async def say(self, *words: int | None) -> None:
        for frame in speech(words, position=self._position):
            await self.stream.send(frame)
            self._position += FRAME_SAMPLES

    async def settle(self) -> None:
        await self.stream.flush()
        while not isinstance(event := await anext(self._reading), Flushed):
            self.events.append(event)

    async def finish(self) -> None:
        await self.stream.finish()
        self.events += [event async for event in self._reading]

    @property
    def has_it(self) -> str:
        """The engine that has the stream."""
        return self.stream.capabilities.engine if self.stream.capabilities else "none"

    @property
    def words(self) -> list[str]:
        return texts(self.events)


QUIET = [None] * 8


def with_stand_in(
    server: ScriptedServer, embedded: EmbeddedEngine, *, language: str = "en"
) -> SupervisedStream:
    kyutai = KyutaiEngine(Servers((server.url,), connect_s=10))
    return SupervisedStream([kyutai, embedded], language, policy=INSISTENT)


async def test_the_stand_in_hears_what_the_servers_did_not_and_a_server_takes_it_back(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer() as server, with_stand_in(server, embedded) as stream:
        talk = Conversation(stream)
        await talk.say(1, 2, 3, *QUIET)
        await talk.settle()
        assert talk.has_it == "kyutai"
        await talk.say(4, 5, 6)
        port = int(server.url.rpartition(":")[2])
        await server.__aexit__(None, None, None)
        await talk.say(7, 8, *QUIET)
        await talk.settle()
        assert talk.has_it == "embedded"
        async with ScriptedServer(port=port) as again:
            while talk.has_it != "kyutai":
                await talk.say(9, *QUIET)
                await talk.settle()
            await talk.say(10, 11)
            await talk.finish()
            assert again.sessions >= 1
    heard = [word for word in talk.words if word != "w9"]
    assert heard == said([1, 2, 3, 4, 5, 6, 7, 8, 10, 11])


async def test_a_server_that_hung_up_on_a_silent_speaker_hears_what_comes_after_the_silence(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer() as server, with_stand_in(server, embedded) as stream:
        talk = Conversation(stream)
        await talk.say(1, 2, *QUIET)
        await talk.settle()
        server.kill()
        while talk.has_it == "kyutai":  # noqa: ASYNC110  # nothing is told of that
            await asyncio.sleep(0)
        await asyncio.sleep(2 * INSISTENT.handover_s)
        await talk.say(3)
        await talk.settle()
        assert talk.has_it == "kyutai"
    assert talk.words == ["w1", "w2", "w3"]


async def test_a_stream_that_begins_without_a_server_is_the_stand_ins(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer() as gone:
        pass
    async with with_stand_in(gone, embedded, language="en-GB") as stream:
        talk = Conversation(stream)
        await talk.say(1, 2, *QUIET)
        await talk.finish()
    assert talk.words == ["w1", "w2"]


async def test_a_language_that_the_stand_in_does_not_have_is_left_to_the_servers(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer(capacity=0) as server:
        stream = with_stand_in(server, embedded, language="fr")
        async with stream:
            talk = Conversation(stream)
            await talk.say(1, 2, *QUIET)
            server.capacity = 1
            await talk.settle()
            assert talk.has_it == "kyutai"
    assert talk.words == ["w1", "w2"]


async def test_a_full_server_leaves_the_stream_to_the_stand_in(embedded: EmbeddedEngine) -> None:
    async with ScriptedServer(capacity=0) as server:
        events = await hear(with_stand_in(server, embedded), speech([1, 2, 3, *QUIET]))
    assert texts(events) == ["w1", "w2", "w3"]


async def test_a_server_that_speaks_nonsense_leaves_the_stream_to_the_stand_in(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer(faults=Faults(nonsense=b"\xc1")) as server:
        events = await hear(with_stand_in(server, embedded), speech([1, 2, 3, *QUIET]))
    assert texts(events) == ["w1", "w2", "w3"]


async def test_a_server_that_always_hangs_up_leaves_the_stream_to_the_stand_in(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer(faults=Faults(drop_after=[0] * 1_000)) as server:
        events = await hear(with_stand_in(server, embedded), speech([1, 2, 3, *QUIET]))
    assert texts(events) == ["w1", "w2", "w3"]


async def test_a_stream_of_a_recording_fails_at_once_when_it_cannot_begin() -> None:
    async with ScriptedServer() as gone:
        pass
    with pytest.raises(RecognizerUnavailable):
        async with stream_of(gone, policy=PATIENT):
            pass


async def test_a_model_that_fails_on_the_same_sound_again_and_again_is_waited_for() -> None:
    failures = list[Exception]()
    opened = list[ScriptedRecognizer]()

    def opens() -> ScriptedRecognizer:
        fails = 400 if len(opened) < 5 else None
        opened.append(
            ScriptedRecognizer([Word("one", 80)], fail_at_ms=fails, failure=ModelError("step"))
        )
        return opened[-1]

    stream = SupervisedStream([ScriptedEngine(opens)], policy=INSISTENT, on_failure=failures.append)
    events = await hear(stream, speech([1, 2, 3]))
    assert texts(events) == ["one"]
    assert len(opened) == 6
    assert [type(failure) for failure in failures] == [ModelError]
