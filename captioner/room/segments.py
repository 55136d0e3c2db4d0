"""LiveKit's own transcription segments, as a room sends them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

STREAM_TOPIC = "lk.transcription"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one speaker's speech. Times in ms of room time; track: LiveKit sid."""

    id: str
    speaker: str
    track: str
    text: str
    start_ms: int
    end_ms: int
    language: str
    final: bool


class Outlet(Protocol):
    """A room's means to send segments. It counts what cannot be sent."""

    async def send_packet(self, segment: Segment) -> None:
        """Send a legacy transcription packet, which is never encrypted."""
        ...

    async def send_stream(self, segment: Segment) -> None:
        """Send a text stream on ``lk.transcription``, on behalf of the speaker."""
        ...


def attributes(segment: Segment) -> dict[str, str]:
    """Return a text stream's attributes for its segment."""
    return {
        "lk.segment_id": segment.id,
        "lk.transcription_final": "true" if segment.final else "false",
        "lk.transcribed_track_id": segment.track,
    }
