"""The caption contract, version 1: the packets on the data topic ``captions``.

One reliable packet per change, UTF-8 JSON of at most 1,200 bytes. web-overlay/src/contract.ts is
the page's side. Receivers ignore keys that they do not know. What pages ask the bot
is in contract_requests.py, the bot's attributes in contract_attributes.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import unescape
from typing import Any, Protocol

from captioner.captions.cues import CaptionEvent, Cue, CueClosed, CueDeleted, CueUpdated
from captioner.captions.webvtt import NAME_MAX, cue_block, voice_name

VERSION = 1
TOPIC = "captions"
PACKET_MAX = 1_200
"""Bytes: one packet fits one SCTP chunk on any path."""


class State(StrEnum):
    """The values of the bot's attribute ``captions.state``."""

    OFF = "off"
    STARTING = "starting"
    IDLE = "idle"
    ON = "on"
    INTERRUPTED = "interrupted"
    UNAVAILABLE = "unavailable"
    ENCRYPTED = "encrypted"
    NO_LANGUAGE = "no-language"


class GapReason(StrEnum):
    """Why speech has no captions for a while."""

    CONNECTION_LOST = "connection-lost"
    BOT_RESTARTED = "bot-restarted"
    MEDIA_SERVER_LOST = "media-server-lost"
    DROPPED = "dropped"
    UNFINISHED = "unfinished"
    STOOD_STILL = "stood-still"


class ConsentRule(StrEnum):
    """Whether people who have not chosen are captioned."""

    UNLESS_REFUSED = "unless-refused"
    IF_AGREED = "if-agreed"


class LeftOut(StrEnum):
    """Why nobody can caption a track, for hosts to mend."""

    ENCRYPTED = "encrypted"
    NOT_RECEIVED = "not-received"


class TrackState(StrEnum):
    """What happens to one speaker."""

    ON = "on"
    DELAYED = "delayed"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    STALLED = "stalled"


Packet = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption event with its facts in the room.

    name: as shown; label: what follows it and is never cut off, as in "Alice (2)". track: LiveKit
    track sid. heard_ms: room time of the last audio behind it.
    """

    event: CaptionEvent
    speaker: str
    name: str
    track: str
    heard_ms: int
    label: str = ""

    def shown_name(self, limit: int = NAME_MAX) -> str:
        """The speaker's name with its label, at most so many code points."""
        return voice_name(self.name, identity=self.speaker, label=self.label, limit=limit)


@dataclass(frozen=True, slots=True)
class Missing:
    """Nobody heard the room between two room times."""

    start_ms: int
    end_ms: int
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Refused:
    """A speaker is captioned no more: what is not out yet of it stays in."""

    speaker: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A speaker takes back what was captioned: it goes wherever that is possible."""

    speaker: str


Published = Caption | Missing | Refused | Removed


class CaptionSink(Protocol):
    """An output beside the pages: a transcript, other clients' subtitles, a terminal."""

    def publish(self, event: Published) -> None:
        """Take an event, before the pages get it. Neither waits nor raises."""
        ...


def caption_packet(caption: Caption, *, session: str, seq: int) -> Packet:
    """Return the packet as a JSON object that fits PACKET_MAX, shortening the name if necessary."""
    packet = _packet(caption, session, seq, NAME_MAX)
    for limit in (24, 8, 1):
        if len(encode(packet)) <= PACKET_MAX:
            break
        packet = _packet(caption, session, seq, limit)
    return packet


def _packet(caption: Caption, session: str, seq: int, name_limit: int) -> Packet:
    packet: Packet = {"v": VERSION, "session": session, "seq": seq}
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
        name = caption.shown_name(name_limit)
        packet |= {"lang": cue.language, "vtt": cue_block(cue, name=name)}
    return packet


def seq_packet(session: str, seq: int) -> Packet:
    """Return the number of packets of the session, so that loss of the last one is noticed."""
    return _typed("seq", session, seq)


