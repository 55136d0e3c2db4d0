"""``captioner page``: the page for a room of a media server that runs anyhow."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from click.testing import CliRunner
from livekit import api, rtc

from captioner.commands.main import main
from captioner.demo.livekit_server import MediaServer
from captioner.worker.plan import AGENT_NAME

ROOM = "budget"


@asynccontextmanager
async def served(server: MediaServer, *options: str) -> AsyncIterator[str]:
    """The address of the page."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "captioner", "page", "--room", ROOM, "--port", "0", *options,
        env=os.environ | {
            "LIVEKIT_URL": server.url,
            "LIVEKIT_API_KEY": server.key,
            "LIVEKIT_API_SECRET": server.secret,
        },
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert program.stderr
        line = (await program.stderr.readline()).decode()
        assert line.startswith("serving: ")
        yield line.removeprefix("serving: ").strip()
    finally:
        program.send_signal(signal.SIGTERM)
        assert await program.wait() == 0


async def get(address: str, *, host: str = "") -> bytes:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})

    def read() -> bytes:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())

    return await asyncio.to_thread(read)


async def pass_for(address: str, query: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(await get(f"{address}api/join?{query}"))
    return answer


@pytest.mark.room
async def test_whoever_opens_it_joins_the_room_and_a_worker_is_sent_there(
    media_server: MediaServer,
) -> None:
    async with served(media_server, "--browser-url", media_server.url) as address:
        assert b"<title>" in await get(address)
        given = await pass_for(address, "name=Ada")
    room = rtc.Room()
    await room.connect(given["url"], given["token"])
    try:
        assert (room.name, room.local_participant.name) == (ROOM, "Ada")
        async with api.LiveKitAPI(
            media_server.url, media_server.key, media_server.secret
        ) as client:
            sent = await client.agent_dispatch.list_dispatch(ROOM)
        assert [one.agent_name for one in sent] == [AGENT_NAME]
    finally:
        await room.disconnect()


@pytest.mark.room
async def test_a_guest_is_no_host(media_server: MediaServer) -> None:
    async with served(media_server) as address:
        roles = [
            api.TokenVerifier(media_server.key, media_server.secret)
            .verify((await pass_for(address, query))["token"])
            .attributes
            or {}
            for query in ("name=Ada", "name=Ada&role=guest")
        ]
    assert roles == [{"room_role": "owner"}, {}]


@pytest.mark.room
async def test_it_answers_under_its_names_only(media_server: MediaServer) -> None:
    async with served(media_server, "--name", "captions.example.org") as address:
        assert await get(address, host="captions.example.org:8090")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            await get(f"{address}api/join", host="elsewhere.example.org")


def test_without_a_key_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIVEKIT_API_KEY", raising=False)
    made = CliRunner().invoke(main, ["page", "--room", "r"])
    assert made.exit_code == 1
    assert "LIVEKIT_API_KEY" in made.stderr
