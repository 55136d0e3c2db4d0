"""`captioner run` as an operator meets it: a process with an environment, and an exit code."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from livekit import api

from captioner.demo.livekit_server import MediaServer
from captioner.room.tokens import participant_token
from eval.corpus.manifest import bundled_corpus
from eval.runs.local_meeting import BotProcess, Listener, LocalMeeting, bot_environment
from streaming.testing.scripted_server import ScriptedServer

pytestmark = pytest.mark.room

ROOM = "run"
Environment = dict[str, str]


@asynccontextmanager
async def captioner_run(environment: Environment, *options: str) -> AsyncIterator[BotProcess]:
    bot = BotProcess(ROOM, environment, options=options)
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
    return {"CAPTIONER_LANGUAGE": "xx"}


@pytest.mark.parametrize(
    ("mistake", "advice"),
    [
        (wrong_address, "check LIVEKIT_URL"),
        (no_address, "check LIVEKIT_URL"),
        (wrong_secret, "LIVEKIT_API_SECRET"),
        (no_key, "LIVEKIT_API_KEY"),
        (expired_token, "token"),
        (unknown_language, "knows en, fr"),
    ],
)
async def test_what_is_set_wrong_is_told_in_one_sentence(
    media_server: MediaServer, mistake: Callable[[MediaServer], Environment], advice: str
) -> None:
    async with captioner_run(bot_environment(media_server) | mistake(media_server)) as bot:
        assert await bot.ended(timeout_s=60) == 1
    (line,) = bot.lines
    assert line.startswith("captioner: ")
    assert advice in line


def why_left(bot: BotProcess) -> str:
    last = json.loads(bot.lines[-1])
    assert last["event"] == "left"
    return str(last["why"])


async def test_told_to_stop_it_leaves_with_success(media_server: MediaServer) -> None:
    async with captioner_run(bot_environment(media_server)) as bot:
        await bot.logged("joined")
        assert await bot.stop() == 0
    assert why_left(bot) == "it was told to stop"


async def delete_room(server: MediaServer) -> None:
    url = server.url.replace("ws", "http", 1)
    async with api.LiveKitAPI(url, server.key, server.secret) as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=ROOM))


async def test_after_the_meeting_it_ends_with_success_if_told_so(
    media_server: MediaServer,
) -> None:
    async with captioner_run(bot_environment(media_server), "--until-empty") as bot:
        await bot.logged("joined")
        await delete_room(media_server)
        assert await bot.ended() == 0
    assert why_left(bot) == "the room was closed"


async def test_after_the_meeting_it_waits_for_the_next_one(
    media_server: MediaServer,
) -> None:
    async with captioner_run(bot_environment(media_server)) as bot:
        await bot.logged("joined")
        await delete_room(media_server)
        viewer = Listener()
        token = participant_token(
            media_server.key, media_server.secret, room=ROOM, identity="viewer"
        )
        await viewer.join(media_server.url, token)
        await viewer.hello()
        await viewer.leave()
        await bot.logged("joined", times=2)
        assert await bot.stop() == 0


async def test_a_participant_who_takes_the_bots_identity_ends_it_with_a_sentence(
    media_server: MediaServer,
) -> None:
    async with captioner_run(bot_environment(media_server), "--identity", "captions") as bot:
        await bot.logged("joined")
        taker = Listener()
        key, secret = media_server.key, media_server.secret
        token = participant_token(key, secret, room=ROOM, identity="captions")
        await taker.join(media_server.url, token)
        assert await bot.ended() == 1
        await taker.leave()
    assert bot.lines[-1] == (
        "captioner: another participant joined with the bot's identity: give each bot an identity"
        " of its own"
    )


async def test_a_bot_that_somebody_removes_ends_with_a_code_of_its_own(
    media_server: MediaServer,
) -> None:
    url = media_server.url.replace("ws", "http", 1)
    async with captioner_run(bot_environment(media_server), "--identity", "captions") as bot:
        await bot.logged("joined")
        async with api.LiveKitAPI(url, media_server.key, media_server.secret) as livekit:
            gone = api.RoomParticipantIdentity(room=ROOM, identity="captions")
            await livekit.room.remove_participant(gone)
        assert await bot.ended() == 77
    assert why_left(bot)


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


async def test_while_no_server_answers_everybody_sees_who_stands_in_and_that_it_is_over(
    livekit_program: Path,
) -> None:
    async with ScriptedServer() as server:
        environment = {"CAPTIONER_ASR": server.url, "CAPTIONER_WANT": "always"}
        async with (
            LocalMeeting(livekit_program, environment=environment) as chain,
            chain.listener() as viewer,
            chain.speaker("anna", "Anna") as anna,
        ):
            talk = asyncio.create_task(anna.play([bundled_corpus()[0].audio(48_000)] * 3))
            await tells(viewer, engine="kyutai", stands_in="", state="on")
            await viewer.until(lambda: server.used > 0 and bool(viewer.captions()))
            await server.__aexit__(None, None, None)
            await tells(viewer, engine="embedded", stands_in="embedded")
            await server.__aenter__()
            await tells(viewer, engine="kyutai", stands_in="")
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)


async def tells(viewer: Listener, **wanted: str) -> None:
    """Wait until the bot's attributes say so; LiveKit leaves out those that are empty."""
    changed = asyncio.Event()
    viewer.room.on("participant_attributes_changed", lambda *_: changed.set())
    viewer.room.on("participant_connected", lambda *_: changed.set())
    facts = {f"captions.{key}": value for key, value in wanted.items()}
    async with asyncio.timeout(60):
        while not any(
            all(person.attributes.get(key, "") == value for key, value in facts.items())
            for person in viewer.room.remote_participants.values()
            if "captions.session" in person.attributes
        ):
            changed.clear()
            await changed.wait()
