from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from streaming.audio import FRAME_SAMPLES, AudioFrame, Pcm
from streaming.embedded.engine import EmbeddedEngine
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.errors import LanguageNotSupported
from streaming.failover import FailoverEngine, FailoverRecognizer
from streaming.kyutai_client.connection import Servers
from streaming.kyutai_client.engine import RemoteEngine
from streaming.kyutai_client.recognizer import RemotePolicy, RemoteRecognizer
from streaming.recognizer import Flushed, RecognizerEvent, Word
from streaming.testing.scripted_server import LEVELS, ScriptedServer, has_voice, speech

QUICK = RemotePolicy(first_wait_s=0.01, longest_wait_s=0.02, patience_s=0.05)


class LevelModel:
    """The same language as the scripted server's, by another model: words are levels of sound."""

    def decode(self, pcm: Pcm, draft: object = ()) -> Hypothesis:
        steps = np.round(np.abs(pcm[640::1280]) * LEVELS).astype(int)
        said = [int(n) for n, m in zip(steps, [0, *steps], strict=False) if n and not m]
        return Hypothesis(
            tuple(HeardWord(f"w{n}", 0.9, i) for i, n in enumerate(said)), tuple(said)
        )


def loud_is_speech(chunk: Pcm) -> float:
    return 1.0 if float(np.abs(chunk).max()) > 0.01 else 0.0


@pytest.fixture
async def embedded() -> AsyncIterator[EmbeddedEngine]:
    async with EmbeddedEngine(
        load_model=LevelModel, load_detector=lambda: loud_is_speech, threads=1
    ) as engine:
        yield engine


def failover(server: ScriptedServer, embedded: EmbeddedEngine) -> FailoverEngine:
    servers = Servers((server.url,))
    remote = RemoteEngine(servers, policy=QUICK, load_voice=lambda: has_voice)
    return FailoverEngine(remote, embedded, probe_s=0.01)


class Conversation:
    """Says things into a recogniser and waits for them to be understood."""

    def __init__(self, recognizer: FailoverRecognizer) -> None:
        self._recognizer = recognizer
        self._reading = aiter(recognizer)
        self._position = 0
        self.events: list[RecognizerEvent] = []

    async def say(self, *words: int | None) -> None:
        for frame in speech(words, position=self._position):
            await self._recognizer.send(frame)
            self._position += FRAME_SAMPLES

    async def settle(self) -> None:
        await self._recognizer.flush()
        while not isinstance(event := await anext(self._reading), Flushed):
            self.events.append(event)

    async def finish(self) -> None:
        await self._recognizer.finish()
        self.events += [event async for event in self._reading]

    @property
    def words(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Word)]


QUIET = [None] * 8


async def test_the_stand_in_hears_what_the_servers_did_not_and_a_server_takes_it_back(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer() as server:
        engine = failover(server, embedded)
        recognizer = engine.open("en")
        assert isinstance(recognizer, FailoverRecognizer)
        async with recognizer:
            talk = Conversation(recognizer)
            await talk.say(1, 2, 3, *QUIET)
            await talk.settle()
            assert not recognizer.stands_in
            await talk.say(4, 5, 6)
            port = int(server.url.rpartition(":")[2])
            await server.__aexit__(None, None, None)
            await talk.say(7, 8, *QUIET)
            await talk.settle()
            assert recognizer.stands_in
            assert recognizer.capabilities.engine == "embedded"
            async with ScriptedServer(port=port) as again:
                while recognizer.stands_in:
                    await talk.say(9, *QUIET)
                    await talk.settle()
                await talk.say(10, 11)
                await talk.finish()
                assert again.sessions >= 1
    said = [word for word in talk.words if word != "w9"]
    assert said == [f"w{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11)]


async def test_a_stream_that_begins_without_a_server_is_the_stand_ins(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer() as gone:
        engine = failover(gone, embedded)
    recognizer = engine.open("en-GB")
    assert isinstance(recognizer, FailoverRecognizer)
    async with recognizer:
        talk = Conversation(recognizer)
        await talk.say(1, 2, *QUIET)
        await talk.finish()
    assert talk.words == ["w1", "w2"]


async def test_a_language_that_the_stand_in_does_not_have_is_left_to_the_servers(
    embedded: EmbeddedEngine,
) -> None:
    async with ScriptedServer() as server:
        engine = failover(server, embedded)
        assert isinstance(engine.open("fr"), RemoteRecognizer)
        with pytest.raises(LanguageNotSupported):
            engine.open("de")


async def test_a_full_server_leaves_the_stream_to_the_stand_in(embedded: EmbeddedEngine) -> None:
    async with ScriptedServer(capacity=0) as server:
        recognizer = failover(server, embedded).open()
        async with recognizer, asyncio.TaskGroup() as tasks:

            async def feed() -> None:
                for frame in speech([1, 2, 3, *QUIET]):
                    await recognizer.send(AudioFrame(frame.pcm, frame.position))
                await recognizer.finish()

            tasks.create_task(feed())
            said = [event.text async for event in recognizer if isinstance(event, Word)]
    assert said == ["w1", "w2", "w3"]
