"""Sends transcription segments for clients that do not know our captions, without delaying ours.

An update that is still queued when the next one of its segment arrives is replaced by it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from enum import Enum, auto

from captioner import metrics
from captioner.contract import Caption, Published, Refused, Removed
from captioner.publishing.livekit_segments import Legacy, Phrases, blank, whole
from captioner.room.segments import Outlet, Segment

WAITING_MAX = 1_000
"""Segments kept while disconnected; the oldest are dropped, and counted."""

SENT_MAX = 20_000
"""Segments of which it is known that they were sent, so that they can be taken back."""


class _Way(Enum):
    STREAM = auto()
    PACKET = auto()


class SegmentSender:
    """Takes captions at any rate, and sends their latest states one after the other."""

    def __init__(self, *, session: str, legacy: Legacy, streams: bool) -> None:
        self._session = session
        self._legacy = legacy
        self._streams = streams
        self._phrases = Phrases(session)
        self._waiting: OrderedDict[tuple[_Way, str], Segment] = OrderedDict()
        self._sent: OrderedDict[tuple[_Way, str], tuple[str, str]] = OrderedDict()  # speaker, track
        self._outlet: Outlet | None = None
        self._more = asyncio.Event()

    def attach(self, outlet: Outlet | None) -> None:
        """Set the room; None while there is none."""
        self._outlet = outlet
        self._more.set()

    def publish(self, event: Published) -> None:
        """Queue a caption; drop what is queued of who refuses, and blank what was sent of it."""
        match event:
            case Caption():
                self._take(event)
            case Refused(speaker):
                for key in [k for k, one in self._waiting.items() if one.speaker == speaker]:
                    del self._waiting[key]
            case Removed(speaker):
                for key in [k for k, one in self._sent.items() if one[0] == speaker]:
                    way, segment_id = key
                    self._add(way, blank(segment_id, *self._sent.pop(key)))

    async def run(self) -> None:
        """Send segments until cancelled."""
        while True:
            outlet = self._outlet
            if outlet is None or not self._waiting:
                self._more.clear()
                await self._more.wait()
                continue
            (way, _), segment = self._waiting.popitem(last=False)
            self._remember(way, segment)
            if way is _Way.STREAM:
                await outlet.send_stream(segment)
            else:
                await outlet.send_packet(segment)

    def _remember(self, way: _Way, segment: Segment) -> None:
        # Phrases cannot be taken back: who needs them ignores updates.
        if segment.text and (way is _Way.STREAM or self._legacy is Legacy.ALL):
            self._sent[way, segment.id] = (segment.speaker, segment.track)
            if len(self._sent) > SENT_MAX:
                self._sent.popitem(last=False)

    def _take(self, caption: Caption) -> None:
        if self._streams:
            self._add(_Way.STREAM, whole(caption, self._session))
        if self._legacy is Legacy.ALL:
            self._add(_Way.PACKET, whole(caption, self._session))
        elif self._legacy is Legacy.FINAL:
            for segment in self._phrases.feed(caption):
                self._add(_Way.PACKET, segment)

    def _add(self, way: _Way, segment: Segment) -> None:
        self._waiting[way, segment.id] = segment  # a queued one keeps its place
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
            metrics.SEGMENTS_DROPPED.inc()
        self._more.set()
