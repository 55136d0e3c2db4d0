"""Publishes one meeting's captions: numbers, remembers and sends them."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from captioner.contract import (
    Caption,
    CaptionSink,
    GapReason,
    Missing,
    Published,
    Refused,
    Removed,
    State,
    TrackState,
    caption_packet,
    encode,
    gap_packet,
    name_packet,
    removed_packet,
    seq_packet,
    track_packet,
)
from captioner.contract_requests import After, Hello, Older
from captioner.publishing.attendance import Attendance
from captioner.publishing.history import Entry, History, Page
from captioner.publishing.room_clock import RoomClock
from captioner.room.names import Names
from captioner.room.protocol import Person

RPC_PAGE_MAX = 14_000
"""Bytes of cues in one answer; LiveKit's limit is 15,360 in total."""

TRACKS_MAX, GAPS_MAX, NAMES_MAX = 3_000, 1_500, 3_000
"""Bytes of those in one answer: what is out of the ordinary, and what is newest, comes first."""

GAPS_KEPT = 100

REMOVED_KEPT = 1_000
"""Speakers who took back what they said; pages that were away learn of so many."""

SLIVER_MS = 500
"""Two reports of one gap may differ by less than this."""

SETTLE_S, BEACON_S = 1.0, 10.0

Send = Callable[[bytes], Awaitable[None]]


