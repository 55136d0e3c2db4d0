"""A LiveKit room, as the bot sees it: whose voice can be heard, and a way to say something.

The only file that imports livekit.rtc. Its exceptions end here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Self

import numpy as np
from livekit import rtc
from livekit.rtc.participant import PublishDataError

from captioner import metrics
from captioner.errors import InvalidRequest, NotAllowed, RoomUnavailable
from captioner.publisher import RoomClock
from captioner.requests import sentence
from captioner.track import HoleFinder
from streaming.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm

QUEUE_FRAMES = 30_000 // FRAME_MS
"""Frames kept while a recogniser is busy: 30 s."""

CONNECT_TIMEOUT_S = 10.0

PIECE_MS = 20
"""Milliseconds of sound that a Speaker hands over at a time."""

Handed = Callable[[int, float], None]

RpcAnswer = Callable[[str, str], Awaitable[str]]
"""(caller's identity, payload) → payload; may raise InvalidRequest."""


class Left(Enum):
    """Why the bot is no longer in the room."""

    LOST = "the connection to the media server was lost"
    ROOM_GONE = "the room was closed"
    REMOVED = "the bot was removed from the room"
    REPLACED = "another participant joined with the bot's identity"


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A track that can be heard now: subscribed, not muted.

    track: LiveKit sid. ``frames`` ends when it can be heard no more.
    """

    track: str
    speaker: str
    frames: FrameQueue
    _participant: rtc.RemoteParticipant

    @property
    def name(self) -> str:
        """The speaker's name as it is now; may be empty."""
        return self._participant.name


@dataclass(frozen=True, slots=True)
class Gap:
    """The link to the media server was broken between two room times, and works again."""

    start_ms: int
    end_ms: int


RoomEvent = Voice | Gap | Left


class FrameQueue:
    """The audio of one track, placed on the room's clock, read at once into a bounded queue.

    When it is full the oldest frame is dropped and counted; its place shows as a hole.
    """

    def __init__(self, track: rtc.Track, clock: RoomClock) -> None:
        self._stream = rtc.AudioStream(track, sample_rate=SAMPLE_RATE, frame_size_ms=FRAME_MS)
        self._clock = clock
        self._frames: deque[tuple[AudioFrame, float]] = deque()
        self._given_since: float | None = None
        self._more = asyncio.Event()
        self._ended = False
        self._pump = asyncio.create_task(self._read())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        if self._given_since is not None:  # who asks for the next one has dealt with that before
            metrics.FRAME_SECONDS.observe(time.monotonic() - self._given_since)
            self._given_since = None
        while not self._frames:
            if self._ended:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        frame, self._given_since = self._frames.popleft()
        return frame

    async def close(self) -> None:
        """Listen no more; what was heard can still be read."""
        self._pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._pump
        await self._stream.aclose()

    async def _read(self) -> None:
        holes = HoleFinder()
        try:
            async for event in self._stream:
                now_ms = self._clock.now_ms()
                metrics.FRAMES.inc()
                missed_ms = holes.missed_ms
                self._put(holes.feed(_float(event.frame), now_ms))
                metrics.HOLES_MS.inc(holes.missed_ms - missed_ms)
        finally:
            self._put(holes.flush())
            self._ended = True
            self._more.set()

    def _put(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            if len(self._frames) >= QUEUE_FRAMES:
                self._frames.popleft()
                metrics.FRAMES_DROPPED.inc()
            self._frames.append((frame, time.monotonic()))
        self._more.set()


class Room:
    """One stay in one room. ``events`` gives who can be heard, and at the end why it was left."""

    def __init__(self, clock: RoomClock) -> None:
        self._room = rtc.Room()
        self._clock = clock
        self._events: asyncio.Queue[RoomEvent] = asyncio.Queue()
        self._voices: dict[str, Voice] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._left = False
        self._interrupted_ms: int | None = None
        self.lost_ms = 0  # room time at which the stay ended

    async def join(self, url: str, token: str) -> None:
        """Join, and listen to every microphone, shared sound and other agent.

        Raises RoomUnavailable or NotAllowed.
        """
        self._listen()
        options = rtc.RoomOptions(auto_subscribe=False, connect_timeout=CONNECT_TIMEOUT_S)
        try:
            await self._room.connect(url, token, options)
        except rtc.ConnectError as exc:
            raise connect_error(url, exc.message) from exc
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._subscribe(publication, participant)

    async def events(self) -> AsyncIterator[RoomEvent]:
        """Voices as they can be heard; ends after the first Left."""
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, Left):
                return

    async def send(self, payload: bytes, *, topic: str) -> None:
        """Send a reliable packet to everybody. What cannot be sent is counted: pages ask again."""
        try:
            await self._room.local_participant.publish_data(payload, reliable=True, topic=topic)
            metrics.PACKETS.inc()
        except PublishDataError:
            metrics.PACKETS_LOST.inc()

    async def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Say something that every participant sees without asking."""
        await self._room.local_participant.set_attributes(dict(attributes))

    def answer(self, method: str, answer: RpcAnswer) -> None:
        """Answer calls of ``method`` from now on."""

        async def handle(call: rtc.RpcInvocationData) -> str:
            try:
                return await answer(call.caller_identity, call.payload)
            except InvalidRequest as exc:
                raise rtc.RpcError(exc.code, sentence(str(exc)), exc.data or None) from exc

        self._room.local_participant.register_rpc_method(method, handle)

    def other_agents(self) -> list[Mapping[str, str]]:
        """The attributes of the other agents in the room."""
        return [dict(p.attributes) for p in self._room.remote_participants.values() if _agent(p)]

    async def stop_listening(self) -> None:
        """End every voice; what was heard can still be read."""
        for track in list(self._voices):
            self._end(track)
        await asyncio.gather(*self._closing)

    async def leave(self) -> None:
        """Leave; does nothing when the room was left already."""
        await self.stop_listening()
        await self._room.disconnect()

    def _listen(self) -> None:
        on = self._room.on
        on("track_published", self._subscribe)
        on("track_subscribed", lambda _track, pub, participant: self._begin(pub, participant))
        on("track_unsubscribed", lambda _track, pub, _participant: self._end(pub.sid))
        on("track_muted", lambda _participant, pub: self._end(pub.sid))
        on("track_unmuted", lambda participant, pub: self._begin(pub, participant))
        on("reconnecting", self._interrupted)
        on("reconnected", self._resumed)
        on("disconnected", self._disconnected)

    def _subscribe(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if _is_voice(publication, participant):
            publication.set_subscribed(True)

    def _begin(self, publication: rtc.TrackPublication, participant: rtc.Participant) -> None:
        sid, track = publication.sid, publication.track
        if track is None or publication.muted or sid in self._voices or self._left:
            return
        if not isinstance(participant, rtc.RemoteParticipant):
            return
        frames = FrameQueue(track, self._clock)
        voice = Voice(sid, participant.identity, frames, participant)
        self._voices[sid] = voice
        self._events.put_nowait(voice)

    def _end(self, sid: str) -> None:
        if voice := self._voices.pop(sid, None):
            closing = asyncio.ensure_future(voice.frames.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _interrupted(self) -> None:
        if self._interrupted_ms is None:
            self._interrupted_ms = self._clock.now_ms()

    def _resumed(self) -> None:
        now_ms = self._clock.now_ms()
        self._events.put_nowait(Gap(self._interrupted_ms or now_ms, now_ms))
        self._interrupted_ms = None

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._left = True
        self.lost_ms = self._interrupted_ms or self._clock.now_ms()
        for sid in list(self._voices):
            self._end(sid)
        self._events.put_nowait(_LEFT.get(reason, Left.LOST))


_LEFT = {
    rtc.DisconnectReason.ROOM_DELETED: Left.ROOM_GONE,
    rtc.DisconnectReason.ROOM_CLOSED: Left.ROOM_GONE,
    rtc.DisconnectReason.PARTICIPANT_REMOVED: Left.REMOVED,
    rtc.DisconnectReason.DUPLICATE_IDENTITY: Left.REPLACED,
}


def _agent(participant: rtc.Participant) -> bool:
    return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


def _is_voice(publication: rtc.TrackPublication, participant: rtc.Participant) -> bool:
    """Microphones, shared sound, and whatever an agent speaks with."""
    if publication.kind != rtc.TrackKind.KIND_AUDIO:
        return False
    sources = (rtc.TrackSource.SOURCE_MICROPHONE, rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
    return publication.source in sources or _agent(participant)


def _float(frame: rtc.AudioFrame) -> Pcm:
    pcm: Pcm = np.frombuffer(frame.data, dtype=np.int16).astype(np.float32) / np.float32(32_768)
    if len(pcm) == FRAME_SAMPLES:
        return pcm
    return np.pad(pcm, (0, FRAME_SAMPLES - len(pcm)))  # the last one of a track may be short


def connect_error(url: str, message: str) -> RoomUnavailable | NotAllowed:
    """What LiveKit says when joining fails, as a sentence that says what to do."""
    low = message.lower()
    if "401" in low or "403" in low or "unauthorized" in low or "permission" in low:
        return NotAllowed(
            f"the media server at {url} refuses our key: check LIVEKIT_API_KEY,"
            " LIVEKIT_API_SECRET, that a token has not expired, and this machine's clock"
        )
    return RoomUnavailable(
        f"cannot join at {url}: check LIVEKIT_URL and that the media server runs"
    )


def _pieces(chunks: Iterable[Pcm], size: int) -> Iterator[Pcm]:
    """The same sound in pieces of ``size`` samples, the last one filled up with silence."""
    pending = np.zeros(0, np.float32)
    for chunk in chunks:
        pending = np.concatenate([pending, chunk])
        while len(pending) >= size:
            yield pending[:size]
            pending = pending[size:]
    if len(pending):
        yield np.pad(pending, (0, size - len(pending)))


class Speaker:
    """A participant that publishes sound: the demo's, the tests' and the benchmarks'."""

    def __init__(self, *, rate: int = 48_000) -> None:
        self._room = rtc.Room()
        self._source = rtc.AudioSource(rate, 1, queue_size_ms=200)
        self._track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self._rate = rate

    async def join(self, url: str, token: str) -> None:
        """Join and publish a microphone. Raises RoomUnavailable or NotAllowed."""
        try:
            await self._room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        except rtc.ConnectError as exc:
            raise connect_error(url, exc.message) from exc
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self._room.local_participant.publish_track(self._track, options)

    async def play(self, chunks: Iterable[Pcm], handed: Handed | None = None) -> None:
        """Publish float32 sound at its own pace, PIECE_MS at a time.

        ``handed`` is told of each piece, after it was handed over: (samples handed over so far,
        reading of the monotonic clock).
        """
        done, started = 0, time.monotonic()
        for piece in _pieces(chunks, self._rate * PIECE_MS // 1000):
            await asyncio.sleep(started + done / self._rate - time.monotonic())
            samples = (np.clip(piece, -1, 1) * 32_767).astype(np.int16)
            frame = rtc.AudioFrame(samples.tobytes(), self._rate, 1, len(samples))
            await self._source.capture_frame(frame)
            done += len(samples)
            if handed:
                handed(done, time.monotonic())

    def mute(self) -> None:
        """Mute the microphone."""
        self._track.mute()

    def unmute(self) -> None:
        """Unmute the microphone."""
        self._track.unmute()

    async def leave(self) -> None:
        """Leave the room."""
        await self._source.aclose()
        await self._room.disconnect()
