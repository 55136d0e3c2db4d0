"""What a room decides about transcripts and encryption, done by a whole bot in a real room."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webvtt
from livekit import rtc

from captioner.bot.bot import Bot, Engine
from captioner.bot.output_settings import OutputSettings
from captioner.captions.cues import CueClosed
from captioner.contract import Caption, Published
from captioner.contract_requests import CONSENT, SET
from captioner.controls.decisions import Policy, Want
from captioner.controls.state_store import MemoryStore
from captioner.demo.livekit_server import MediaServer
from captioner.demo.sound_publisher import SoundPublisher
from captioner.publishing.livekit_segments import Legacy
from captioner.room.encryption import encryption
from captioner.room.livekit_room import LiveKitRoom
from captioner.room.tokens import agent_token, participant_token
from captioner.transcript.folder import TranscriptPolicy
from streaming.recognizer import RecognizerEvent, Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

pytestmark = pytest.mark.room

ROOM = "budget"
KEY = "a key that only the room's members know"


def sentences() -> ScriptedRecognizer:
    """Says a sentence of two words every second."""
    words: list[RecognizerEvent] = []
    for n in range(60):
        words += [Word(f"Word{n}", n * 1000), WordEnd(n * 1000 + 200)]
        words += [Word("ends.", n * 1000 + 300), WordEnd(n * 1000 + 500)]
    return ScriptedRecognizer(words)


class Member:
    """Somebody in the room, who sees the bot's attributes and can call it."""

    def __init__(self, server: MediaServer, identity: str, *, host: bool, key: str = "") -> None:
        self.room = rtc.Room()
        self.segments: list[tuple[str, str, bool]] = []
        self._key = key
        self._more = asyncio.Event()
        self._url = server.url
        self._token = participant_token(
            server.key, server.secret, room=ROOM, identity=identity, host=host
        )

    async def join(self) -> None:
        for event in (
            "participant_connected",
            "participant_disconnected",
            "participant_attributes_changed",
        ):
            self.room.on(event, lambda *_: self._more.set())
        self.room.on("transcription_received", self._segment)
        options = rtc.RoomOptions(auto_subscribe=False, encryption=encryption(self._key))
        await self.room.connect(self._url, self._token, options)

    def _segment(self, segments: list[Any], participant: Any, _publication: Any) -> None:
        self.segments += [(participant.identity, one.text, one.final) for one in segments]
        self._more.set()

    def bot(self, name: str) -> str:
        person = self.room.remote_participants.get("bot")
        return person.attributes.get(f"captions.{name}", "") if person else ""

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not seen():
                self._more.clear()
                await self._more.wait()

    async def ask(self, method: str, **facts: object) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            await self.room.local_participant.perform_rpc(
                destination_identity="bot", method=method, payload=json.dumps({"v": 1, **facts})
            )
        )
        return answer


@contextlib.asynccontextmanager
async def member_in(
    server: MediaServer, identity: str = "chair", *, host: bool = True, key: str = ""
) -> AsyncIterator[Member]:
    member = Member(server, identity, host=host, key=key)
    await member.join()
    yield member
    await member.room.disconnect()


@contextlib.asynccontextmanager
async def bot_in(
    server: MediaServer, extras: OutputSettings, *, store: MemoryStore | None = None, key: str = ""
) -> AsyncIterator[Bot]:
    engine = Engine("en", (ScriptedEngine(sentences),), load_voice=lambda: lambda _frame: True)
    bot = Bot(
        engine,
        url=server.url,
        token=lambda: agent_token(
            server.key, server.secret, room=ROOM, identity="bot", name="Captions"
        ),
        policy=Policy({"scripted": ("en",)}, want=Want.ALWAYS, transcripts=True),
        store=store,
        open_room=functools.partial(LiveKitRoom, key=key),
        extras=extras,
    )
    running = asyncio.create_task(bot.run())
    async with asyncio.timeout(60):
        await bot.joined.wait()
    try:
        yield bot
    finally:
        bot.stop()
        await running


@contextlib.asynccontextmanager
async def speaking(server: MediaServer, identity: str, *, key: str = "") -> AsyncIterator[None]:
    speaker = SoundPublisher(key=key)
    token = participant_token(
        server.key, server.secret, room=ROOM, identity=identity, name=identity.title()
    )
    await speaker.join(server.url, token)
    hum = 0.1 * np.sin(np.arange(48_000) * 0.02).astype(np.float32)
    play = asyncio.create_task(speaker.play(itertools.repeat(hum)))
    try:
        yield
    finally:
        play.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await play
        await speaker.leave()


def text_of(folder: Path, files: str = "*.vtt") -> str:
    return "".join(path.read_text() for path in folder.glob(files))


async def until_kept(folder: Path, word: str) -> None:
    def look() -> None:
        while word not in text_of(folder):
            time.sleep(0.05)  # a file tells nobody that it has changed

    async with asyncio.timeout(30):
        await asyncio.to_thread(look)


