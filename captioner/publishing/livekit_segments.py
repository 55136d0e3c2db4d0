"""Converts captions to LiveKit's own transcription segments. Pure.

Segments are sent as text streams on the topic ``lk.transcription``, or as legacy transcription
packets (https://docs.livekit.io/agents/build/text/). Both identify a segment and its speaker.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import StrEnum

from captioner.captions.cues import CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption
from captioner.room.segments import Segment
from streaming.spacing import pieces

PHRASE_MIN = 24
"""Code points of settled text that are sent as a phrase before the cue is closed."""

OPEN_MAX = 1_000
"""Limit of open cues that are remembered."""


class Legacy(StrEnum):
    """Which legacy packets are sent."""

    OFF = "off"
    FINAL = "final"  # settled text only, each phrase once, with an id of its own
    ALL = "all"  # every change of a cue, with the cue's id


def whole(caption: Caption, session: str) -> Segment:
    """Return the cue's current state with a constant id; a deleted cue has no text."""
    match caption.event:
        case CueUpdated(cue):
            return _segment(caption, segment_id(session, cue.id), cue.text, final=False)
        case CueClosed(cue):
            return _segment(caption, segment_id(session, cue.id), cue.text, final=True)
        case CueDeleted(cue_id):
            return _segment(caption, segment_id(session, cue_id), "", final=True)


def blank(ident: str, speaker: str, track: str) -> Segment:
    """Return a segment that replaces one of this id by nothing."""
    return Segment(ident, speaker, track, "", 0, 0, "und", final=True)


class Phrases:
    """Gives settled text only, each piece once with a new id, for pages that ignore updates.

    A piece ends at the end of a word, because settled text may be continued ("4" "00").
    """

    def __init__(self, session: str) -> None:
        self._session = session
        self._given: OrderedDict[str, tuple[int, int]] = OrderedDict()  # cue → code points, pieces

    def feed(self, caption: Caption) -> list[Segment]:
        """Return the newly settled text, if it is long enough for a piece."""
        match caption.event:
            case CueUpdated(cue, _, settled):
                upto = _whole_words(cue.text[:settled])
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


def _whole_words(text: str) -> int:
    """Return the length of ``text`` without its last word, which may be continued."""
    return sum(map(len, pieces(text)[:-1]))


def segment_id(session: str, cue_id: str) -> str:
    """Return an id that is unique in the room, even after a restart of the bot."""
    return f"{session[:8]}-{cue_id}"


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
