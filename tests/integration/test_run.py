"""`captioner run` as an operator meets it: a process with an environment, and an exit code."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from livekit import api

from captioner.livekit_server import MediaServer
from eval.chain import BotProcess, bot_environment

pytestmark = pytest.mark.room

ROOM = "run"
Environment = dict[str, str]


@asynccontextmanager
async def captioner_run(environment: Environment) -> AsyncIterator[BotProcess]:
    bot = BotProcess(ROOM, environment)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


def wrong_address(_server: MediaServer) -> Environment:
    return {"LIVEKIT_URL": "ws://127.0.0.1:9"}


def no_address(_server: MediaServer) -> Environment:
    return {"LIVEKIT_URL": "meet.example.org"}


def wrong_secret(_server: MediaServer) -> Environment:
    return {"LIVEKIT_API_SECRET": "x" * 40}


def no_key(_server: MediaServer) -> Environment:
    return {"LIVEKIT_API_KEY": ""}


def expired_token(server: MediaServer) -> Environment:
    token = (
        api.AccessToken(server.key, server.secret)
        .with_identity("captions")
        .with_grants(api.VideoGrants(room_join=True, room=ROOM, agent=True))
        .with_ttl(datetime.timedelta(hours=-1))
    )
    return {"LIVEKIT_TOKEN": token.to_jwt()}


def unknown_language(_server: MediaServer) -> Environment:
    return {"CAPTIONER_LANGUAGE": "fr"}


@pytest.mark.parametrize(
    ("mistake", "advice"),
    [
        (wrong_address, "check LIVEKIT_URL"),
        (no_address, "check LIVEKIT_URL"),
        (wrong_secret, "LIVEKIT_API_SECRET"),
        (no_key, "LIVEKIT_API_KEY"),
        (expired_token, "token"),
        (unknown_language, "Kyutai"),
    ],
)
async def test_what_is_set_wrong_is_told_in_one_sentence(
    media_server: MediaServer, mistake: Callable[[MediaServer], Environment], advice: str
) -> None:
    async with captioner_run(bot_environment(media_server) | mistake(media_server)) as bot:
        assert await bot.ended(timeout_s=30) == 1
    (line,) = bot.lines
    assert line.startswith("captioner: ")
    assert advice in line


async def test_told_to_stop_it_leaves_with_success(media_server: MediaServer) -> None:
    async with captioner_run(bot_environment(media_server)) as bot:
        await bot.logged("joined")
        assert await bot.stop() == 0
    assert bot.lines[-1] == "The bot left: it was told to stop."


async def test_when_the_room_is_deleted_it_ends_with_success(media_server: MediaServer) -> None:
    async with captioner_run(bot_environment(media_server)) as bot:
        await bot.logged("joined")
        url = media_server.url.replace("ws", "http", 1)
        async with api.LiveKitAPI(url, media_server.key, media_server.secret) as livekit:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=ROOM))
        assert await bot.ended() == 0
    assert bot.lines[-1] == "The bot left: the room was closed."


@pytest.mark.parametrize("same_folder", [True, False], ids=["same state", "another machine"])
async def test_a_bot_that_was_killed_is_followed_by_another_at_once(
    media_server: MediaServer, tmp_path: Path, same_folder: bool
) -> None:
    environment = bot_environment(media_server)
    folders = [tmp_path / "one", tmp_path / ("one" if same_folder else "two")]
    bots = [BotProcess(ROOM, environment | {"CAPTIONER_STATE": str(folder)}) for folder in folders]
    try:
        await bots[0].start()
        await bots[0].logged("joined")
        await bots[0].kill()
        await bots[1].start()
        await bots[1].logged("joined")
    finally:
        codes = [await bot.stop() for bot in bots if bot.lines]
    assert codes == [-9, 0]
