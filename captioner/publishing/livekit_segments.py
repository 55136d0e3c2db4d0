"""Captions as clients of LiveKit know them already: transcription segments. Pure.

Two ways carry them: text streams on the topic ``lk.transcription``, and the legacy transcription
packets (https://docs.livekit.io/agents/build/text/). Both know a segment by its id, and who spoke.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from captioner.captions.cues import CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption

STREAM_TOPIC = "lk.transcription"

PHRASE_MIN = 24
"""Code points of settled text that are let go as a phrase before its cue is finished."""

OPEN_MAX = 1_000
"""Cues remembered that are not finished."""


class Legacy(StrEnum):
    """Which legacy packets are sent."""

    OFF = "off"
    FINAL = "final"  # settled text only, each phrase once, under an id of its own
    ALL = "all"  # every change of a cue under the cue's id


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
    """What of a room sends segments. What cannot be sent is counted there."""

    async def send_packet(self, segment: Segment) -> None:
        """A legacy transcription packet. Never encrypted."""
        ...

    async def send_stream(self, segment: Segment) -> None:
        """A text stream on ``lk.transcription``, in the name of the speaker."""
        ...


def whole(caption: Caption, session: str) -> Segment:
    """The cue as it stands, under one id for all its life; a deleted one has no text left."""
    match caption.event:
        case CueUpdated(cue):
            return _segment(caption, segment_id(session, cue.id), cue.text, final=False)
        case CueClosed(cue):
            return _segment(caption, segment_id(session, cue.id), cue.text, final=True)
        case CueDeleted(cue_id):
            return _segment(caption, segment_id(session, cue_id), "", final=True)


class Phrases:
    """Settled text only, each piece once and under a new id, for pages that take no updates.

    A piece ends where a word does: what is settled may still be continued ("4" "00").
    """

    def __init__(self, session: str) -> None:
        self._session = session
        self._given: OrderedDict[str, tuple[int, int]] = OrderedDict()  # cue → code points, pieces

    def feed(self, caption: Caption) -> list[Segment]:
        """What is settled and was not given yet, if that is worth a piece."""
        match caption.event:
            case CueUpdated(cue, _, settled):
                upto = cue.text.rfind(" ", 0, min(settled, len(cue.text)))
                given, pieces = self._given.get(cue.id, (0, 0))
                if upto - given < PHRASE_MIN:
                    return []
            case CueClosed(cue):
                upto = len(cue.text)
                given, pieces = self._given.get(cue.id, (0, 0))
            case CueDeleted(cue_id):
                self._given.pop(cue_id, None)
                return []
        self._remember(cue.id, None if isinstance(caption.event, CueClosed) else (upto, pieces + 1))
        text = cue.text[given:upto].strip()
        piece_id = f"{segment_id(self._session, cue.id)}.{pieces + 1}"
        return [_segment(caption, piece_id, text, final=True)] if text else []

    def _remember(self, cue_id: str, given: tuple[int, int] | None) -> None:
        self._given.pop(cue_id, None)
        if given is not None:
            self._given[cue_id] = given
        if len(self._given) > OPEN_MAX:
            self._given.popitem(last=False)


def segment_id(session: str, cue_id: str) -> str:
    """Unique in the room, after a restart of the bot too: pages remember what they know by it."""
    return f"{session[:8]}-{cue_id}"


def attributes(segment: Segment) -> dict[str, str]:
    """What a text stream says of its segment."""
    return {
        "lk.segment_id": segment.id,
        "lk.transcription_final": "true" if segment.final else "false",
        "lk.transcribed_track_id": segment.track,
    }


def _segment(caption: Caption, ident: str, text: str, *, final: bool) -> Segment:
    event = caption.event
    cue = None if isinstance(event, CueDeleted) else event.cue
    return Segment(
        ident,
        caption.speaker,
        caption.track,
        text,
        cue.start_ms if cue else caption.heard_ms,
        cue.end_ms if cue else caption.heard_ms,
        cue.language if cue else "und",
        final,
    )
