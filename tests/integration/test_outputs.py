"""Clients that know no captions of ours read them: in a real room, in Python and in a browser."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from playwright.async_api import async_playwright

from captioner.demo.livekit_server import MediaServer
from captioner.demo.sound_publisher import SoundPublisher
from captioner.publishing.room_clock import RoomClock
from captioner.room.encryption import encryption
from captioner.room.livekit_room import LiveKitRoom
from captioner.room.protocol import Changed, Voice
from captioner.room.segments import Segment
from captioner.room.tokens import agent_token, participant_token
from streaming.audio import Pcm

pytestmark = pytest.mark.room

ROOM = "room"
KEY = "a key that only the room's members know"
CLIENT = Path("web-overlay/node_modules/livekit-client/dist/livekit-client.umd.js")

SPOKEN = [
    Segment("s-t1-1", "anna", "", "on", 1000, 1500, "fr", False),
    Segment("s-t1-1", "anna", "", "on commence", 1000, 1900, "fr", False),
    Segment("s-t1-1", "anna", "", "On commence.", 1000, 2000, "fr", True),
]


def token_of(server: MediaServer, identity: str) -> str:
    return participant_token(server.key, server.secret, room=ROOM, identity=identity)


@contextlib.asynccontextmanager
async def bot_in(server: MediaServer, *, key: str = "") -> AsyncIterator[LiveKitRoom]:
    room = LiveKitRoom(RoomClock.start().now_ms, key=key)
    token = agent_token(server.key, server.secret, room=ROOM, identity="bot", name="Captions")
    await room.join(server.url, token)
    yield room
    await room.leave()


@contextlib.asynccontextmanager
async def speaker_in(server: MediaServer, *, key: str = "") -> AsyncIterator[SoundPublisher]:
    speaker = SoundPublisher(key=key)
    await speaker.join(server.url, token_of(server, "anna"))
    yield speaker
    await speaker.leave()


class Client:
    """Somebody with an SDK of LiveKit, and no page of ours."""

    def __init__(self, *, key: str = "") -> None:
        self.room = rtc.Room()
        self.seen: list[Any] = []
        self._key = key
        self._more = asyncio.Event()

    def see(self, what: Any) -> None:
        self.seen.append(what)
        self._more.set()

    async def join(self, server: MediaServer, identity: str) -> None:
        options = rtc.RoomOptions(auto_subscribe=False, encryption=encryption(self._key))
        await self.room.connect(server.url, token_of(server, identity), options)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self.seen) < count:
                self._more.clear()
                await self._more.wait()


@contextlib.asynccontextmanager
async def client_in(
    server: MediaServer, *, key: str = "", identity: str = "client"
) -> AsyncIterator[Client]:
    client = Client(key=key)
    await client.join(server, identity)
    yield client
    await client.room.disconnect()


async def track_of(client: Client, identity: str) -> str:
    """The sid of somebody's microphone, once it is there."""
    more = asyncio.Event()
    for event in ("track_published", "participant_connected"):
        client.room.on(event, lambda *_: more.set())
    async with asyncio.timeout(60):
        while True:
            person = client.room.remote_participants.get(identity)
            if person and person.track_publications:
                return next(iter(person.track_publications))
            more.clear()
            await more.wait()


def of_track(segment: Segment, track: str) -> Segment:
    return Segment(
        segment.id, segment.speaker, track, segment.text, segment.start_ms, segment.end_ms,
        segment.language, segment.final,
    )  # fmt: skip


@pytest.mark.parametrize("key", ["", KEY])
async def test_text_streams_come_in_the_name_of_the_speaker_with_the_right_flags(
    media_server: MediaServer, key: str
) -> None:
    streams: asyncio.Queue[tuple[rtc.TextStreamReader, str]] = asyncio.Queue()
    async with (
        bot_in(media_server, key=key) as bot,
        speaker_in(media_server, key=key),
        client_in(media_server, key=key) as client,
    ):
        client.room.register_text_stream_handler(
            "lk.transcription", lambda *s: streams.put_nowait(s)
        )
        track = await track_of(client, "anna")
        for segment in SPOKEN:
            await bot.send_stream(of_track(segment, track))
        async with asyncio.timeout(60):
            for _ in SPOKEN:  # each is a stream of its own: their ends may cross on a busy machine
                reader, sender = await streams.get()
                client.see((sender, await reader.read_all(), dict(reader.info.attributes)))
    # The media server cannot change the sender of what it cannot read: there the track says who.
    name = "bot" if key else "anna"
    assert [(sender, text) for sender, text, _ in client.seen] == [
        (name, "on"), (name, "on commence"), (name, "On commence."),
    ]  # fmt: skip
    assert [facts["lk.transcription_final"] for *_, facts in client.seen] == [
        "false", "false", "true",
    ]  # fmt: skip
    assert {facts["lk.segment_id"] for *_, facts in client.seen} == {"s-t1-1"}
    assert {facts["lk.transcribed_track_id"] for *_, facts in client.seen} == {track}


async def test_legacy_packets_reach_a_client_of_the_sdk(media_server: MediaServer) -> None:
    async with (
        bot_in(media_server) as bot,
        speaker_in(media_server),
        client_in(media_server) as client,
    ):

        def received(segments: list[Any], participant: Any, publication: Any) -> None:
            for one in segments:
                client.see((participant.identity, publication.sid, one.id, one.text, one.final))

        client.room.on("transcription_received", received)
        track = await track_of(client, "anna")
        for segment in SPOKEN:
            await bot.send_packet(of_track(segment, track))
        await client.until(3)
    assert client.seen == [
        ("anna", track, "s-t1-1", "on", False),
        ("anna", track, "s-t1-1", "on commence", False),
        ("anna", track, "s-t1-1", "On commence.", True),
    ]


