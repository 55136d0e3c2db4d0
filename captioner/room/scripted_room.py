"""A room without a media server, driven by a test: for our tests and yours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from captioner.errors import RoomUnavailable
from captioner.room.frame_queue import HOLE_MS, FrameQueue
from captioner.room.protocol import (
    Changed,
    Inaudible,
    Kind,
    Left,
    Person,
    RoomEvent,
    RpcAnswer,
    Source,
    Voice,
)
from captioner.room.segments import Segment
from streaming.audio import FRAME_MS, Pcm


class Microphone:
    """One person's track; ``say`` adds 80 ms of audio. Nobody hears it while it is muted.

    read: the number of frames given to the bot.
    """

    def __init__(self, track: str, now_ms: Callable[[], int]) -> None:
        self.track = track
        self.muted = False
        self.read = 0
        self._now_ms = now_ms
        self._sound: asyncio.Queue[_Said | None] | None = None

    def say(self, pcm: Pcm) -> None:
        """Add float32[1920] at 24 kHz, which is heard if the bot listens."""
        if self._sound is not None and not self.muted:
            self._sound.put_nowait((pcm, self._now_ms()))
            self.read += 1

    @property
    def heard(self) -> bool:
        """Whether the bot listens."""
        return self._sound is not None

    def open(self) -> _Heard:
        """Start being heard by the bot."""
        self._sound = asyncio.Queue()
        return _Heard(self._sound)

    def close(self) -> None:
        """Stop being heard by the bot."""
        if self._sound is not None:
            self._sound.put_nowait(None)
        self._sound = None


_Said = tuple[Pcm, int]
"""(audio, the room time at its end)"""


class _Heard:
    doubtful_ms = 0

    def __init__(self, sound: asyncio.Queue[_Said | None]) -> None:
        self._sound = sound
        self.missing_ms = 0

    async def __aiter__(self) -> AsyncIterator[Pcm]:
        end_ms: int | None = None
        while (said := await self._sound.get()) is not None:
            pcm, at_ms = said
            late_ms = 0 if end_ms is None else at_ms - FRAME_MS - end_ms
            self.missing_ms += late_ms if late_ms > HOLE_MS else 0
            end_ms = at_ms if end_ms is None or late_ms > HOLE_MS else end_ms + FRAME_MS
            yield pcm

    async def aclose(self) -> None:
        """Do nothing."""


class ScriptedRoom:
    """A protocol.Room. Tests drive it by ``come``, ``go``, ``ask`` and ``fall``.

    others: what participants answer to any call, by identity; or what makes it of the payload.
    packets: what the bot sent to everybody, in order. handed: what it sent to some, and to whom.
    segments: what it sent for clients that know no captions
    of ours. told: its attributes. listens_since_ms: the room time at which it began to listen.
    """

    def __init__(self, now_ms: Callable[[], int], *, sid: str = "RM_scripted") -> None:
        self.sid = sid
        self.me = Person("bot", "Captions", Kind.AGENT, sid="PA_bot", joined_ms=1)
        self.name = "scripted"
        self.recorded = self.encrypted = False
        self.connected = True
        self.lost_ms = 0
        self.packets: list[dict[str, Any]] = []
        self.handed: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self.segments: list[Segment] = []
        self.told: dict[str, str] = {}
        self.listens_since_ms: int | None = None
        self.reachable = True
        self.others: dict[str, str | Callable[[str], str | None]] = {}
        self._now_ms = now_ms
        self._people: dict[str, Person] = {}
        self._microphones: dict[str, Microphone] = {}  # by identity
        self._voices: dict[str, Voice] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._answers: dict[str, RpcAnswer] = {}
        self._wanted: Callable[[str], bool] = lambda _identity: False
        self._events: asyncio.Queue[RoomEvent] = asyncio.Queue()
        self._more = asyncio.Event()

    def come(self, person: Person) -> Microphone:
        """Let somebody join, with a microphone."""
        track = f"TR_{person.identity}"
        microphone = self._microphones[person.identity] = Microphone(track, self._now_ms)
        self._people[person.identity] = replace(person, tracks=(track,))
        self._changed(person.identity)
        return microphone

    def go(self, identity: str) -> None:
        """Let somebody leave."""
        self._end(identity)
        del self._people[identity], self._microphones[identity]
        self._events.put_nowait(Changed())

    def change(self, identity: str, **facts: Any) -> None:
        """Change fields of a Person: name, attributes, may_send…"""
        self._people[identity] = replace(self._people[identity], **facts)
        self._changed(identity)

    def mute(self, identity: str, *, muted: bool) -> None:
        """Mute or unmute somebody's microphone."""
        self._microphones[identity].muted = muted
        self._changed(identity)

    def inaudible(self, identity: str, *, over: bool) -> None:
        """Somebody's track cannot be subscribed to, or that is over."""
        self._events.put_nowait(Inaudible(self._microphones[identity].track, identity, over))

    def fall(self, left: Left = Left.LOST) -> None:
        """End the stay."""
        self.lost_ms = self._now_ms()
        for identity in list(self._voices):
            self._end(identity)
        self._events.put_nowait(left)

    async def ask(self, identity: str, method: str, **request: Any) -> dict[str, Any]:
        """Call the bot; raise the InvalidRequest that it answers."""
        answer: dict[str, Any] = json.loads(
            await self._answers[method](identity, json.dumps({"v": 1, **request}))
        )
        return answer

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait until the condition holds for what the bot has sent."""
        async with asyncio.timeout(30):
            while not seen():
                self._more.clear()
                await self._more.wait()

    async def join(self, _url: str, _token: str) -> None:
        """Join. Raises RoomUnavailable unless the room is reachable."""
        if not self.reachable:
            raise RoomUnavailable("the script says so")

    async def events(self) -> AsyncIterator[RoomEvent]:
        """Give the room's events, up to the first Left."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Left):
                return

    def people(self) -> Sequence[Person]:
        """Return everybody who came and did not go."""
        return list(self._people.values())

    def hear(self, wanted: Callable[[str], bool]) -> None:
        """Subscribe to exactly these people."""
        self._wanted = wanted
        if self.listens_since_ms is None:
            self.listens_since_ms = self._now_ms()
        for identity in self._people:
            self._review(identity)

    async def send(self, payload: bytes, *, topic: str, to: Collection[str] = ()) -> None:
        """Keep the packet."""
        if to:
            self.handed.append((tuple(to), json.loads(payload)))
        else:
            self.packets.append({**json.loads(payload), "topic": topic})
        self._more.set()

    async def send_packet(self, segment: Segment) -> None:
        """Keep the segment."""
        self.segments.append(segment)
        self._more.set()

    async def send_stream(self, segment: Segment) -> None:
        """Keep the segment."""
        await self.send_packet(segment)

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Keep the attributes."""
        self.told = dict(attributes)
        self._more.set()

    def answer(self, method: str, answer: RpcAnswer) -> None:
        """Register the handler of ``method``."""
        self._answers[method] = answer

    async def call(
        self, identity: str, _method: str, payload: str, *, within_s: float = 0.0
    ) -> str | None:
        """Return what ``others`` says of the participant, or None."""
        said = self.others.get(identity)
        return said(payload) if callable(said) else said

    async def stop_listening(self) -> None:
        """End all voices."""
        for identity in list(self._voices):
            self._end(identity)
        await asyncio.gather(*self._closing)

    async def leave(self) -> None:
        """Let the bot leave."""
        await self.stop_listening()

    def _changed(self, identity: str) -> None:
        self._review(identity)
        self._events.put_nowait(Changed())

    def _review(self, identity: str) -> None:
        microphone = self._microphones[identity]
        wanted = self._wanted(identity) and not microphone.muted
        if not wanted:
            self._end(identity)
        elif identity not in self._voices:
            last = self._people[identity]
            voice = Voice(
                microphone.track,
                identity,
                Source.MICROPHONE,
                FrameQueue(microphone.open(), self._now_ms).start(),
                lambda: self._people.get(identity, last),
            )
            self._voices[identity] = voice
            self._events.put_nowait(voice)

    def _end(self, identity: str) -> None:
        if voice := self._voices.pop(identity, None):
            self._microphones[identity].close()
            closing = asyncio.ensure_future(voice.frames.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
