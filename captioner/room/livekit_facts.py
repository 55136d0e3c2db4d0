"""Converts participants, tracks and failures of LiveKit's SDK to our types."""

from __future__ import annotations

from livekit import rtc

from captioner.errors import NotAllowed, RoomUnavailable
from captioner.room.protocol import Kind, Left, Person

LEFT = {
    rtc.DisconnectReason.ROOM_DELETED: Left.ROOM_GONE,
    rtc.DisconnectReason.ROOM_CLOSED: Left.EMPTY,
    rtc.DisconnectReason.PARTICIPANT_REMOVED: Left.REMOVED,
    rtc.DisconnectReason.DUPLICATE_IDENTITY: Left.REPLACED,
}

_KINDS = {
    rtc.ParticipantKind.PARTICIPANT_KIND_AGENT: Kind.AGENT,
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP: Kind.PHONE,
    rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR: Kind.PHONE,  # WhatsApp, Twilio
    rtc.ParticipantKind.PARTICIPANT_KIND_INGRESS: Kind.STREAM,
    rtc.ParticipantKind.PARTICIPANT_KIND_BRIDGE: Kind.STREAM,
}


def person_of(participant: rtc.Participant) -> Person:
    """Return the participant."""
    joined = participant.joined_at
    return Person(
        participant.identity,
        participant.name,
        _KINDS.get(participant.kind, Kind.PERSON),
        participant.attributes,
        not participant.permissions.can_update_metadata,
        participant.sid,
        round(joined.timestamp() * 1000) if joined else 0,
        tuple(p.sid for p in participant.track_publications.values() if is_voice(p)),
        participant.permissions.can_publish_data,
    )


def is_voice(publication: rtc.TrackPublication) -> bool:
    """Return whether to hear it: every sound, because browsers and servers publish microphones
    without a source too."""
    kind: int = publication.kind
    return kind == rtc.TrackKind.KIND_AUDIO


def connect_error(url: str, message: str) -> RoomUnavailable | NotAllowed:
    """Turn LiveKit's error on joining into a sentence that says what to do."""
    low = message.lower()
    if "401" in low or "403" in low or "unauthorized" in low or "permission" in low:
        return NotAllowed(
            f"the media server at {url} refuses our key: check LIVEKIT_API_KEY,"
            " LIVEKIT_API_SECRET, that a token has not expired, and this machine's clock"
        )
    return RoomUnavailable(
        f"cannot join at {url}: check LIVEKIT_URL and that the media server runs"
    )
