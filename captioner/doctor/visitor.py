"""A participant who speaks a sentence and reads its captions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from livekit import rtc

from captioner.contract import TOPIC, VERSION, CuePacket, TrackPacket, read_packet
from captioner.contract_requests import CONSENT, HELLO
from captioner.demo.sound_publisher import SoundPublisher
from captioner.doctor.diagnosis import Seen
from captioner.errors import RoomUnavailable
from captioner.worker.livekit_api import WAITING_TOPIC
from streaming.audio import Pcm

HUSH_S = 8.0
"""So long after the last word it is read on."""


class Visitor(SoundPublisher):
    """Notes what happens in ``seen``."""

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self.seen = seen
        self._changed, self._come = asyncio.Event(), asyncio.Event()
        self._cues: dict[str, str] = {}
        self._origin_s = self._began_s = 0.0  # on the monotonic clock
        self._room.on("data_received", self._received)
        for event in ("participant_connected", "participant_attributes_changed"):
            self._room.on(event, lambda *_: self._come.set())

    async def meet(self, patience_s: float) -> str | None:
        """The bot's identity, once there is one; None if none comes."""
        began_s = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._bot() is None:
                    self._come.clear()
                    await self._come.wait()
        if (bot := self._bot()) is None:
            return None
        self.seen.bot_s = time.monotonic() - began_s
        return bot.identity

    async def greet(self, bot: str, *, kept: bool = False) -> None:
        """Ask for captions, and agree to be captioned, and kept. Nothing is noted if the bot is
        silent.
        """
        asked_s = time.monotonic()
        hello = json.dumps({"v": VERSION, "want": True})
        with contextlib.suppress(rtc.RpcError):
            answer = json.loads(await self.ask(bot, HELLO, hello))
            now_s = time.monotonic()
            self.seen.answer_s = now_s - asked_s
            room_ms = answer["now_utc_ms"] - answer["origin_utc_ms"]
            self._origin_s = (asked_s + now_s) / 2 - room_ms / 1000
            consent = json.dumps({"v": VERSION, "captioned": True, "kept": kept})
            await self.ask(bot, CONSENT, consent)

    async def speak(self, chunks: Iterable[Pcm]) -> None:
        """Say it, and read until nothing more comes."""
        self._began_s = time.monotonic()
        await self.play(chunks)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HUSH_S):
                while True:
                    self._changed.clear()
                    await self._changed.wait()
        self.seen.text = " ".join(self._cues.values())
        if bot := self._bot():
            facts = bot.attributes
            self.seen.state = facts.get("captions.state", "")
            self.seen.language = facts.get("captions.lang", "")
            self.seen.engine = facts.get("captions.engine", "")
            self.seen.stands_in = facts.get("captions.stands_in", "")

    def _bot(self) -> rtc.RemoteParticipant | None:
        for person in self._room.remote_participants.values():
            if "captions.session" in person.attributes:
                return person
        return None

    def _received(self, data: rtc.DataPacket) -> None:
        self.seen.waits = self.seen.waits or data.topic == WAITING_TOPIC
        if data.topic == TOPIC:
            self._read(json.loads(data.data))

    def _read(self, packet: Mapping[str, Any]) -> None:
        now_s = time.monotonic()
        mine = self._room.local_participant.identity
        match read_packet(packet):
            case TrackPacket(speaker=speaker, state=state) if speaker == mine:
                self.seen.track = state
            case CuePacket(speaker=speaker, text=text) as cue if speaker == mine and self._began_s:
                self._changed.set()
                self._cues[cue.id] = text
                if cue.heard_ms is not None:
                    self.seen.lags_s.append(now_s - self._origin_s - cue.heard_ms / 1000)
                if self.seen.first_s is None:
                    self.seen.first_s = now_s - self._began_s


async def joined(visitor: Visitor, url: str, token: str, patience_s: float) -> None:
    """Join, and note how long it took. Raises RoomUnavailable or NotAllowed."""
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(patience_s):
            await visitor.join(url, token)
    except TimeoutError:
        raise RoomUnavailable(
            f"no participant can join and speak within {patience_s:.0f} s: do the ports for sound"
            " of the media server (UDP, or TURN) reach this machine?"
        ) from None
    visitor.seen.joined_s = time.monotonic() - began_s
