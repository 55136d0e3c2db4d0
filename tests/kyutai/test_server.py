"""The whole server on the test checkpoint: plumbing, never accuracy on speech."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import pairwise

import aiohttp
import av
import msgpack
import numpy as np
import pytest

from streaming.audio import Pcm
from streaming.errors import ModelError
from streaming.kyutai import protocol
from streaming.kyutai_server.api_keys import Keys
from streaming.kyutai_server.limits import Limits
from streaming.kyutai_server.moshi_model import KyutaiModel
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing, start_ms
from streaming.testing.asr_server import Client, Running, serving
from streaming.testing.scripted import ScriptedModel, ToyVocabulary

WORDS = ["hello", "world", "live", "caption", "test", "room", "world", "hello"]


async def test_tones_become_words_with_times_and_each_word_has_its_end(
    running: Running,
) -> None:
    async with running.client() as client:
        await client.say(sing(WORDS))
        await client.send(protocol.Marker(5))
        said = await client.until(protocol.Marker(5))
    words = [message for message in said if isinstance(message, protocol.Word)]
    assert words == [
        protocol.Word(word, start_ms(i) / 1000, joined=False) for i, word in enumerate(WORDS)
    ]
    assert [type(message) for message in said] == [protocol.Word, protocol.EndWord] * len(WORDS)


@pytest.mark.parametrize("chunk", [100, 1_000, 1_920, 7_777, 90_000])
async def test_messages_of_any_length_give_the_same_words(running: Running, chunk: int) -> None:
    async with running.client() as client:
        assert await client.words(sing(WORDS), chunk=chunk) == WORDS


async def test_streams_side_by_side_hear_only_themselves(running: Running) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(running.client()) for _ in range(4)]
        songs = [[list(TONES)[(i * (k + 1) + k) % 6] for i in range(20)] for k in range(4)]
        async with asyncio.TaskGroup() as tasks:
            heard = [
                tasks.create_task(client.words(sing(song)))
                for client, song in zip(clients, songs, strict=True)
            ]
        assert [task.result() for task in heard] == songs


async def test_the_same_slot_serves_one_client_after_another(running: Running) -> None:
    for number in range(12):
        song = [list(TONES)[(number + i) % 6] for i in range(4)]
        async with running.client() as client:
            assert await client.words(sing(song)) == song
            await client.say(sing(["hello"])[:3_000])  # leaves in mid-word
        await running.empty()


async def test_steps_tell_of_pauses(running: Running) -> None:
    async with running.client() as client:
        await client.say(np.concatenate([sing(["hello"]), np.zeros(19_200, np.float32)]))
        steps = []
        while len(steps) < 12:
            message = await client.receive()
            if isinstance(message, protocol.Step):
                steps.append(message)
    assert [round(step.prs[2]) for step in steps[1:7]] == [0, 0, 0, 1, 1, 1]
    assert all(later.step_idx > step.step_idx for step, later in pairwise(steps))


def opus_of(pcm: Pcm, *, rate: int = 48_000) -> bytes:
    """An Ogg Opus file of ``pcm``."""
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(pcm[None], "flt", "mono")
        frame.sample_rate = 24_000
        for packed in [*av.AudioResampler("s16", "mono", rate).resample(frame), None]:
            container.mux(stream.encode(packed))
    return out.getvalue()


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 100, 5_000])
async def test_opus_in_pieces_of_any_size_is_heard(running: Running, size: int) -> None:
    async with running.client() as client:
        for piece in pieces(opus_of(sing(WORDS)), size):
            await client.send(protocol.OggOpus(piece))
        await client.send(protocol.Marker(1))
        said = await client.until(protocol.Marker(1))
    assert [message.text for message in said if isinstance(message, protocol.Word)] == WORDS


async def test_a_posted_file_is_answered_with_its_words(running: Running) -> None:
    headers = {protocol.KEY_HEADER: "public_token"}
    data = opus_of(sing(WORDS))
    async with running.session.post(running.http, data=data, headers=headers) as answer:
        said = await answer.json()
    assert [item["text"] for item in said if item["type"] == "Word"] == WORDS
    assert [item["type"] for item in said] == ["Word", "EndWord"] * len(WORDS)


async def test_rubbish_posted_is_refused_with_a_reason_and_costs_no_slot(
    running: Running,
) -> None:
    headers = {protocol.KEY_HEADER: "public_token"}
    async with running.session.post(running.http, data=b"x" * 999, headers=headers) as answer:
        assert answer.status == 400
        assert "not an audio file" in (await answer.json())["error"]
    await running.empty()


async def test_without_a_key_there_is_no_upgrade(running: Running) -> None:
    for url, headers in ((running.url, {}), (running.url + "?auth_id=wrong", {})):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await running.session.ws_connect(url, headers=headers)
        assert refusal.value.status == 401
    async with running.session.post(running.http + "?auth_id=public_token", data=b"") as answer:
        assert answer.status == 401
        assert await answer.read() == b""


async def test_a_key_in_the_query_does_as_well_as_one_in_the_header(running: Running) -> None:
    async with running.session.ws_connect(running.url + "?auth_id=public_token") as socket:
        assert await Client(socket).receive() == protocol.Ready()


async def refused(running: Running) -> protocol.ServerMessage | None:
    async with running.connect() as client:
        message = await client.receive()
        assert await client.receive() is None
        return message


async def test_a_full_server_says_so_and_closes(running: Running) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(running.client())
        assert await refused(running) == protocol.Error(protocol.NO_FREE_CHANNELS)
    await running.empty()
    async with running.client():
        pass


async def test_a_key_has_no_more_streams_than_it_may(model: KyutaiModel) -> None:
    async with (
        serving(
            model, limits=Limits(streams_per_key=1, drain_s=0), keys=Keys(("a", "b"))
        ) as server,
        server.connect(key="a") as first,
        server.connect(key="a") as second,
        server.connect(key="b") as third,
    ):
        assert await first.receive() == protocol.Ready()
        assert await second.receive() == protocol.Error(protocol.NO_FREE_CHANNELS)
        assert await third.receive() == protocol.Ready()


BAD = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"\xc1garbage", id="garbage"),
    pytest.param(b"\x82\xa4type", id="truncated"),
    pytest.param(b"\x91" * 3000, id="nested"),
    pytest.param(msgpack.packb({"type": "Unknown"}), id="an unknown type"),
    pytest.param(msgpack.packb({"type": "Audio"}), id="no pcm"),
    pytest.param(msgpack.packb({"type": "Audio", "pcm": b"\0" * 40}), id="pcm as bin"),
    pytest.param(msgpack.packb({"type": "Audio", "pcm": "hello"}), id="pcm as text"),
    pytest.param(msgpack.packb({"type": "Marker", "id": "one"}), id="a Marker that is no number"),
    pytest.param(b"\x82\xa4type\xa5Audio\xa3pcm\xdd\xff\xff\xff\xff", id="a huge array, announced"),
    pytest.param(
        protocol.encode(protocol.OggOpus(b"no Ogg at all, but long enough")), id="garbage Opus"
    ),
]


@pytest.mark.parametrize("bad", BAD)
async def test_nonsense_is_answered_with_a_reason_and_disturbs_nobody(
    running: Running, bad: bytes
) -> None:
    async with running.client() as good, running.client() as client:
        listening = asyncio.create_task(good.words(sing(WORDS)))
        await client.socket.send_bytes(bad)
        message = await client.receive()
        assert isinstance(message, protocol.Error)
        assert message.message
        assert await client.receive() is None
        assert client.socket.close_code is not None
        assert await listening == WORDS


async def test_a_message_beyond_all_measure_closes_the_stream(running: Running) -> None:
    async with running.client() as client:
        await client.socket.send_bytes(b"\0" * (protocol.MAX_CLIENT_BYTES + 1))
        assert await client.receive() is None
    await running.empty()


async def test_text_is_ignored(running: Running) -> None:
    async with running.client() as client:
        await client.socket.send_str("hello?")
        assert await client.words(sing(WORDS)) == WORDS


async def test_beginning_anew_in_mid_stream_counts_from_zero(running: Running) -> None:
    async with running.client() as client:
        await client.words(sing(WORDS))
        await client.send(protocol.Init())
        await client.say(sing(["room"]))
        await client.send(protocol.Marker(2))
        said = await client.until(protocol.Marker(2))
    assert said[0] == protocol.Word("room", 0.0, joined=False)


async def test_wild_samples_spoil_neither_this_stream_nor_the_next(running: Running) -> None:
    wild = np.array([np.nan, np.inf, -np.inf, 1e30] * 480, np.float32)
    for _ in range(5):  # more than there are slots
        async with running.client() as client:
            await client.say(np.concatenate([wild, np.zeros(7_680, np.float32)]))
            assert (await client.words(sing(WORDS)))[-len(WORDS) + 1 :] == WORDS[1:]
        await running.empty()
    async with running.client() as client:
        assert await client.words(sing(WORDS)) == WORDS


async def test_ten_thousand_tiny_messages_are_heard(running: Running) -> None:
    async with running.client() as client:
        for _ in range(10_000):
            await client.say(np.zeros(2, np.float32))
        assert await client.words(sing(["hello"])) == ["hello"]


async def test_who_vanishes_gives_the_slot_back(running: Running) -> None:
    for _ in range(3):
        async with running.connect() as client:
            assert await client.receive() == protocol.Ready()
            await client.say(sing(WORDS))
            client.abort()
        await running.empty()


async def test_who_is_silent_for_too_long_is_told_to_go(model: KyutaiModel) -> None:
    async with serving(model, limits=Limits(idle_s=0.1, drain_s=0)) as server:
        async with server.client() as client:
            message = await client.receive()
            assert isinstance(message, protocol.Error)
            assert "idle" in message.message
        await server.empty()


async def test_a_failed_step_is_told_to_everybody_and_ends_the_server() -> None:
    model = ScriptedModel(
        vocabulary=ToyVocabulary(["▁a"]), batch_size=2, fail_at=5, failure=ModelError("broken")
    )
    async with serving(model) as server, server.client() as one, server.client() as two:
        await one.say(np.zeros(19_200, np.float32))
        assert await one.receive() == protocol.Error("the model failed")
        assert await two.receive() == protocol.Error("the model failed")
        assert await refused(server) == protocol.Error(protocol.NO_FREE_CHANNELS)


async def test_health_tells_slots_and_that_steps_happen(running: Running) -> None:
    root = running.http.removesuffix(protocol.PATH)
    async with running.client() as client:
        await client.words(sing(["hello"]))
        async with running.session.get(root + "/health") as answer:
            assert answer.status == 200
            health = await answer.json()
        assert (health["used_slots"], health["total_slots"]) == (1, 4)
        async with running.session.get(root + "/api/modules_info") as answer:
            assert (await answer.json())[0]["used_slots"] == "1"
        async with running.session.get(root + "/metrics") as answer:
            assert "asr_step_seconds_bucket" in await answer.text()
        async with running.session.get(root + "/api/build_info") as answer:
            assert json.loads(await answer.text())["name"] == "live-captions asr-server"


async def test_health_fails_when_steps_stop(running: Running) -> None:
    root = running.http.removesuffix(protocol.PATH)
    running.server.steps.pace.began -= 3_600
    running.server.steps.pace.costs.append(0.001)
    assert "no step" in str(running.server.steps.fault())
    running.server.steps.draining = True
    async with running.session.get(root + "/health") as answer:
        assert answer.status == 503
