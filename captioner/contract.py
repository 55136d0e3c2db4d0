"""The caption contract, version 1: what travels on the data topic ``captions``.

One reliable packet a change, UTF-8 JSON of at most 1,200 bytes. The page's side of it is
web-overlay/src/contract.ts. Receivers ignore keys that they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from captioner.cues import CaptionEvent, Cue, CueClosed, CueDeleted, CueUpdated
from captioner.errors import InvalidRequest
from captioner.webvtt import NAME_MAX, cue_block, voice_name

VERSION = 1
TOPIC = "captions"
PACKET_MAX = 1_200
"""Bytes: one packet fits one SCTP chunk on any path."""

HELLO, HISTORY = "captions.hello", "captions.history"


class State(StrEnum):
    """What the bot's attribute ``captions.state`` says of the room."""

    OFF = "off"
    STARTING = "starting"
    IDLE = "idle"
    ON = "on"
    INTERRUPTED = "interrupted"
    UNAVAILABLE = "unavailable"
    ENCRYPTED = "encrypted"
    NO_LANGUAGE = "no-language"


class TrackState(StrEnum):
    """What happens to one speaker."""

    ON = "on"
    DELAYED = "delayed"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption event with what the room knows of it.

    name: as shown. track: LiveKit track sid. heard_ms: room time of the last audio behind it.
    """

    event: CaptionEvent
    speaker: str
    name: str
    track: str
    heard_ms: int


def caption_packet(caption: Caption, *, session: str, seq: int) -> dict[str, Any]:
    """The packet as a JSON object that fits PACKET_MAX; the name is what gives way."""
    packet = _packet(caption, session, seq, NAME_MAX)
    for limit in (24, 8, 1):
        if len(encode(packet)) <= PACKET_MAX:
            break
        packet = _packet(caption, session, seq, limit)
    return packet


def _packet(caption: Caption, session: str, seq: int, name_limit: int) -> dict[str, Any]:
    packet: dict[str, Any] = {"v": VERSION, "session": session, "seq": seq}
    cue = cue_of(caption.event)
    match caption.event:
        case CueUpdated(Cue(id=cue_id), rev, settled):
            packet |= {"id": cue_id, "rev": rev, "state": "open", "settled": settled}
        case CueClosed(Cue(id=cue_id, text=text), rev):
            packet |= {"id": cue_id, "rev": rev, "state": "closed", "settled": len(text)}
        case CueDeleted(cue_id, rev):
            packet |= {"id": cue_id, "rev": rev, "state": "deleted"}
    packet |= {"speaker": caption.speaker, "track": caption.track, "heard": caption.heard_ms}
    if cue is not None:
        name = voice_name(caption.name, identity=caption.speaker, limit=name_limit)
        packet |= {"lang": cue.language, "vtt": cue_block(cue, name=name)}
    return packet


def seq_packet(session: str, seq: int) -> dict[str, Any]:
    """How many packets the session has sent, so that a lost last one is noticed."""
    return {"v": VERSION, "type": "seq", "session": session, "seq": seq}


def track_packet(
    session: str, seq: int, *, track: str, speaker: str, state: TrackState, lag_ms: int = 0
) -> dict[str, Any]:
    """What happens to one speaker's captions."""
    return {
        "v": VERSION, "type": "track", "session": session, "seq": seq,
        "track": track, "speaker": speaker, "state": str(state), "lag_ms": lag_ms,
    }  # fmt: skip


def gap_packet(
    session: str, seq: int, *, start_ms: int, end_ms: int, reason: str
) -> dict[str, Any]:
    """Audio between two room times that nobody heard."""
    return {
        "v": VERSION, "type": "gap", "session": session, "seq": seq,
        "start": start_ms, "end": end_ms, "reason": reason,
    }  # fmt: skip


def encode(packet: Mapping[str, Any]) -> bytes:
    """A packet, or an RPC's answer, as it travels."""
    return json.dumps(packet, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Hello:
    """A page says whether its user reads captions, and what it has already."""

    want: bool
    session: str | None
    after_seq: int


@dataclass(frozen=True, slots=True)
class History:
    """A page asks for what it missed: what changed after ``after_seq``.

    The cursor of a further page is, for those who ask, opaque; it is the last number seen.
    """

    session: str
    after_seq: int


def decode_hello(payload: str) -> Hello:
    """Raises InvalidRequest."""
    request = _decode(payload)
    want, session = request.get("want"), request.get("session")
    if not isinstance(want, bool):
        raise InvalidRequest('"want" must be true or false')
    if session is not None and not isinstance(session, str):
        raise InvalidRequest('"session" must be a string')
    return Hello(want, session, _count(request, "after_seq"))


def decode_history(payload: str) -> History:
    """Raises InvalidRequest."""
    request = _decode(payload)
    session, cursor = request.get("session"), request.get("cursor")
    if not isinstance(session, str):
        raise InvalidRequest('"session" must be a string')
    if cursor is None:
        return History(session, _count(request, "after_seq"))
    if not isinstance(cursor, str) or not (cursor.isascii() and cursor.isdigit()):
        raise InvalidRequest('"cursor" must be one that an answer of ours gave')
    return History(session, int(cursor[:18]))


def _decode(payload: str) -> dict[str, Any]:
    try:
        request = json.loads(payload)
    except (ValueError, RecursionError):
        raise InvalidRequest("the request is no JSON") from None
    if not isinstance(request, dict):
        raise InvalidRequest("the request must be a JSON object")
    if request.get("v", VERSION) != VERSION:
        raise InvalidRequest(f'"v" must be {VERSION}')
    return request


def _count(request: Mapping[str, Any], key: str) -> int:
    value = request.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidRequest(f'"{key}" must be a number, 0 or more')
    return value


def cue_of(event: CaptionEvent) -> Cue | None:
    """The cue that ``event`` carries; None when it is deleted."""
    return None if isinstance(event, CueDeleted) else event.cue
