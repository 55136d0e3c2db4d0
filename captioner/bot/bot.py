"""The bot: joins a room, captions every voice in it, stays until the meeting is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from captioner import metrics
from captioner.bot.handover import Handover, Succession, succeed
from captioner.bot.output_settings import OutputSettings
from captioner.bot.outputs import Outputs
from captioner.bot.pushes import Pushes
from captioner.bot.rivals import Rivals, caption_bots
from captioner.bot.rpc_server import RpcServer
from captioner.bot.service import CaptionService, Choose, no_choice
from captioner.contract import TOPIC, GapReason, Missing
from captioner.controls.controls import Controls
from captioner.controls.decision_writer import DecisionWriter
from captioner.controls.decisions import Decided, Decision, Known, Policy, Want, Wish
from captioner.controls.state_store import MemoryStore, StateStore
from captioner.errors import RoomUnavailable
from captioner.publishing.publisher import Publisher
from captioner.publishing.room_clock import Instant, RoomClock, SignOfLife
from captioner.room.livekit_room import LiveKitRoom
from captioner.room.protocol import Changed, Gap, Inaudible, Left, Room, Voice
from captioner.tracks.engine import Engine
from captioner.tracks.track_set import TrackSet
from streaming.backoff import Backoff

__all__ = ["Bot", "Engine"]

log = structlog.get_logger()

DRAIN_S = 5.0
"""How long the last words may take when the bot is told to stop."""

TICK_S = 0.5
"""How often it looks what has changed of itself, and gives a sign of life."""

COMES_BACK = (Left.LOST, Left.STOOD_STILL)

FIRST_HEARD_MS = 2_000
"""A voice that is heard for the first time so soon after a gap was there during the gap, too."""

"""After these the bot joins again."""

OpenRoom = Callable[[Callable[[], int]], Room]


class Bot:
    """Captions one room: when, for whom and how is for ``controls`` to say."""

    def __init__(
        self,
        engine: Engine,
        *,
        url: str,
        token: Callable[[], str],
        token_as: Callable[[str], str] | None = None,
        policy: Policy | None = None,
        enabled: bool = True,
        choose: Choose = no_choice,
        store: StateStore | None = None,
        open_room: OpenRoom = LiveKitRoom,
        publisher: Publisher | None = None,
        backoff: Backoff | None = None,
        extras: OutputSettings | None = None,
        is_admin: Callable[[str, str], bool] = lambda _token, _room: False,
        alive: Callable[[int], None] = lambda _: None,
        unheard_ms: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``token`` mints a fresh one for each time the bot joins; ``token_as`` under a name.

        policy: by default everybody counts as a reader. store: by default lasts as long as this.
        is_admin: see RpcServer; by default no back end may ask for anything. alive: called again
        and again while the bot is connected, with how many people are in the room. unheard_ms: UTC,
        since when people spoke unheard; 0 if captions begin with this bot.
        """
        self.publisher = publisher or Publisher(RoomClock.start())
        self.joined = asyncio.Event()
        policy = policy or Policy({engine.name: (engine.language,)}, want=Want.ALWAYS)
        self.controls = Controls(Decided(engine.language, engine.name, enabled), policy)
        self.controls.name_of = lambda person: str(self.publisher.names.of(person))
        self.publisher.names.pseudonym = lambda text: self.controls.pseudonym(text)
        self._tracks = TrackSet(self.publisher, engine, self.controls.spoken_in)
        self._service = CaptionService(
            self.publisher, self.controls, self._tracks, policy=policy, choose=choose, clock=clock
        )
        self._outputs = Outputs(self.publisher, self.controls, extras or OutputSettings())
        self._writer = DecisionWriter(
            self.controls, store or MemoryStore(),
            prepare=self._prepare, apply=self._apply, follow=self._service.follow,
        )  # fmt: skip
        self._pushes = Pushes(self.publisher, self.controls)
        self._rpc = RpcServer(
            self.publisher, self.controls, self._writer,
            erase=self._outputs.erase, review=self._service.review, expect=self._service.expect,
            told=self._pushes.told, transcript=self._outputs.transcript, is_admin=is_admin,
            leaves=lambda: self._handover.has_ended, clock=clock,
        )  # fmt: skip
        self._handover = Handover(
            self.publisher, self._service, self._tracks, close=self._close, leave=self.stop
        )  # fmt: skip
        self._alive = alive
        self._unheard_ms = unheard_ms
        self._url = url
        self._token, self._token_as = token, token_as
        self._clock = clock
        self._open_room = open_room
        self._backoff = backoff or Backoff()
        self._sid = ""  # of the room under which decisions are stored
        self._rivals = Rivals()
        self._stopping = asyncio.Event()
        self._closed = False
        self._drain_s = DRAIN_S
        self._reason = GapReason.CONNECTION_LOST  # of the gap before this stay
        self._lost_ms: int | None = None  # room time from which on nobody was heard
        self._missing: Missing | None = None  # the gap before this stay

    def stop(self, *, drain_s: float = DRAIN_S) -> None:
        """Let the last words out, for at most ``drain_s``, then leave."""
        self._drain_s = drain_s
        self._stopping.set()

    def hand_over(self) -> None:
        """Leave when another bot has come that goes on; until then, caption."""
        if self.joined.is_set():
            self._writer.own(self._handover.offer())

    async def run(self) -> Left | None:
        """Until the meeting is over (gives why) or ``stop`` (gives None).

        Raises RoomUnavailable or NotAllowed if the room cannot be joined the first time. When the
        connection is lost later, or the process stood still, joins again, for as long as it takes.
        """
        running = [
            asyncio.create_task(part.run())
            for part in (self.publisher, self._outputs, self._writer, self._pushes)
        ]
        try:
            while True:
                left = await self._stay()
                if left not in COMES_BACK:
                    return left
                metrics.REJOINS.inc()
                log.warning("stood_still" if left is Left.STOOD_STILL else "connection_lost")
                await asyncio.sleep(self._backoff.next_s())
        finally:
            await self._close()
            for task in running:
                task.cancel()

    async def _close(self) -> None:
        """Let go of what another bot may need."""
        if not self._closed:
            self._closed = True
            await self._outputs.close()
            await self._writer.close()

    async def _stay(self) -> Left | None:
        room = self._open_room(self._now_ms)
        left = None
        try:
            await room.join(self._url, self._token())
            succession = None if self.joined.is_set() else await succeed(room, self.publisher)
            self._rivals.dead |= {succession.of.sid} if succession else set()
            if not self.joined.is_set() and (ghost := await self._resume(room, succession)):
                room = await self._take_over(room, ghost)
            await self._greet(room, succession)
            left = await self._until_over(room)
            self._lost_ms = room.lost_ms
            if left is Left.STOOD_STILL:
                self._reason = GapReason.STOOD_STILL
        except RoomUnavailable:
            if not self.joined.is_set():
                raise
            left = Left.LOST
        finally:
            if left not in COMES_BACK:  # else the last words come while the bot joins again
                await self._tracks.drain(within_s=self._drain_s)
            self.publisher.attach(None)
            await self._service.enter(None)
            await self._outputs.enter(None)
            self._pushes.enter(None)
            await room.leave()
        return left

    async def _resume(self, room: Room, succession: Succession | None) -> str | None:
        """Go on where a bot before left off; gives its identity if the room has it yet."""
        alone, stored = await self._writer.open(room.sid)
        self.controls.check(room.people(), self._clock())
        bots = caption_bots(room)
        if stored is None:
            if bots:
                self._writer.know(Known.LOST)
            if succession:
                self._lost_ms, self._reason = succession.since_ms, GapReason.BOT_RESTARTED
            elif self._unheard_ms:
                self._go_on(self._unheard_ms, None)
            return None
        self._writer.take_up(await self._service.resume(stored.decided))
        self.publisher.names.before = stored.decided.numbers
        if succession is not None:
            return None
        self._go_on(stored.origin_utc_ms, stored.alive)
        ghosts = [p for p in bots if p.attributes["captions.session"] == stored.session]
        if not ghosts or not alone:
            return None
        self._rivals.dead.add(ghosts[0].sid)
        return ghosts[0].identity

    def _go_on(self, origin_utc_ms: int, alive: SignOfLife | None) -> None:
        alive = alive or SignOfLife(0, Instant(origin_utc_ms))
        self.publisher.clock = self.publisher.clock.resume(origin_utc_ms, alive)
        self._lost_ms, self._reason = alive.room_ms, GapReason.BOT_RESTARTED

    async def _take_over(self, room: Room, ghost: str) -> Room:
        """Join under the name of the bot that died, so that the media server lets go of it."""
        if self._token_as is None:
            return room
        await room.leave()
        token_as = self._token_as
        self._token = lambda: token_as(ghost)
        room = self._open_room(self._now_ms)
        await room.join(self._url, self._token())
        return room

    async def _greet(self, room: Room, succession: Succession | None) -> None:
        await self._rivals.yield_to(room)
        publisher = self.publisher
        publisher.attach(lambda payload: room.send(payload, topic=TOPIC))
        self._keep(room)
        since_ms = succession.since_ms if succession else None
        await self._outputs.enter(room, since_ms=since_ms)
        self._rpc.open(room)
        self._handover.open(room)
        await self._service.enter(room)
        self._pushes.enter(room)
        log.info("joined", session=publisher.session)
        if self._lost_ms is not None:
            gap = self._missing = Missing(self._lost_ms, self._now_ms(), self._reason)
            await publisher.declare_gap(gap.start_ms, gap.end_ms, gap.reason)
            self._lost_ms, self._reason = None, GapReason.CONNECTION_LOST
        self.joined.set()
        self._backoff.reset()
        if succession is not None:
            log.info("succeeded")
            await succession.begin(self._begin, publisher)

    def _keep(self, room: Room) -> None:
        """From now on decisions are stored under this room's sid."""
        if self._sid not in ("", room.sid):
            self._reason = GapReason.MEDIA_SERVER_LOST
        self._sid = room.sid
        origin_ms = self.publisher.clock.origin_utc_ms
        self._writer.keep(room.sid, session=self.publisher.session, origin_utc_ms=origin_ms)

    async def _until_over(self, room: Room) -> Left | None:
        events = asyncio.create_task(self._serve(room))
        ticks = asyncio.create_task(self._tick(room))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({events, ticks, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if events.done():
                return events.result()
            if ticks.done():
                ticks.result()
            await room.stop_listening()
            return None
        finally:
            for task in (events, ticks, stopping):
                task.cancel()

    async def _serve(self, room: Room) -> Left:
        async for event in room.events():
            if room.sid != self._sid:  # the media server began the room anew
                self._keep(room)
            match event:
                case Voice():
                    if (gap := self._missing) and self._now_ms() - gap.end_ms < FIRST_HEARD_MS:
                        await self.publisher.declare_gap(gap.end_ms, self._now_ms(), gap.reason)
                    self._begin(event)
                case Gap(start_ms, end_ms):
                    await self.publisher.declare_gap(start_ms, end_ms, self._reason)
                    self._reason = GapReason.CONNECTION_LOST
                    self._pushes.enter(room)  # what was sent meanwhile may be lost
                case Inaudible():
                    await self._tracks.inaudible(event)
                case Changed():
                    self._rpc.people_changed()
                    await self._rivals.yield_to(room)
                    await self._service.review()
                    self._pushes.review()
                case Left():
                    return event
        raise AssertionError("a room's events end with Left")

    def _begin(self, voice: Voice) -> None:
        if self.controls.captions(voice.speaker) and not self._handover.ends:
            self._tracks.begin(voice)
        else:  # refused while the voice waited here, or it is a successor's
            voice.frames.forget()

    async def _tick(self, room: Room) -> None:
        """What changes of itself: nobody reads any more; another engine stands in."""
        while True:
            await asyncio.sleep(TICK_S)
            if room.connected:
                self._alive(len(room.people()))
            if self._closed:
                continue
            # Before the transcript is reviewed: what is dealt with by now is in it then.
            said_ms = self._tracks.said_ms(self._now_ms())
            self._outputs.review()
            if self.controls.decided.transcript and not self._outputs.keeps:
                # The disk put an end to it: it is off until a host switches it on again.
                self._writer.decide(Wish("", {"transcript": False}))
            if self.controls.checked(self._clock()):
                self._writer.know(Known.ALL)
            self._writer.number(self.publisher.names.numbers())
            self._writer.live(self.publisher.clock.alive(said_ms))
            await self._service.look()

    async def _prepare(self, decided: Decided) -> Callable[[], None]:
        take_engine = await self._service.prepare(decided)
        await self._outputs.prepare(decided)
        return take_engine

    def _apply(self, decision: Decision) -> None:
        self._outputs.apply(decision)
        self._service.apply(decision)
        self._pushes.review()

    def _now_ms(self) -> int:
        return self.publisher.clock.now_ms()
