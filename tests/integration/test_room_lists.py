"""Rooms of which a media server tells less than the truth: on two nodes, or with the hidden."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis
from livekit import api, rtc

from captioner.demo.livekit_server import MediaServer
from captioner.room.tokens import participant_token
from captioner.worker.livekit_api import MediaServerApi
from captioner.worker.plan import AGENT_NAME
from eval.rooms.cluster import Size, running_cluster
from eval.rooms.redis_server import find_redis
from eval.simulation.participant import Participant

pytestmark = pytest.mark.room

ROOM = "split"
FIRST, LATER = [1, 2, 3, 4], [11, 12, 13, 14]
COME_S = 60.0


def speaker(node: MediaServer) -> Participant:
    token = participant_token(node.key, node.secret, room=ROOM, identity="anna")
    return Participant("anna", lambda: (node.url, token), speaks=True, reads=True)


async def speaks_until_read(person: Participant, words: list[int]) -> None:
    """Come, say ``words`` until one of them is shown, and leave. Raises TimeoutError."""
    await person.join()
    try:
        async with asyncio.timeout(COME_S):
            while not person.page.shown():
                await person.say(words)
    finally:
        await person.leave()


async def test_who_is_hidden_does_not_count(media_server: MediaServer) -> None:
    server = media_server
    grants = api.VideoGrants(room_join=True, room=ROOM, hidden=True)
    token = api.AccessToken(server.key, server.secret).with_identity("h").with_grants(grants)
    hidden = rtc.Room()
    await hidden.connect(server.url, token.to_jwt())
    async with MediaServerApi(server.url, server.key, server.secret) as client:
        assert await client.identities(ROOM) == {"h"}
        assert (await client.people(ROOM)).people == 0
        seen = speaker(server)
        await seen.join()
        assert (await client.people(ROOM)).people == 1
        await seen.leave()
    await hidden.disconnect()


@pytest.mark.parametrize("forgotten", [False, True])
async def test_a_room_that_people_find_on_another_node_is_captioned_there(
    livekit_program: Path, tmp_path: Path, forgotten: bool
) -> None:
    """forgotten: that there was such a room; it gets another sid then."""
    program = find_redis()
    if program is None:
        pytest.skip("no redis-server on the PATH: nodes that share a room are not tested")
    size = Size(rooms=1, nodes=2, workers=1, recognisers=1)
    async with running_cluster(livekit_program, tmp_path, size, redis=program) as cluster:
        node = cluster.nodes[0]
        async with MediaServerApi(node.url, node.key, node.secret) as client:
            await client.dispatch(ROOM, AGENT_NAME)
        await speaks_until_read(speaker(node), FIRST)
        assert cluster.redis is not None
        with redis.Redis.from_url(cluster.redis.url, decode_responses=True) as known:
            # As when the room's node stands still: whoever comes now finds it on the other.
            before = known.hget("room_node_map", ROOM)
            [after] = set(known.hkeys("nodes")) - {before}
            known.hset("room_node_map", ROOM, after)
            if forgotten:
                known.hdel("rooms", ROOM)
        person = speaker(node)
        await speaks_until_read(person, LATER)
        assert person.page.gaps  # what was said before the bot came
