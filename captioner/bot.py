"""The bot: joins a room, captions every voice in it, stays until the meeting is over."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog

from captioner import metrics
from captioner.contract import (
    TOPIC,
    Caption,
    GapReason,
    Service,
    State,
    TrackState,
    attributes,
)
from captioner.cues import CaptionEvent
from captioner.errors import NotAllowed, RoomUnavailable
from captioner.meeting import Changed, Gap, Kind, Left, Room, Voice
from captioner.publisher import Publisher, RoomClock
from captioner.requests import HELLO, HISTORY, decode_hello, decode_history
from captioner.room import LiveKitRoom
from captioner.segmenter import Segmenter
from captioner.track import Backoff, TrackCaptioner
from streaming.recognizer import Recognizer

log = structlog.get_logger()

DRAIN_S = 5.0
"""How long the last words may take when the bot is told to stop."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What turns a voice into words, and what the room is told of it."""

    name: str
    language: str
    open: Callable[[], AbstractAsyncContextManager[Recognizer]]


class Bot:
    """Captions one room. One task a voice: a voice whose captions fail takes no other down."""

    def __init__(
        self,
        engine: Engine,
        *,
        url: str,
        token: Callable[[], str],
        publisher: Publisher | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """``token`` mints a fresh one for each time the bot joins."""
        self.publisher = publisher or Publisher(RoomClock.start())
        self.joined = asyncio.Event()
        self._engine = engine
        self._url = url
        self._token = token
        self._backoff = backoff or Backoff()
        self._prefixes = (f"t{n}" for n in itertools.count(1))
        self._voices: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._lost_ms = 0  # room time at which the last stay broke off

    def stop(self) -> None:
        """Let the last words out, then leave."""
        self._stopping.set()

    async def run(self) -> Left | None:
        """Until the meeting is over (gives why) or ``stop`` (gives None).

        Raises RoomUnavailable or NotAllowed if the room cannot be joined the first time. When the
        connection is lost later, joins again, for as long as it takes.
        """
        beacon = asyncio.create_task(self.publisher.beacon())
        try:
            while True:
                left = await self._stay()
                if left is not Left.LOST:
                    return left
                metrics.REJOINS.inc()
                log.warning("connection_lost")
                await asyncio.sleep(self._backoff.next_s())
        finally:
            beacon.cancel()

    async def _stay(self) -> Left | None:
        room = LiveKitRoom(self.publisher.clock)
        try:
            await room.join(self._url, self._token())
            await self._greet(room)
            if self.joined.is_set():
                now_ms = self.publisher.clock.now_ms()
                await self.publisher.declare_gap(self._lost_ms, now_ms, GapReason.CONNECTION_LOST)
            self.joined.set()
            self._backoff.reset()
            left = await self._until_over(room)
            self._lost_ms = room.lost_ms
            return left
        except RoomUnavailable:
            if not self.joined.is_set():
                raise
            return Left.LOST
        finally:
            self.publisher.attach(None)
            await room.leave()

    async def _greet(self, room: Room) -> None:
        if any("captions.session" in attributes for attributes in _agents(room)):
            raise NotAllowed("another caption bot is in this room already; this one leaves")
        publisher = self.publisher
        room.answer(HELLO, self._hello)
        room.answer(HISTORY, self._history)
        publisher.state = State.ON
        origin_ms = publisher.clock.origin_utc_ms
        service = Service(
            publisher.state, publisher.session, origin_ms, self._engine.language, self._engine.name
        )
        await room.set_attributes(attributes(service))
        room.hear(lambda _identity: True)
        publisher.attach(lambda payload: room.send(payload, topic=TOPIC))
        log.info("joined", session=publisher.session)

    async def _until_over(self, room: Room) -> Left | None:
        events = asyncio.create_task(self._serve(room))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({events, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if events.done():
            left: Left | None = events.result()
        else:
            events.cancel()
            left = None
            await room.stop_listening()
        await self._drain()
        return left

    async def _serve(self, room: Room) -> Left:
        async for event in room.events():
            match event:
                case Voice():
                    task = asyncio.create_task(self._caption(event))
                    self._voices.add(task)
                    task.add_done_callback(self._voices.discard)
                case Gap(start_ms, end_ms):
                    await self.publisher.declare_gap(start_ms, end_ms, GapReason.CONNECTION_LOST)
                case Changed():
                    pass
                case Left():
                    return event
        raise AssertionError("a room's events end with Left")

    async def _drain(self) -> None:
        """Let what was heard become words, for a bounded time."""
        if not self._voices:
            return
        _, late = await asyncio.wait(set(self._voices), timeout=DRAIN_S)
        for task in late:
            task.cancel()

    async def _caption(self, voice: Voice) -> None:
        async def publish(event: CaptionEvent, heard_ms: int) -> None:
            metrics.LAG_SECONDS.observe(max(self.publisher.clock.now_ms() - heard_ms, 0) / 1000)
            caption = Caption(event, voice.speaker, voice.name, voice.track, heard_ms)
            await self.publisher.publish(caption)

        async def announce(state: TrackState) -> None:
            await self.publisher.announce_track(
                track=voice.track, speaker=voice.speaker, state=state
            )

        segmenter = Segmenter(
            voice.speaker, prefix=next(self._prefixes), language=self._engine.language
        )
        captioner = TrackCaptioner(
            voice.frames,
            open_recognizer=self._engine.open,
            segmenter=segmenter,
            publish=publish,
            announce=announce,
        )
        with (
            structlog.contextvars.bound_contextvars(track=voice.track),
            metrics.TRACKS.track_inprogress(),
        ):
            log.info("track_started")
            try:
                await captioner.run()
            except Exception as exc:  # the top of a track: the others go on
                metrics.TRACKS_FAILED.inc()
                log.error("track_failed", kind=type(exc).__name__)
            self.publisher.forget_track(voice.track)
            log.info("track_ended")

    async def _hello(self, _caller: str, payload: str) -> str:
        return self.publisher.hello(decode_hello(payload))

    async def _history(self, _caller: str, payload: str) -> str:
        return self.publisher.page(decode_history(payload))


def _agents(room: Room) -> list[Mapping[str, str]]:
    return [person.attributes for person in room.people() if person.kind is Kind.AGENT]