def track_packet(
    session: str,
    seq: int,
    *,
    track: str,
    speaker: str,
    state: TrackState,
    lag_ms: int = 0,
    reason: LeftOut | None = None,
    lang: str = "",
    lang_by: str = "",
) -> Packet:
    """What happens to one speaker's captions; reason: why there are none, if that is known.

    lang: of the voice, if it is not the room's; lang_by: who chose it, see ``ChosenBy``.
    """
    facts = {"track": track, "speaker": speaker, "state": str(state), "lag_ms": lag_ms}
    more = {"reason": str(reason)} if reason else {}
    more |= {"lang": lang, "lang_by": lang_by} if lang else {}
    return _typed("track", session, seq, **facts, **more)


def name_packet(session: str, seq: int, *, speaker: str, name: str) -> Packet:
    """The name under which a participant is shown, where it is not the participant's own."""
    return _typed("name", session, seq, speaker=speaker, name=name)


def removed_packet(session: str, seq: int, *, speaker: str, before_ms: int) -> Packet:
    """A speaker takes back what was captioned before, in earlier sessions too."""
    return _typed("removed", session, seq, speaker=speaker, before=before_ms)


def gap_packet(session: str, seq: int, *, start_ms: int, end_ms: int, reason: str) -> Packet:
    """Audio between two room times that nobody heard."""
    return _typed("gap", session, seq, start=start_ms, end=end_ms, reason=reason)


def _typed(kind: str, session: str, seq: int, **facts: object) -> Packet:
    return {"v": VERSION, "type": kind, "session": session, "seq": seq, **facts}


@dataclass(frozen=True, slots=True)
class CuePacket:
    """A caption packet as a receiver reads it; times in ms of room time.

    name, text: without markup. settled: code points of ``text`` that are final. A deleted cue has
    no name, text or times. heard_ms: None in an answer to hello and history.
    """

    session: str
    id: str
    rev: int
    state: str
    speaker: str
    name: str
    text: str
    settled: int
    start_ms: int
    end_ms: int
    heard_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class GapPacket:
    """Room time that nobody heard."""

    start_ms: int
    end_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class TrackPacket:
    """What happens to one speaker's captions."""

    track: str
    speaker: str
    state: str


@dataclass(frozen=True, slots=True)
class SeqPacket:
    """How many packets the session has sent."""

    seq: int


Received = CuePacket | GapPacket | TrackPacket | SeqPacket

_BLOCK = re.compile(
    r"(?P<id>[^\n]*)\n(?P<start>[\d:.]+) --> (?P<end>[\d:.]+)\n<v (?P<name>[^>]*)>(?P<text>[^\n]*)"
)


def read_packet(packet: Mapping[str, Any]) -> Received | None:
    """Decode a packet, or an entry of an answer; return None if its type is unknown.

    Raises ValueError, KeyError if it violates the contract.
    """
    match packet.get("type"):
        case None:
            return read_cue(packet)
        case "gap":
            return GapPacket(packet["start"], packet["end"], packet["reason"])
        case "track":
            return TrackPacket(packet["track"], packet["speaker"], packet["state"])
        case "seq":
            return SeqPacket(packet["seq"])
    return None


def read_cue(packet: Mapping[str, Any]) -> CuePacket:
    """Decode a caption packet. Raises ValueError, KeyError if it violates the contract."""
    name, text, start_ms, end_ms = "", "", 0, 0
    if packet["state"] != "deleted":
        match = _BLOCK.fullmatch(packet["vtt"])
        if match is None or match["id"] != packet["id"]:
            raise ValueError("no cue block of the contract")
        name, text = unescape(match["name"]), unescape(match["text"])
        start_ms, end_ms = _ms(match["start"]), _ms(match["end"])
    return CuePacket(
        packet["session"], packet["id"], packet["rev"], packet["state"], packet["speaker"],
        name, text, packet.get("settled", 0), start_ms, end_ms, packet.get("heard"),
    )  # fmt: skip


def _ms(time: str) -> int:
    hours, minutes, seconds = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


def encode(packet: Mapping[str, Any]) -> bytes:
    """Encode a packet, or an RPC's answer."""
    return json.dumps(packet, ensure_ascii=False, separators=(",", ":")).encode()


def cue_of(event: CaptionEvent) -> Cue | None:
    """Return the cue in ``event``; None if it is deleted."""
    return None if isinstance(event, CueDeleted) else event.cue
