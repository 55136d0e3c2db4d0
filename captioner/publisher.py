"""One meeting's captions on their way out: numbered, remembered, sent."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from captioner.contract import (
    Caption,
    Hello,
    History,
    State,
    caption_packet,
    encode,
    gap_packet,
    seq_packet,
    track_packet,
)
from captioner.transcript import Entry, Transcript

RPC_PAGE_MAX = 14_000
"""Bytes of cues in one answer; LiveKit carries 15,360 in all."""

SETTLE_S, BEACON_S = 1.0, 10.0

Send = Callable[[bytes], Awaitable[None]]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RoomClock:
    """Room time: ms since the UTC instant ``origin_utc_ms``, on a clock that never jumps."""

    origin_utc_ms: int
    started: float
    monotonic: Clock

    @classmethod
    def start(cls, *, monotonic: Clock = time.monotonic, wall: Clock = time.time) -> RoomClock:
        """Room time 0 is now."""
        return cls(round(wall() * 1000), monotonic(), monotonic)

    def now_ms(self) -> int:
        """The room time now."""
        return self.at_ms(self.monotonic())

    def at_ms(self, monotonic_s: float) -> int:
        """The room time of a reading of the monotonic clock."""
        return round((monotonic_s - self.started) * 1000)


class Publisher:
    """Numbers each packet, keeps what is needed to answer those who missed some, and sends.

    ``watchers`` are called with every caption published, before it is sent.
    """

    def __init__(self, clock: RoomClock, *, session: str | None = None) -> None:
        self.session = session or str(uuid.uuid4())
        self.clock = clock
        self.seq = 0
        self.state = State.STARTING
        self.transcript = Transcript()
        self.watchers: list[Callable[[Caption], None]] = []
        self._send: Send | None = None
        self._tracks: dict[str, dict[str, Any]] = {}
        self._sent = asyncio.Event()

    def attach(self, send: Send | None) -> None:
        """Where packets go from now on; None while the bot is in no room."""
        self._send = send

    async def publish(self, caption: Caption) -> None:
        """Send one caption event to everybody."""
        self.seq += 1
        packet = caption_packet(caption, session=self.session, seq=self.seq)
        self.transcript.add(Entry(self.seq, caption, packet))
        for watch in self.watchers:
            watch(caption)
        await self._give(packet)

    async def announce_track(self, *, track: str, **facts: Any) -> None:
        """Say what happens to one speaker; repeated to everybody who says hello."""
        self.seq += 1
        packet = track_packet(self.session, self.seq, track=track, **facts)
        self._tracks[track] = packet
        await self._give(packet)

    def forget_track(self, track: str) -> None:
        """The track is gone."""
        self._tracks.pop(track, None)

    async def declare_gap(self, start_ms: int, end_ms: int, reason: str) -> None:
        """Say that nobody heard the room between two room times."""
        self.seq += 1
        gap = gap_packet(self.session, self.seq, start_ms=start_ms, end_ms=end_ms, reason=reason)
        await self._give(gap)

    async def beacon(self) -> None:
        """For ever: repeat the newest number 1 s after the last packet, then every 10 s."""
        while True:
            self._sent.clear()
            try:
                async with asyncio.timeout(SETTLE_S):
                    await self._sent.wait()
                continue
            except TimeoutError:
                pass
            while not self._sent.is_set():
                if self._send is not None:
                    await self._send(encode(seq_packet(self.session, self.seq)))
                try:
                    async with asyncio.timeout(BEACON_S):
                        await self._sent.wait()
                except TimeoutError:
                    continue

    def hello(self, request: Hello) -> str:
        """What a page gets that says hello: the state, and what it has not seen yet."""
        known = request.session == self.session
        answer = {
            "v": 1,
            "state": str(self.state),
            "origin_utc_ms": self.clock.origin_utc_ms,
            "now_utc_ms": self.clock.origin_utc_ms + self.clock.now_ms(),
            "tracks": list(self._tracks.values())[:50],
        }
        return self._page(answer, after=request.after_seq if known else 0)

    def history(self, request: History) -> str:
        """What a page gets that missed something; from the start if it knows another session."""
        known = request.session == self.session
        return self._page({"v": 1}, after=request.after_seq if known else 0)

    def _page(self, answer: dict[str, Any], *, after: int) -> str:
        answer |= {"session": self.session, "seq": self.seq}
        cues: list[dict[str, Any]] = []
        room = RPC_PAGE_MAX - len(encode(answer))
        cursor: str | None = None
        for entry in self.transcript.after(after):
            room -= len(encode(entry.packet)) + 1
            if room < 0:
                cursor = str(cues[-1]["seq"]) if cues else str(entry.seq)
                break
            cues.append(entry.packet)
        return encode({**answer, "cues": cues, "cursor": cursor}).decode()

    async def _give(self, packet: dict[str, Any]) -> None:
        self._sent.set()
        if self._send is not None:
            await self._send(encode(packet))
