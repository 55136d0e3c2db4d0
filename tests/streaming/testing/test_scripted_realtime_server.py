"""The scripted server speaks as vLLM does, message by message; no code of our client is here."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from streaming.testing.scripted_realtime_server import (
    MODEL,
    RealtimeFaults,
    ScriptedRealtimeServer,
)

UPDATE = {"type": "session.update", "model": MODEL}
COMMIT = {"type": "input_audio_buffer.commit"}
END = {"type": "input_audio_buffer.commit", "final": True}


def sound(level: int, frames: int = 3) -> dict[str, str]:
    samples = np.full(1_280 * frames, level / 64 * 32_767, "<i2")
    audio = base64.b64encode(samples.tobytes()).decode()
    return {"type": "input_audio_buffer.append", "audio": audio}


class Client:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, *messages: object) -> None:
        for message in messages:
            await self._socket.send(message if isinstance(message, str) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(await self._socket.recv())
        return message

    async def until_done(self) -> list[dict[str, Any]]:
        told = [await self.receive()]
        while told[-1]["type"] != "transcription.done":
            told.append(await self.receive())
        return told


@asynccontextmanager
async def talking(server: ScriptedRealtimeServer, key: str = "") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{server.url}/v1/realtime"
    async with (
        asyncio.timeout(60),
        connect(url, proxy=None, additional_headers=headers) as socket,
    ):
        yield Client(socket)


async def test_a_session_is_created_first() -> None:
    async with ScriptedRealtimeServer() as server, talking(server) as client:
        created = await client.receive()
        assert created["type"] == "session.created"
        assert created["id"].startswith("sess-")
        assert isinstance(created["created"], int)


async def test_an_utterance_is_a_step_for_each_frame_and_then_done_and_then_the_next() -> None:
    async with ScriptedRealtimeServer() as server, talking(server) as client:
        await client.receive()
        await client.send(UPDATE)
        for level in (5, 7):
            await client.send(COMMIT, sound(level), sound(0, 1), END)
            *deltas, done = await client.until_done()
            assert {delta["type"] for delta in deltas} == {"transcription.delta"}
            assert "".join(delta["delta"] for delta in deltas) == done["text"] == f" w{level}"
            assert "" in [delta["delta"] for delta in deltas]
            assert len(deltas) == 4 + 11  # of its own silence it makes 11 steps beyond the delay
            assert "usage" in done


async def test_steps_begin_when_as_much_was_heard_as_words_are_behind() -> None:
    async with ScriptedRealtimeServer(delay_frames=6) as server, talking(server) as client:
        await client.receive()
        await client.send(UPDATE, COMMIT, sound(1, 6))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.receive()
        await client.send(sound(1, 2))
        assert (await client.receive())["type"] == "transcription.delta"


async def test_what_is_sent_before_done_is_forgotten() -> None:
    async with ScriptedRealtimeServer() as server, talking(server) as client:
        await client.receive()
        await client.send(UPDATE, COMMIT, sound(5), sound(0), END, sound(9), sound(0))
        assert (await client.until_done())[-1]["text"] == " w5"
        await client.send(COMMIT, sound(7), sound(0), END)
        assert (await client.until_done())[-1]["text"] == " w7"


async def test_a_commit_while_one_runs_is_ignored() -> None:
    async with ScriptedRealtimeServer() as server, talking(server) as client:
        await client.receive()
        await client.send(UPDATE, COMMIT, sound(5), COMMIT, sound(0), END)
        assert (await client.until_done())[-1]["text"] == " w5"
        assert server.utterances == 1


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (COMMIT, "model_not_validated"),
        ({"type": "session.update", "model": "whisper"}, "model_not_found"),
        ({"type": "input_audio_buffer.append", "audio": ""}, "invalid_audio"),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_audio"),
        ({"type": "input_audio_buffer.append", "audio": "AA=="}, "invalid_audio"),
        ({"type": "response.create"}, "unknown_event"),
        ("{", "invalid_json"),
    ],
)
async def test_complaints_have_a_sentence_and_a_code(message: object, code: str) -> None:
    async with ScriptedRealtimeServer() as server, talking(server) as client:
        await client.receive()
        await client.send(message)
        told = await client.receive()
        assert (told["type"], told["code"]) == ("error", code)
        assert told["error"]
        await client.send(UPDATE, COMMIT, sound(3), sound(0), END)  # and it goes on
        assert (await client.until_done())[-1]["text"] == " w3"


async def test_who_has_no_key_is_refused() -> None:
    async with ScriptedRealtimeServer(faults=RealtimeFaults(key="right")) as server:
        with pytest.raises(InvalidStatus):
            async with talking(server):
                pass
        async with talking(server, "right") as client:
            assert (await client.receive())["type"] == "session.created"
