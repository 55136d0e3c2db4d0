"""Kyutai's moshi-server and ours, the same checkpoint in both: their answers are compared.

Our client speaks to both, and so does one that is written with nothing of ours.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.error import HTTPError

import msgpack
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from streaming.audio import AudioFrame, Framer, Pcm, wav
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.kyutai_client.session import SessionPolicy
from streaming.kyutai_server.test_checkpoint.tones import sing, start_ms
from streaming.recognizer import Word
from streaming.remote.connection import Servers
from streaming.supervised_stream import SupervisedStream
from streaming.testing.independent_client import (
    KEY,
    PATH,
    IndependentClient,
    Message,
    connected,
    dial,
    get,
    pack,
    words,
)

WORDS = ["hello", "world", "test", "room", "live", "caption"]
SLOTS = 2  # of each server, as conftest.py starts it

pytestmark = pytest.mark.usefixtures("moshi_server_program")


def expected(spoken: list[str]) -> list[tuple[str, float]]:
    return [(word, start_ms(i) / 1000) for i, word in enumerate(spoken)]


async def session(address: str, pcm: Pcm) -> list[Message]:
    async with AsyncExitStack() as stack:
        client = await connected(address, stack)
        await client.say(pcm)
        return await client.until_marked()


async def both(theirs: str, ours: str) -> list[list[Message]]:
    return [await session(address, sing(WORDS)) for address in (theirs, ours)]


async def test_both_say_the_same_words_at_the_same_times(theirs: str, ours: str) -> None:
    theirs_said, ours_said = await both(theirs, ours)
    assert words(ours_said) == words(theirs_said) == expected(WORDS)


async def test_messages_have_the_same_fields_of_the_same_types(theirs: str, ours: str) -> None:
    def shapes(messages: list[Message]) -> dict[str, dict[str, type]]:
        return {m["type"]: {k: type(v) for k, v in m.items() if k != "joined"} for m in messages}

    theirs_said, ours_said = await both(theirs, ours)
    assert shapes(ours_said) == shapes(theirs_said)
    assert set(shapes(ours_said)) == {"Ready", "Step", "Word", "EndWord", "Marker"}


async def test_a_word_ends_where_theirs_does_and_only_ours_has_an_end_for_the_last_one(
    theirs: str, ours: str
) -> None:
    def ends(messages: list[Message]) -> list[float]:
        return [m["stop_time"] for m in messages if m["type"] == "EndWord"]

    theirs_said, ours_said = await both(theirs, ours)
    assert ends(ours_said)[:-1] == ends(theirs_said)
    assert len(ends(ours_said)) == len(WORDS)


async def test_steps_say_the_same_of_pauses(theirs: str, ours: str) -> None:
    def pauses(messages: list[Message]) -> list[list[float]]:
        return [[round(p, 3) for p in m["prs"]] for m in messages if m["type"] == "Step"]

    theirs_said, ours_said = await both(theirs, ours)
    # How many steps there are behind the Marker is each server's own affair.
    count = 6 * len(WORDS)
    assert len(pauses(theirs_said)) >= count
    assert pauses(ours_said)[:count] == pauses(theirs_said)[:count]


async def test_two_at_once_hear_only_themselves(either: str) -> None:
    async with AsyncExitStack() as stack:
        clients = [await connected(either, stack) for _ in range(SLOTS)]
        songs = [WORDS[:3], WORDS[3:]]
        for client, song in zip(clients, songs, strict=True):
            await client.say(sing(song))
        heard = await asyncio.gather(*(client.words() for client in clients))
    assert [[word for word, _ in said] for said in heard] == songs


async def test_a_full_server_says_so_after_the_upgrade_and_closes(either: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(SLOTS):
            await connected(either, stack)
        client = IndependentClient(await stack.enter_async_context(dial(either)))
        assert await client.receive() == {"type": "Error", "message": "no free channels"}
        with pytest.raises(ConnectionClosed):
            await client.receive()


@pytest.mark.parametrize(
    ("headers", "query"),
    [({}, ""), ({"kyutai-api-key": "wrong"}, ""), ({}, "?auth_id=wrong")],
    ids=["none", "wrong header", "wrong query"],
)
async def test_a_wrong_key_is_refused_before_the_upgrade(
    either: str, headers: dict[str, str], query: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dial(either, headers=headers, query=query):
            pass
    assert refused.value.response.status_code == 401
    assert not refused.value.response.body


async def test_a_key_in_the_query_is_as_good(either: str) -> None:
    async with AsyncExitStack() as stack:
        await connected(either, stack, headers={}, query="?auth_id=public_token")


SPELLINGS = {
    "type last": lambda f: pack({"pcm": f.tolist(), "type": "Audio"}),
    "unknown keys": lambda f: pack({"type": "Audio", "pcm": f.tolist(), "more": [1, {"a": None}]}),
    "float64": lambda f: msgpack.packb({"type": "Audio", "pcm": f.tolist()}),
    "an array": lambda f: pack(["Audio", f.tolist()]),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_however_audio_is_spelt_it_is_heard(either: str, spelling: str) -> None:
    async with AsyncExitStack() as stack:
        client = await connected(either, stack)
        for frame in sing(WORDS[:2]).reshape(-1, 1_920):
            await client.socket.send(SPELLINGS[spelling](frame))
        assert await client.words() == expected(WORDS[:2])


async def test_text_pings_and_empty_audio_are_passed_over(either: str) -> None:
    async with AsyncExitStack() as stack:
        client = await connected(either, stack)
        await client.socket.send("hello?")
        await (await client.socket.ping())
        await client.socket.send(pack({"type": "Audio", "pcm": []}))
        await client.say(sing(WORDS[:2]))
        said = await client.words()
    assert [word for word, _ in said] == WORDS[:2]


async def test_beginning_anew_counts_from_zero(either: str) -> None:
    async with AsyncExitStack() as stack:
        client = await connected(either, stack)
        await client.say(sing(WORDS[:2]))
        await client.until_marked(1)
        client.got.clear()
        await client.socket.send(pack({"type": "Init"}))
        await client.say(sing(["room"]))
        assert await client.words() == expected(["room"])


NONSENSE = {
    "garbage": b"\xc1garbage",
    "an unknown type": pack({"type": "Unknown"}),
    "no pcm": pack({"type": "Audio"}),
    "bin": pack({"type": "Audio", "pcm": b"\0" * 40}),
}


@pytest.mark.parametrize("nonsense", NONSENSE)
async def test_nonsense_ends_the_connection_and_frees_the_slot(either: str, nonsense: str) -> None:
    for _ in range(SLOTS + 1):
        async with AsyncExitStack() as stack:
            client = await connected(either, stack)
            await client.socket.send(NONSENSE[nonsense])
            assert {m["type"] for m in await client.until_closed()} <= {"Ready", "Step", "Error"}


async def test_a_posted_file_is_answered_alike(theirs: str, ours: str) -> None:
    data = wav(sing(WORDS))
    answers = [
        json.loads(raw)
        for raw in [
            await asyncio.to_thread(get, f"http://{address}{PATH}", data=data, headers=KEY)
            for address in (theirs, ours)
        ]
    ]
    plain = [[{k: v for k, v in m.items() if k != "joined"} for m in said] for said in answers]
    assert plain[1][:-1] == plain[0]  # ours ends the last word too
    assert words(answers[0]) == expected(WORDS)


def test_a_file_is_posted_with_a_key_in_the_header_alone(either: str) -> None:
    for url, headers in ((PATH, {}), (PATH + "?auth_id=public_token", {})):
        with pytest.raises(HTTPError) as refused:
            get(f"http://{either}{url}", data=wav(sing(["hello"])), headers=headers)
        assert refused.value.code == 401
        assert refused.value.read() == b""


@pytest.mark.parametrize("route", ["build_info", "modules_info"])
def test_what_is_told_of_a_server_has_the_same_shape(theirs: str, ours: str, route: str) -> None:
    def shape(address: str) -> dict[str, type]:
        told = json.loads(get(f"http://{address}/api/{route}"))
        one = told if route == "build_info" else told[0]
        return {key: type(value) for key, value in one.items()}

    assert shape(theirs).items() <= shape(ours).items()


async def hear(address: str, spoken: list[str]) -> list[Word]:
    """What our own client makes of it."""
    framer = Framer()
    frames = [replace(f, voiced=loud(f)) for f in framer.feed(sing(spoken)) + framer.flush()]
    servers = Servers((f"ws://{address}",), connect_s=5)
    engine = KyutaiEngine(servers, policy=SessionPolicy(delay_ms=160))
    async with SupervisedStream([engine], live=False) as stream, asyncio.TaskGroup() as tasks:

        async def feed() -> None:
            for frame in frames:
                await stream.send(frame)
            await stream.finish()

        tasks.create_task(feed())
        return [event async for event in stream if isinstance(event, Word)]


def loud(frame: AudioFrame) -> bool:
    return bool(np.abs(frame.pcm).max() > 0.01)


async def test_our_client_hears_every_tone_at_its_time_from_both(either: str) -> None:
    assert [(w.text, w.start_ms / 1000) for w in await hear(either, WORDS)] == expected(WORDS)


async def test_two_of_our_clients_side_by_side_lose_nothing(either: str) -> None:
    songs = [WORDS, WORDS[::-1]]
    heard = await asyncio.gather(*(hear(either, song) for song in songs))
    assert [[word.text for word in said] for said in heard] == songs
