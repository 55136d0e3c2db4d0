"""A participant of a simulated meeting: a microphone that says words, a page, and clicks.

One of the few files that import livekit.rtc.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from captioner.contract import TOPIC
from captioner.contract_attributes import SUCCESSOR
from captioner.contract_requests import CONSENT, HELLO, HISTORY
from eval.simulation.caption_receiver import CaptionReceiver
from eval.simulation.verdict import Span, SpokenWord
from streaming.testing.tone_words import WORD_MS, chord, word

RATE = 48_000
PIECE_S = 0.1
AHEAD_S = 0.6
"""Audio passed on before it is due, by which our loop may be late."""

RETRY_S = 0.3
RPC_S = 5.0
ASK_AGAIN_S = 40.0

Join = Callable[[], tuple[str, str]]
"""→ (url, token)"""
_LIVEKITS_OWN = 1_001


class Participant:
    """Joins, reconnects, speaks, and reads if requested.

    said: every word passed on. away: when it could not be heard. arrivals: (time, bytes) of each
    packet of the topic. states, keeps: (time, value) of each change of the bot's state, and of
    whether it keeps a transcript.
    """

    def __init__(self, identity: str, join: Join, *, speaks: bool, reads: bool) -> None:
        self.identity = identity
        self.page = CaptionReceiver()
        self.said: list[SpokenWord] = []
        self.away: list[Span] = []
        self.arrivals: list[tuple[float, int]] = []
        self.states: list[tuple[float, str]] = []
        self.keeps: list[tuple[float, str]] = []
        self.deaf = False  # every packet is lost in transit
        self._join = join
        self._speaks = speaks
        self._reads = reads
        self._room = rtc.Room()
        self._source: rtc.AudioSource | None = None
        self._track: rtc.LocalAudioTrack | None = None
        self._words: deque[int] = deque()
        self._spoken = asyncio.Event()
        self._muted = False
        self._here = False
        self._away_since: float | None = None
        self._news, self._woken = asyncio.Event(), asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self) -> None:
        """Join, however many attempts that takes."""
        self._here = True
        await self._connect()
        if self._speaks:
            self._do(self._mouth())
        if self._reads:
            self._do(self._read())

    async def leave(self) -> None:
        """Leave, and forget everything."""
        self._here = False
        self._spoken.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._room.disconnect()
        if self._source is not None:
            await self._source.aclose()
            self._source = None

    async def say(self, numbers: Sequence[int]) -> None:
        """Say words of streaming.testing.tone_words; return once the last one was passed on."""
        self._words.extend(numbers)
        self._spoken.clear()
        await self._spoken.wait()

    def mute(self) -> None:
        """Mute it."""
        self._muted = True
        if self._track is not None:
            self._track.mute()

    def unmute(self) -> None:
        """Unmute it."""
        self._muted = False
        if self._track is not None:
            self._track.unmute()

    async def ask(self, method: str, request: dict[str, Any]) -> tuple[float, float]:
        """Click: ask the bot until it answers; return when it was first asked, and answered.

        Raises TimeoutError, rtc.RpcError if the bot refuses.
        """
        if method == CONSENT:
            self.page.wish = {"captioned": request["captioned"], "kept": request["kept"]}
        asked = time.monotonic()
        async with asyncio.timeout(ASK_AGAIN_S):
            while True:
                try:
                    await self._rpc(method, request)
                except NoBot:
                    await asyncio.sleep(RETRY_S)
                else:
                    return asked, time.monotonic()

    async def until(self, seen: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
        """Wait for news until ``seen``. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not seen():
                self._news.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), 0.25)

    def saw_state(self, state: str, *, since: float) -> float | None:
        """Return when the bot's state was first seen as this one after ``since``."""
        return next((at for at, seen in self.states if at > since and seen == state), None)

    async def hello(self) -> None:
        """Ask for what is missing."""
        answer = await self._rpc(HELLO, self.page.hello())
        seq = answer["seq"]
        while more := self.page.answered(answer):
            self._tell()
            answer = await self._rpc(HISTORY, more)
        self.page.whole(seq)
        self._tell()

    @property
    def is_away(self) -> bool:
        """Whether there is no connection to the room."""
        return self._away_since is not None

    @property
    def bot(self) -> rtc.RemoteParticipant | None:
        """Return the bot in the room, if one is seen."""
        agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        bots = [
            p
            for p in self._room.remote_participants.values()
            if p.kind == agent and "captions.session" in p.attributes
        ]
        # One that gives the room to another goes on until it leaves. Else, of two, the first was
        # killed, and is still listed.
        leaving = [bot for bot in bots if SUCCESSOR in bot.attributes]
        return (leaving or bots)[-1] if bots else None

    async def _rpc(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        bot = self.bot
        if bot is None:
            raise NoBot
        try:
            answer = await self._room.local_participant.perform_rpc(
                destination_identity=bot.identity,
                method=method,
                payload=json.dumps(request),
                response_timeout=RPC_S,
            )
        except rtc.RpcError as exc:
            if exc.code < _LIVEKITS_OWN:
                raise
            raise NoBot from exc
        understood: dict[str, Any] = json.loads(answer)
        return understood

    async def _connect(self) -> None:
        since = time.monotonic()
        while True:
            room = rtc.Room()
            self._listen(room)
            try:
                url, token = self._join()
                await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
                break
            except rtc.ConnectError:
                await asyncio.sleep(RETRY_S)
        self._room = room
        if self._speaks:
            await self._publish()
        self._back(self._away_since or since)

    async def _publish(self) -> None:
        if self._source is not None:
            await self._source.aclose()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=1_000)
        self._track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        if self._muted:
            self._track.mute()
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        while True:
            try:
                await self._room.local_participant.publish_track(self._track, options)
                return
            except PublishTrackError:  # the media server is too busy to answer in time
                await asyncio.sleep(RETRY_S)

    def _listen(self, room: rtc.Room) -> None:
        room.on("data_received", self._received)
        room.on("participant_attributes_changed", lambda _changed, _who: self._look())
        room.on("participant_connected", lambda _who: self._look())
        room.on("participant_disconnected", lambda _who: self._look())
        room.on("reconnecting", self._gone)
        room.on("reconnected", lambda: self._back(self._away_since))
        room.on("disconnected", lambda _reason: self._lost(room))

    def _look(self) -> None:
        bot = self.bot
        if bot is None:
            return
        for name, seen in (("captions.state", self.states), ("captions.transcript", self.keeps)):
            value = bot.attributes.get(name, "")
            if not seen or seen[-1][1] != value:
                seen.append((time.monotonic(), value))
        if bot.attributes["captions.session"] != self.page.session:
            self.page.missing = True
        self._tell()

    def _gone(self) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()

    def _back(self, since: float | None) -> None:
        now = time.monotonic()
        since, self._away_since = since or now, None
        self.away.append(Span(since, since, now, now, self.identity))
        self.page.missing = True
        self._look()
        self._tell()

    def _lost(self, room: rtc.Room) -> None:
        if self._here and room is self._room:
            self._gone()
            self._do(self._connect())

    def _received(self, data: rtc.DataPacket) -> None:
        sender, agent = data.participant, rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        if data.topic != TOPIC or sender is None or sender.kind != agent or self.deaf:
            return
        if (bot := self.bot) is not None and bot.identity != sender.identity:
            return  # whose turn comes when the other one has left
        self.arrivals.append((time.monotonic(), len(data.data)))
        self.page.feed(json.loads(data.data))
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._woken.set()

    async def _read(self) -> None:
        """Ask whenever something is missing, again until it works, as a page does."""
        while True:
            while self.deaf or not self.page.missing:
                self._woken.clear()
                await self._woken.wait()
            try:
                await self.hello()
            except (rtc.RpcError, NoBot):
                await asyncio.sleep(RETRY_S)

    async def _mouth(self) -> None:
        """Send words if there are any, else the noise of a quiet room; nothing while muted."""
        noise = np.random.default_rng(1).normal(0, 1e-3, int(RATE * PIECE_S)).astype(np.float32)
        due, source = time.monotonic(), self._source
        while True:
            if self._muted or self._source is not source:
                # Nothing is in the queue, and what is passed on is played at once.
                await asyncio.sleep(PIECE_S)
                due, source = time.monotonic(), self._source
                continue
            sound, number = noise, None
            if self._words:
                number = self._words.popleft()
                sound = chord(number, rate=RATE)
            await asyncio.sleep(due - AHEAD_S - time.monotonic())
            due = max(due, time.monotonic())
            if number is not None:
                said = SpokenWord(word(number), self.identity, due, due + WORD_MS / 1000)
                self.said.append(said)
            if not self._muted and self._source is not None:
                # A word in one piece, so that a busy loop does not tear it.
                samples = (sound * 32_767).astype(np.int16)
                frame = rtc.AudioFrame(samples.tobytes(), RATE, 1, len(samples))
                await self._source.capture_frame(frame)
            due += len(sound) / RATE
            if number is not None and not self._words:
                self._spoken.set()

    def _do(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class NoBot(Exception):
    """There is no bot in the room."""
