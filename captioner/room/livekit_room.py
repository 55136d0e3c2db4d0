"""A LiveKit room (protocol.Room).

The SDK's exceptions end here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from livekit import rtc
from livekit.rtc.data_stream import StreamError
from livekit.rtc.participant import PublishDataError, PublishTranscriptionError
from livekit.rtc.room import EventTypes

from captioner import metrics
from captioner.contract_requests import sentence
from captioner.errors import InvalidRequest, RoomUnavailable
from captioner.room.encryption import Cipher
from captioner.room.frame_queue import FrameQueue
from captioner.room.livekit_facts import LEFT, connect_error, is_voice, person_of
from captioner.room.protocol import (
    ANSWER_S,
    Changed,
    Gap,
    Left,
    Person,
    RoomEvent,
    RpcAnswer,
    Source,
    Voice,
)
from captioner.room.segments import STREAM_TOPIC, Segment
from captioner.room.segments import attributes as stream_attributes
from captioner.room.standstill import Standstills
from captioner.room.subscriptions import Subscriptions

CONNECT_TIMEOUT_S = 10.0

SID_S = 0.5
"""Interval of checks of the sid, which changes when the media server restarts."""

_PEOPLE: tuple[EventTypes, ...] = (
    "participant_connected", "participant_disconnected", "participant_attributes_changed",
    "participant_permissions_changed", "participant_name_changed",
    "track_published", "track_unpublished",
)  # fmt: skip


class LiveKitRoom:
    """One stay in one room."""

    def __init__(self, now_ms: Callable[[], int], *, key: str = "",
                 standstills: Standstills | None = None) -> None:  # fmt: skip
        """now_ms: returns room time, on the clock of ``standstills``.

        key: the shared key of an end-to-end encrypted room; everything sent is encrypted.
        """
        self._room = rtc.Room()
        self._now_ms = now_ms
        self._stood_still_ms = (standstills or Standstills()).from_now()
        self._stale = lambda: self._stood_still_ms() is not None
        self._events: asyncio.Queue[RoomEvent] = asyncio.Queue()
        self._voices: dict[str, Voice] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._cipher = Cipher(key, lambda: self._events.put_nowait(Changed()))
        self._subscriptions = Subscriptions(
            self._cipher, now_ms, begin=self._begin, end=self._end, tell=self._events.put_nowait
        )
        self._left = False
        self._interrupted_ms: int | None = None
        self.sid = ""
        self.lost_ms = 0

    @property
    def connected(self) -> bool:
        """Whether the media server answers, as far as is known."""
        return self._interrupted_ms is None and not self._left

    @property
    def me(self) -> Person:
        """The bot itself."""
        return person_of(self._room.local_participant)

    async def join(self, url: str, token: str) -> None:
        """Join, without subscribing yet. Raises RoomUnavailable or NotAllowed."""
        self._listen()
        options = rtc.RoomOptions(
            auto_subscribe=False,
            connect_timeout=CONNECT_TIMEOUT_S,
            encryption=self._cipher.options,
        )
        try:
            await self._room.connect(url, token, options)
        except rtc.ConnectError as exc:
            raise connect_error(url, exc.message) from exc
        self.sid = await self._room.sid

    @property
    def name(self) -> str:
        """The room's name."""
        return self._room.name

    @property
    def recorded(self) -> bool:
        """Whether the media server records the room."""
        return self._room.is_recording

    @property
    def encrypted(self) -> bool:
        """Whether somebody speaks whom we cannot hear, because we lack the key."""
        return any(any(self._sealed(p)) for p in self._room.remote_participants.values())

    async def events(self) -> AsyncIterator[RoomEvent]:
        """Give the room's events, up to the first Left."""
        while True:
            event: RoomEvent | None = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SID_S):
                    event = await self._events.get()
            if (ago_ms := self._stood_still_ms()) is not None:
                self.lost_ms = max(self._now_ms() - ago_ms, 0)
                self._end_stay()
                event = Left.STOOD_STILL
            before, self.sid = self.sid, await self._room.sid
            if event is None and self.sid == before:
                continue
            yield event or Changed()
            if isinstance(event, Left):
                return

    def people(self) -> Sequence[Person]:
        """Return all other participants."""
        return [
            replace(person_of(p), sealed=tuple(self._sealed(p)))
            for p in self._room.remote_participants.values()
        ]

    def hear(self, wanted: Callable[[str], bool]) -> None:
        """Subscribe to exactly these people, by identity."""
        self._subscriptions.wanted = wanted
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._subscriptions.review(publication, participant)

    async def send(self, payload: bytes, *, topic: str, to: Collection[str] = ()) -> None:
        """Send a reliable packet to everybody, or ``to`` these only; failures are counted."""
        try:
            await self._room.local_participant.publish_data(
                payload, reliable=True, topic=topic, destination_identities=list(to)
            )
            metrics.PACKETS.inc()
        except PublishDataError:
            metrics.PACKETS_LOST.inc()

    async def send_packet(self, segment: Segment) -> None:
        """Send a legacy transcription packet, unless the room is encrypted: packets never are."""
        if self._cipher.options:
            metrics.SEGMENTS_DROPPED.inc()
            return
        part = rtc.TranscriptionSegment(
            segment.id, segment.text, segment.start_ms, segment.end_ms, segment.language,
            segment.final,
        )  # fmt: skip
        packet = rtc.Transcription(segment.speaker, segment.track, [part])
        try:
            await self._room.local_participant.publish_transcription(packet)
            metrics.SEGMENTS.inc()
        except PublishTranscriptionError:
            metrics.SEGMENTS_DROPPED.inc()

    async def send_stream(self, segment: Segment) -> None:
        """Send a text stream on ``lk.transcription``, on behalf of the speaker."""
        try:
            writer = await self._room.local_participant.stream_text(
                topic=STREAM_TOPIC,
                attributes=stream_attributes(segment),
                sender_identity=segment.speaker,
            )
            await writer.write(segment.text)
            await writer.aclose()
            metrics.SEGMENTS.inc()
        except StreamError:
            metrics.SEGMENTS_DROPPED.inc()

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Set attributes that every participant sees without asking."""
        try:
            await self._room.local_participant.set_attributes(dict(attributes))
        except Exception as exc:  # the SDK raises nothing narrower
            raise RoomUnavailable("the media server took no attributes") from exc

    def answer(self, method: str, answer: RpcAnswer) -> None:
        """Register the handler of ``method``."""

        async def handle(call: rtc.RpcInvocationData) -> str:
            try:
                return await answer(call.caller_identity, call.payload)
            except InvalidRequest as exc:
                raise rtc.RpcError(exc.code, sentence(str(exc)), exc.data or None) from exc

        self._room.local_participant.register_rpc_method(method, handle)

    async def call(
        self, identity: str, method: str, payload: str, *, within_s: float = ANSWER_S
    ) -> str | None:
        """Return a participant's answer, or None for an error or no answer."""
        try:
            return await self._room.local_participant.perform_rpc(
                destination_identity=identity,
                method=method,
                payload=payload,
                response_timeout=within_s,
            )
        except rtc.RpcError:
            return None

    async def stop_listening(self) -> None:
        """End all voices; what was received can still be read."""
        for track in list(self._voices):
            self._end(track)
        await asyncio.gather(*self._closing)

    async def leave(self) -> None:
        """Leave. May be called again."""
        await self.stop_listening()
        await self._room.disconnect()

    def _sealed(self, participant: rtc.RemoteParticipant) -> Iterator[str]:
        for publication in participant.track_publications.values():
            if is_voice(publication) and self._cipher.closed(publication, participant.identity):
                yield publication.sid

    def _listen(self) -> None:
        on = self._room.on
        on("track_published", self._subscriptions.review)
        on("active_speakers_changed", self._cipher.speaking)
        on("room_updated", lambda *_: self._events.put_nowait(Changed()))
        on("track_unpublished", self._subscriptions.gone)
        on("track_subscribed", self._subscriptions.worked)
        on("track_subscription_failed", self._subscriptions.failed)
        on("track_unsubscribed", lambda _track, pub, _participant: self._end(pub.sid))
        on("track_muted", lambda _participant, pub: self._end(pub.sid))
        on("track_unmuted", lambda participant, pub: self._begin(pub, participant))
        for event in _PEOPLE:
            on(event, lambda *_: self._events.put_nowait(Changed()))
        on("reconnecting", self._interrupted)
        on("reconnected", self._resumed)
        on("disconnected", self._disconnected)

    def _begin(self, publication: rtc.TrackPublication, participant: rtc.Participant) -> None:
        sid, track = publication.sid, publication.track
        if track is None or publication.muted or sid in self._voices or self._left:
            return
        identity, remote = participant.identity, isinstance(participant, rtc.RemoteParticipant)
        if not remote or not self._subscriptions.wanted(identity):
            return
        shared = publication.source == rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO
        sound = self._cipher.sound(track, publication, identity)
        voice = Voice(
            sid,
            identity,
            Source.SCREEN if shared else Source.MICROPHONE,
            FrameQueue(sound, self._now_ms, stale=self._stale).start(),
            lambda: person_of(participant),
        )
        self._voices[sid] = voice
        self._events.put_nowait(voice)

    def _end(self, sid: str) -> None:
        if voice := self._voices.pop(sid, None):
            closing = asyncio.ensure_future(voice.frames.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _interrupted(self) -> None:
        if self._interrupted_ms is None:
            self._interrupted_ms = self._now_ms()

    def _resumed(self) -> None:
        self._events.put_nowait(Gap(self._silent_since(), self._now_ms()))
        self._interrupted_ms = None
        self._subscriptions.forget()  # requests from before the reconnection may be lost
        self.hear(self._subscriptions.wanted)

    def _silent_since(self) -> int:
        """Return when audio last arrived: the SDK reports a lost connection many seconds late."""
        noticed_ms = self._now_ms() if self._interrupted_ms is None else self._interrupted_ms
        heard_ms = max((v.frames.last_ms for v in self._voices.values()), default=noticed_ms)
        return min(noticed_ms, heard_ms)

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        if self._left:
            return
        self.lost_ms = self._silent_since()
        self._end_stay()
        self._events.put_nowait(LEFT.get(reason, Left.LOST))

    def _end_stay(self) -> None:
        self._left = True
        for sid in list(self._voices):
            self._end(sid)
