"""Which tracks of a LiveKit room are subscribed to. A subscription that fails is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit import rtc

from captioner import metrics
from captioner.room.encryption import Cipher
from captioner.room.livekit_facts import is_voice
from captioner.room.protocol import Gap, Inaudible
from streaming.backoff import Backoff

RETRY_FIRST_S, RETRY_LAST_S = 0.5, 10.0
"""How long after a failed subscription it is tried again, in seconds: doubled each time."""

LATE_S = 5.0
"""A track that was requested and has not come by then cannot be heard: its publisher may allow it
to others only, and then the media server says nothing."""

MISSED_MS = 2_000
"""A track that comes so long after it was requested has a gap before it; at most a moment less is
usual while a room begins."""

Track = Callable[[rtc.RemoteTrackPublication, rtc.RemoteParticipant], None]


class Subscriptions:
    """Subscribes to the tracks of people, by identity, that are ``wanted``.

    now_ms: returns room time. begin: called when a track is wanted, or can be heard. end: with the
    sid of one that is not. tell: takes what everybody should see.
    """

    def __init__(
        self,
        cipher: Cipher,
        now_ms: Callable[[], int],
        *,
        begin: Track,
        end: Callable[[str], None],
        tell: Callable[[Inaudible | Gap], None],
    ) -> None:
        self._cipher = cipher
        self._now_ms = now_ms
        self._begin, self._end, self._tell = begin, end, tell
        self._subscribed: set[str] = set()  # what was requested, because the SDK reports it late
        self._awaited: dict[str, int] = {}  # of that, what has not come; room time of the request
        self._failed: dict[str, Backoff] = {}
        self.wanted: Callable[[str], bool] = lambda _identity: False

    def review(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        """Subscribe to this track, or unsubscribe, as is wanted now."""
        if not is_voice(publication):
            return
        wanted = self.wanted(participant.identity) and not self._cipher.is_noise(publication)
        if wanted != (publication.sid in self._subscribed):
            publication.set_subscribed(wanted)
            (self._subscribed.add if wanted else self._subscribed.discard)(publication.sid)
            if wanted:
                if publication.track is None:
                    self._awaited.setdefault(publication.sid, self._now_ms())
                loop = asyncio.get_running_loop()
                loop.call_later(LATE_S, self._late, publication, participant)
        if wanted:
            self._begin(publication, participant)
        else:
            self._awaited.pop(publication.sid, None)
            self._end(publication.sid)

    def forget(self) -> None:
        """Request everything again at the next review."""
        self._subscribed.clear()

    def gone(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        """The track is no longer published."""
        self._subscribed.discard(publication.sid)
        self._awaited.pop(publication.sid, None)
        self._over(publication.sid, participant.identity)

    def worked(
        self,
        _track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        """The track can be heard from now on."""
        now_ms = self._now_ms()
        asked_ms = self._awaited.pop(publication.sid, now_ms)
        if now_ms - asked_ms >= MISSED_MS and not publication.muted:
            self._tell(Gap(asked_ms, now_ms))
        self._over(publication.sid, participant.identity)
        self._begin(publication, participant)

    def failed(self, participant: rtc.RemoteParticipant, sid: str, _why: str) -> None:
        """Try again later. The SDK does not."""
        metrics.SUBSCRIPTION_FAILURES.inc()
        if sid not in self._failed:
            self._failed[sid] = Backoff(first_s=RETRY_FIRST_S, limit_s=RETRY_LAST_S)
            self._tell(Inaudible(sid, participant.identity, over=False))
        wait_s = self._failed[sid].next_s()
        asyncio.get_running_loop().call_later(wait_s, self._again, participant, sid)

    def _late(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        sid = publication.sid
        waits = sid in self._subscribed and sid in participant.track_publications
        if waits and publication.track is None and sid not in self._failed:
            self._failed[sid] = Backoff(first_s=RETRY_FIRST_S, limit_s=RETRY_LAST_S)
            self._tell(Inaudible(sid, participant.identity, over=False))

    def _again(self, participant: rtc.RemoteParticipant, sid: str) -> None:
        publication = participant.track_publications.get(sid)
        if publication is None or not self.wanted(participant.identity):
            self._subscribed.discard(sid)
            self._over(sid, participant.identity)
        elif sid in self._failed and sid in self._subscribed:
            publication.set_subscribed(False)  # a request that stands already changes nothing
            self._subscribed.discard(sid)
            self.review(publication, participant)

    def _over(self, sid: str, speaker: str) -> None:
        if self._failed.pop(sid, None):
            self._tell(Inaudible(sid, speaker, over=True))