def decisions_in(folder: Path) -> list[dict[str, str]]:
    lines = [line for path in folder.glob("audit-*") for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


async def first_cue(bot: Bot) -> None:
    """Wait until one was finished."""
    finished = asyncio.Event()

    class Watch:
        def publish(self, event: Published) -> None:
            if isinstance(event, Caption) and isinstance(event.event, CueClosed):
                finished.set()

    bot.publisher.sinks.append(Watch())
    async with asyncio.timeout(30):
        await finished.wait()


async def test_a_host_switches_the_transcript_on_and_off_and_everybody_sees_it(
    media_server: MediaServer, tmp_path: Path
) -> None:
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "{room}"))
    async with (
        bot_in(media_server, extras) as bot,
        member_in(media_server) as chair,
        speaking(media_server, "anna"),
    ):
        await first_cue(bot)
        assert text_of(tmp_path) == ""
        switched_ms = bot.publisher.clock.now_ms()
        await chair.ask(SET, transcript=True)
        await chair.until(lambda: chair.bot("transcript") == "on")
        await until_kept(tmp_path, "<v Anna>")
        await chair.ask(SET, transcript=False)
        await chair.until(lambda: chair.bot("transcript") == "off")
    cues = webvtt.read(str(tmp_path / "budget.vtt")).captions
    assert cues
    assert all(cue.start_in_seconds * 1000 >= switched_ms - 1000 for cue in cues)
    decisions = decisions_in(tmp_path)
    assert [(d["what"], d["who"]) for d in decisions] == [
        ("transcript-on", "chair"), ("transcript-off", "chair"),
    ]  # fmt: skip
    assert "ends." not in json.dumps(decisions)


async def test_a_restarted_bot_goes_on_with_the_transcript_in_the_same_file(
    media_server: MediaServer, tmp_path: Path
) -> None:
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "{room}"))
    store = MemoryStore()
    async with member_in(media_server) as chair, speaking(media_server, "anna"):
        async with bot_in(media_server, extras, store=store):
            await chair.until(lambda: chair.bot("state") == "on")
            await chair.ask(SET, transcript=True)
            await until_kept(tmp_path, "<v Anna>")
        await chair.until(lambda: "bot" not in chair.room.remote_participants)
        async with bot_in(media_server, extras, store=store):
            await chair.until(lambda: chair.bot("transcript") == "on")
            await until_kept(tmp_path, "\ns2-")
    cues = webvtt.read(str(tmp_path / "budget.vtt")).captions
    assert len({cue.identifier for cue in cues}) == len(cues)
    assert "bot-restarted" in text_of(tmp_path)


async def test_speech_that_may_not_be_kept_is_captioned_and_not_written(
    media_server: MediaServer, tmp_path: Path
) -> None:
    extras = OutputSettings(transcripts=TranscriptPolicy(tmp_path, "{room}"), legacy=Legacy.FINAL)
    speaker = SoundPublisher()
    async with bot_in(media_server, extras), member_in(media_server) as chair:
        token = participant_token(
            media_server.key, media_server.secret, room=ROOM, identity="anna", name="Anna"
        )
        await speaker.join(media_server.url, token)
        hum = 0.1 * np.sin(np.arange(48_000) * 0.02).astype(np.float32)
        play = asyncio.create_task(speaker.play(itertools.repeat(hum)))
        await chair.until(lambda: chair.bot("state") == "on")
        await chair.ask(SET, transcript=True)
        await until_kept(tmp_path, "<v Anna>")
        said = json.dumps({"v": 1, "captioned": True, "kept": False})
        await speaker.ask("bot", CONSENT, said)
        assert "Anna" not in text_of(tmp_path)
        assert "nna" not in text_of(tmp_path, "*.journal")
        count = len(chair.segments)
        await chair.until(lambda: len(chair.segments) > count + 1)  # captions go on
        play.cancel()
        await speaker.leave()
    assert "Anna" not in text_of(tmp_path)


async def test_settled_phrases_come_as_packets_that_a_page_with_no_updates_can_show(
    media_server: MediaServer,
) -> None:
    async with (
        member_in(media_server) as page,
        bot_in(media_server, OutputSettings(legacy=Legacy.FINAL)),
        speaking(media_server, "anna"),
    ):
        await page.until(lambda: len(page.segments) >= 2)
    assert page.segments[:2] == [("anna", "Word0 ends.", True), ("anna", "Word1 ends.", True)]


async def test_a_room_that_cannot_be_read_says_so_and_has_no_captions(
    media_server: MediaServer,
) -> None:
    async with (
        member_in(media_server) as chair,
        bot_in(media_server, OutputSettings()) as bot,
    ):
        await chair.until(lambda: chair.bot("state") == "on")
        async with speaking(media_server, "anna", key=KEY):
            await chair.until(lambda: chair.bot("state") == "encrypted")
        await chair.until(lambda: chair.bot("state") == "on")
        assert bot.publisher.history.closed() == []


async def test_an_encrypted_room_is_captioned_with_its_key_and_kept_only_if_that_is_allowed(
    media_server: MediaServer, tmp_path: Path
) -> None:
    policy = TranscriptPolicy(tmp_path, "{room}")
    async with (
        member_in(media_server, key=KEY) as chair,
        bot_in(media_server, OutputSettings(transcripts=policy, encrypted=True), key=KEY) as bot,
        speaking(media_server, "anna", key=KEY),
    ):
        await chair.until(lambda: chair.bot("state") == "on")
        await first_cue(bot)
        with pytest.raises(rtc.RpcError, match="CAPTIONER_TRANSCRIBE_ENCRYPTED") as refused:
            await chair.ask(SET, transcript=True)
        assert refused.value.code == 8
    assert text_of(tmp_path) == ""
