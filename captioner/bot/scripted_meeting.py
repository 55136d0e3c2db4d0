"""A bot in a scripted room, in one process: for our tests, and yours."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from captioner import metrics
from captioner.bot.bot import Bot, Engine
from captioner.controls.decisions import Policy, Want
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import RoomClock
from captioner.room.protocol import Person
from captioner.room.scripted_room import Microphone, ScriptedRoom
from streaming.audio import FRAME_SAMPLES, AudioFrame
from streaming.backoff import Backoff
from streaming.errors import RecognizerUnavailable
from streaming.recognizer import RecognizerEvent, Word, WordEnd
from streaming.testing.scripted import ScriptedEngine, ScriptedRecognizer

VOICE = np.full(FRAME_SAMPLES, 0.1, np.float32)
Script = Callable[[int], list[RecognizerEvent] | ScriptedRecognizer]
"""What the recogniser opened as the n-th says, or the recogniser itself."""

QUIET = np.full(FRAME_SAMPLES, 0.0005, np.float32)
HOST = {"room_role": "owner"}


def has_voice(frame: AudioFrame) -> bool:
    return bool(frame.pcm[0] > 0.05)


@dataclass
class ScriptedMeeting:
    """One room and one bot. opened: its recognisers."""

    room: ScriptedRoom
    bot: Bot
    opened: list[ScriptedRecognizer]
    microphones: dict[str, Microphone] = field(default_factory=dict)

    def come(self, identity: str, **facts: object) -> Microphone:
        facts = {"sid": f"PA_{identity}", "name": identity.title(), "signed": True, **facts}
        person = Person(identity, **facts)  # type: ignore[arg-type]
        self.microphones[identity] = self.room.come(person)
        return self.microphones[identity]

    async def speak(self, *identities: str, frames: int, quiet: tuple[str, ...] = ()) -> None:
        """Everybody at once."""
        for _ in range(frames):
            for identity in identities:
                self.microphones[identity].say(VOICE)
            for identity in quiet:
                self.microphones[identity].say(QUIET)
            for _ in range(3):
                await asyncio.sleep(0)

    def said(self, speaker: str) -> list[str]:
        return [
            p["vtt"].split(">", 2)[-1]
            for p in self.room.packets
            if p.get("state") == "closed" and p["speaker"] == speaker
        ]

    def states(self, speaker: str) -> list[str]:
        return [
            p["state"]
            for p in self.room.packets
            if p.get("type") == "track" and p["speaker"] == speaker
        ]


def tracks() -> float:
    """How many are being captioned."""
    (gauge,) = metrics.TRACKS.collect()
    return gauge.samples[0].value


class HandClock:
    """The room's clock stands still until somebody speaks, or it is set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def publisher(self) -> Publisher:
        return Publisher(RoomClock.start(monotonic=lambda: self.now_s))

    async def speak(self, meeting: ScriptedMeeting, seconds: float, *speakers: str) -> None:
        for _ in range(round(seconds / 0.08)):
            self.now_s += 0.08
            await meeting.speak(*speakers, frames=1)


def words(name: str) -> list[RecognizerEvent]:
    return [Word(name, 80), WordEnd(200), Word("spoke.", 300), WordEnd(500)]


def away(_number: int) -> list[RecognizerEvent]:
    """A script for ``scripted_meeting``."""
    raise RecognizerUnavailable("no server answers")


@contextlib.asynccontextmanager
async def scripted_meeting(
    script: Script = lambda n: words(f"voice{n}"),
    *,
    slots: int = 64,
    want: Want = Want.ALWAYS,
    clock: Callable[[], float] = time.monotonic,
    transcripts: bool = False,
    there: tuple[str, ...] = (),
    policy: Policy | None = None,
    expect: Callable[[Sequence[str]], Sequence[str]] = tuple,
    **options: Any,
) -> AsyncIterator[ScriptedMeeting]:
    """there: who is in the room before the bot. expect: see ``Engine``."""
    opened: list[ScriptedRecognizer] = []
    microphones: dict[str, Microphone] = {}

    def opens() -> ScriptedRecognizer:
        made = script(len(opened))
        opened.append(made if isinstance(made, ScriptedRecognizer) else ScriptedRecognizer(made))
        return opened[-1]

    rooms: list[ScriptedRoom] = []

    def enter(now_ms: Callable[[], int]) -> ScriptedRoom:
        rooms.append(ScriptedRoom(now_ms))
        for identity in there if len(rooms) == 1 else ():
            person = Person(identity, identity.title(), signed=True)
            microphones[identity] = rooms[-1].come(person)
        return rooms[-1]

    bot = Bot(
        Engine(
            "en",
            (ScriptedEngine(opens),),
            slots=slots,
            load_voice=lambda: has_voice,
            expect=expect,
        ),
        url="",
        token=str,
        policy=policy
        or Policy({"scripted": ("en",), "other": ("en",)}, want=want, transcripts=transcripts),
        **options,
        open_room=enter,
        backoff=Backoff(first_s=0.001),
        clock=clock,
    )
    running = asyncio.create_task(bot.run())
    await bot.joined.wait()
    try:
        yield ScriptedMeeting(rooms[0], bot, opened, microphones)
    finally:
        bot.stop()
        await running