JOIN = """async ([url, token]) => {
  const room = new LivekitClient.Room();
  window.seen = [];
  room.on(LivekitClient.RoomEvent.TranscriptionReceived, (segments, participant, publication) => {
    for (const one of segments)
      window.seen.push([participant?.identity, publication?.trackSid, one.id, one.text, one.final]);
  });
  room.registerTextStreamHandler("lk.transcription", async (reader, sender) => {
    const about = reader.info.attributes;
    const text = await reader.readAll();
    const final = about["lk.transcription_final"] === "true";
    window.seen.push([sender.identity, "stream", about["lk.segment_id"], text, final]);
  });
  await room.connect(url, token);
  window.room = room;
}"""


@pytest.mark.browser
async def test_a_browser_gets_both_kinds_with_the_right_flags(
    media_server: MediaServer, chromium_path: str
) -> None:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=chromium_path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.add_script_tag(path=CLIENT)
        async with bot_in(media_server) as bot, speaker_in(media_server):
            await page.evaluate(JOIN, [media_server.url, token_of(media_server, "client")])
            track = await page.evaluate(
                "async () => { let sid; while (!(sid = [...(room.remoteParticipants.get('anna')"
                "?.trackPublications.keys() ?? [])][0])) await new Promise((go) =>"
                " setTimeout(go, 20)); return sid; }"
            )
            for segment in SPOKEN:
                await bot.send_packet(of_track(segment, track))
                await bot.send_stream(of_track(segment, track))
            await page.wait_for_function("window.seen.length >= 6", timeout=60_000)
            seen = await page.evaluate("window.seen")
        await browser.close()
    ends = [(segment.id, segment.text, segment.final) for segment in SPOKEN]
    packets = [tuple(one) for one in seen if one[1] != "stream"]
    streams = [tuple(one) for one in seen if one[1] == "stream"]
    assert packets == [("anna", track, *end) for end in ends]
    assert streams == [("anna", "stream", *end) for end in ends]


# Encrypted rooms


async def until(room: LiveKitRoom, seen: Callable[[], bool]) -> None:
    """Wait until it is so; nobody is listened to before."""
    async with asyncio.timeout(30):
        async for event in room.events():
            assert not isinstance(event, Voice)
            if isinstance(event, Changed) and seen():
                return


async def test_an_encrypted_voice_is_not_listened_to_without_the_key(
    media_server: MediaServer,
) -> None:
    async with bot_in(media_server) as bot:
        bot.hear(lambda _: True)
        assert not bot.encrypted
        async with speaker_in(media_server, key=KEY) as anna:
            await until(bot, lambda: bot.encrypted)
            await anna.play([tone(1)])
        await until(bot, lambda: not bot.encrypted)


async def voice_in(bot: LiveKitRoom) -> Voice:
    async with asyncio.timeout(60):
        async for event in bot.events():
            if isinstance(event, Voice):
                return event
    raise AssertionError("a room's events end with Left")


def tone(seconds: int) -> Pcm:
    wave = 0.5 * np.sin(np.arange(48_000 * seconds) * 2 * np.pi * 440 / 48_000)
    return wave.astype(np.float32)


async def loudest(bot: LiveKitRoom, speaker: SoundPublisher) -> float:
    """The loudest second that the bot hears while a tone is played."""
    playing = asyncio.create_task(speaker.play([tone(3)]))
    loud = 0.0
    voice = await voice_in(bot)
    async with asyncio.timeout(60):
        async for frame in voice.frames:
            loud = max(loud, float(np.sqrt(np.mean(frame.pcm**2))))
            if playing.done():
                break
    await playing
    return loud


async def test_with_the_key_the_bot_hears_an_encrypted_voice(media_server: MediaServer) -> None:
    async with bot_in(media_server, key=KEY) as bot, speaker_in(media_server, key=KEY) as speaker:
        bot.hear(lambda _: True)
        assert await loudest(bot, speaker) > 0.2
        assert not bot.encrypted


async def test_with_another_key_the_room_is_told_and_no_noise_is_heard(
    media_server: MediaServer,
) -> None:
    async with bot_in(media_server, key="other") as bot, speaker_in(media_server, key=KEY) as anna:
        bot.hear(lambda _: True)
        speaking = asyncio.create_task(anna.play([tone(20)]))
        voice = await voice_in(bot)
        async with asyncio.timeout(60):
            while not bot.encrypted:
                assert not (await anext(voice.frames)).pcm.any()
        speaking.cancel()


async def test_packets_of_an_encrypted_room_are_read_by_who_has_the_key_and_nobody_else(
    media_server: MediaServer,
) -> None:
    async with (
        bot_in(media_server, key=KEY) as bot,
        client_in(media_server, key=KEY) as member,
        client_in(media_server, identity="stranger") as stranger,
    ):
        for client in (member, stranger):
            client.room.on("data_received", lambda packet, to=client: to.see(packet.data))
        await bot.send(b"words", topic="captions")
        await bot.send(b"more words", topic="captions")
        await member.until(2)
    assert member.seen == [b"words", b"more words"]
    assert stranger.seen == []


async def test_legacy_packets_which_cannot_be_encrypted_are_not_sent_in_an_encrypted_room(
    media_server: MediaServer,
) -> None:
    async with bot_in(media_server, key=KEY) as bot, client_in(media_server, key=KEY) as client:
        client.room.on("transcription_received", lambda *facts: client.see(facts))
        client.room.on("data_received", lambda packet: client.see(packet.data))
        await bot.send_packet(of_track(SPOKEN[0], "TR_x"))
        await bot.send(b"the end", topic="captions")
        await client.until(1)
    assert client.seen == [b"the end"]