class Publisher:
    """Numbers each packet, keeps what is needed to answer those who missed some, and sends.

    sinks: the outputs beside the pages.
    """

    def __init__(self, clock: RoomClock, *, session: str | None = None) -> None:
        self.session = session or str(uuid.uuid4())
        self.clock = clock
        self.seq = 0
        self.state = State.STARTING
        self.history = History()
        self.names = Names()
        self.sinks: list[CaptionSink] = []
        self._attendance = Attendance()
        self._send: Send | None = None
        self._tracks: dict[str, dict[str, Any]] = {}
        self._named: dict[str, dict[str, Any]] = {}  # by identity
        self._removed: dict[str, dict[str, Any]] = {}  # by identity
        self._gaps: deque[dict[str, Any]] = deque(maxlen=GAPS_KEPT)
        self._sent = asyncio.Event()

    def attach(self, send: Send | None) -> None:
        """Set where packets go from now on; None while the bot is not in a room."""
        self._send = send

    def present(self, people: Iterable[str]) -> None:
        """Take who is in the room now, by identity: nobody else gets speech that is not kept."""
        self._attendance.present(people, seq=self.seq, now_ms=self.clock.now_ms())

    async def publish(self, caption: Caption) -> None:
        """Send a caption event to everybody."""
        self.seq += 1
        packet = caption_packet(caption, session=self.session, seq=self.seq)
        self.history.add(Entry(self.seq, caption, packet))
        self._tell(caption)
        await self._give(packet)

    def refuse(self, speaker: str) -> None:
        """Tell the outputs that a speaker is captioned no more."""
        self._tell(Refused(speaker))

    async def announce_track(self, *, track: str, **facts: Any) -> None:
        """Announce a speaker's state; it is repeated to everybody who says hello."""
        self.seq += 1
        packet = track_packet(self.session, self.seq, track=track, **facts)
        self._tracks[track] = packet
        await self._give(packet)

    def forget_track(self, track: str) -> None:
        """Forget a track that has ended."""
        self._tracks.pop(track, None)

    async def remove(self, speaker: str) -> None:
        """Take back what a speaker said from every page, and from those that come back."""
        self.history.forget(speaker)
        self.seq += 1
        before_ms = self.clock.now_ms()
        told = removed_packet(self.session, self.seq, speaker=speaker, before_ms=before_ms)
        self._removed.pop(speaker, None)
        self._removed[speaker] = told
        if len(self._removed) > REMOVED_KEPT:
            del self._removed[next(iter(self._removed))]
        self._tell(Removed(speaker))
        await self._give(told)

    async def name(self, people: Sequence[Person]) -> None:
        """Announce who is shown under another name than their own, if that is news.

        people: everybody in the room.
        """
        self.names.present(people)
        here = {person.identity: person for person in people}
        self._named = {who: told for who, told in self._named.items() if who in here}
        for identity, person in here.items():
            name = str(self.names.of(person))
            known = self._named.get(identity)
            if name != (known["name"] if known else person.name):
                self.seq += 1
                told = name_packet(self.session, self.seq, speaker=identity, name=name)
                self._named[identity] = told
                await self._give(told)

    async def declare_gap(self, start_ms: int, end_ms: int, reason: GapReason) -> None:
        """Say that nobody heard the room between two room times; what was said is left out."""
        gaps = []
        for start, end in self._untold(start_ms, end_ms):
            self.seq += 1
            gaps.append(
                gap_packet(self.session, self.seq, start_ms=start, end_ms=end, reason=reason)
            )
            self._tell(Missing(start, end, reason))
        self._gaps.extend(gaps)
        for gap in gaps:
            await self._give(gap)

    def _untold(self, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """Return the parts without a declared gap; gaps may repeat and be out of order."""
        parts = whole = [(start_ms, end_ms)]
        for gap in self._gaps:
            before = [(start, min(end, gap["start"])) for start, end in parts]
            after = [(max(start, gap["end"]), end) for start, end in parts]
            parts = [(start, end) for start, end in before + after if start < end]
        least_ms = 1 if parts == whole else SLIVER_MS
        return [(start, end) for start, end in parts if end - start >= least_ms]

    async def run(self) -> None:
        """Repeat the newest number 1 s after the last packet, then every 10 s, for ever."""
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

    def hello(
        self,
        request: Hello,
        *,
        caller: str | None = None,
        you: Mapping[str, Any] | None = None,
    ) -> str:
        """Return the answer to a page's hello: the state, and what it has not seen yet.

        caller: its user's identity. you: what is known about the user; None: not yet, ask again.

        A newcomer gets the open cues and the newest closed ones, and asks for older ones by
        ``older``; a page that knows this session gets the changes, and continues by ``cursor``.
        """
        special = sorted(self._tracks.values(), key=lambda t: t["state"] == TrackState.ON)
        answer = {
            "v": 1,
            "session": self.session,
            "seq": self.seq,
            "state": str(self.state),
            "origin_utc_ms": self.clock.origin_utc_ms,
            "now_utc_ms": self.clock.origin_utc_ms + self.clock.now_ms(),
            "tracks": _within(special, TRACKS_MAX),
            "gaps": _within(reversed(self._gaps), GAPS_MAX)[::-1],
            "names": _within(self._named.values(), NAMES_MAX),
            "you": None if you is None else dict(you),
        }
        if request.session == self.session and request.after_seq is not None:
            return self._changed(answer, request.after_seq, caller)
        return self._newest(answer)

    def page(self, request: After | Older, *, caller: str | None = None) -> str:
        """Return what a page missed, from the start if it knows another session."""
        answer = {"v": 1, "session": self.session, "seq": self.seq}
        match request:
            case After(session, seq):
                return self._changed(answer, seq if session == self.session else 0, caller)
            case Older(session, seq):
                return self._newest(answer, before=seq if session == self.session else 0)

    def _changed(self, answer: dict[str, Any], seq: int, caller: str | None) -> str:
        gone = [told for told in self._removed.values() if told["seq"] > seq]
        answer = {**answer, "removed": _within(reversed(gone), NAMES_MAX)}
        since = self._attendance.since(caller, now_ms=self.clock.now_ms()) if caller else None
        page = self.history.after(seq, room=_room(answer), there_since=since)
        return _answer(answer, page, cursor=_text(page.rest), older=None)

    def _newest(self, answer: dict[str, Any], *, before: int | None = None) -> str:
        page = self.history.newest(before=before, room=_room(answer))
        return _answer(answer, page, cursor=None, older=_text(page.rest))

    def _tell(self, event: Published) -> None:
        for sink in self.sinks:
            sink.publish(event)

    async def _give(self, packet: dict[str, Any]) -> None:
        self._sent.set()
        if self._send is not None:
            await self._send(encode(packet))


def _answer(answer: dict[str, Any], page: Page, **rest: str | None) -> str:
    return encode({**answer, "cues": page.cues, **rest}).decode()


def _room(answer: dict[str, Any]) -> int:
    return RPC_PAGE_MAX - len(encode(answer))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _within(packets: Iterable[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """Return as many of the first ones as fit into ``size`` bytes."""
    taken = []
    for packet in packets:
        size -= len(encode(packet)) + 1
        if size < 0:
            break
        taken.append(packet)
    return taken
