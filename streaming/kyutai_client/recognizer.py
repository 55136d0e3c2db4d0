"""One voice at Kyutai servers, over websockets, as a Recognizer.

A stream outlives its connection: when that breaks, what is not yet words is said again to the next
server, faster than it was spoken, and nothing is given twice (``streaming/replay.py``, the rule).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Self

from streaming.audio import FRAME_MS, AudioFrame
from streaming.errors import ConnectionLost, RecognizerUnavailable
from streaming.kyutai_client.connection import Link, Servers
from streaming.kyutai_client.metrics import DROPPED_MS, RESTARTS, SEARCHING
from streaming.kyutai_client.session import Session, SessionPolicy
from streaming.recognizer import Capabilities, Flushed, Heard, RecognizerEvent, Word
from streaming.replay import Replay
from streaming.voice.frames import VoiceFinder


@dataclass(frozen=True, slots=True)
class RemotePolicy:
    """How a stream behaves towards servers.

    patience_s: so long a broken stream looks for a server before it fails; one whose sound has
        ended, or need not keep up with a voice, half a minute at most.
    first_wait_s, longest_wait_s: between two tries; doubled each time, with jitter.
    mute_ms: voice without a word, after which the stream is begun anew; then twice that.
    silent_s: a server with so much as a second to work on that says nothing so long is dead.
    keep_ms: sound that is kept; what falls off unheard is counted.
    """

    session: SessionPolicy = field(default_factory=SessionPolicy)
    patience_s: float = math.inf
    first_wait_s: float = 0.1
    longest_wait_s: float = 2.0
    mute_ms: int = 8_000
    silent_s: float = 5.0
    keep_ms: int = 60_000


class _Ask(Enum):
    FLUSH = auto()
    FINISH = auto()


_Item = RecognizerEvent | BaseException | None

_Events = list[RecognizerEvent]

_UNREAD = 2_000  # events that nobody reads, then the server waits
_AHEAD = 25  # frames that wait for a server when sound need not fall off
_WORKING = 13  # frames: a second
_ENDED_PATIENCE_S = 30.0  # somebody waits for the end


class _Muted(Exception):
    """There is voice, and the server makes no words of it."""


class RemoteRecognizer:
    """One stream; made by ``RemoteEngine.open``.

    Iterating raises RecognizerUnavailable if no server takes the stream over in time, and
    ProtocolError. restarts: how often it went on with a new connection.
    """

    def __init__(
        self,
        servers: Servers,
        capabilities: Capabilities,
        policy: RemotePolicy,
        *,
        load_voice: Callable[[], VoiceFinder],
        live: bool,
        replay: Replay | None,
    ) -> None:
        self._servers = servers
        self._capabilities = capabilities
        self._policy = policy
        self._load_voice = load_voice
        self._live = live
        self._session_policy = policy.session
        if not live:  # the words are not waited for, and shall be the same every time
            self._session_policy = replace(self._session_policy, flush_at_pauses=False)
        self._replay = replay or Replay(keep_ms=self._policy.keep_ms)
        self._finds_voice: VoiceFinder | None = None
        self._unsent: deque[tuple[AudioFrame, bool] | _Ask] = deque()
        self._asked: deque[_Ask] = deque()  # the session's Flushed are the answers to these
        self._finished = False
        self._said_all = False
        self._out: asyncio.Queue[_Item] = asyncio.Queue()  # bounded by who listens
        self._read = asyncio.Event()
        self._wake = asyncio.Event()  # there is something to send
        self._room = asyncio.Event()  # something was sent
        self._running: asyncio.Task[None] | None = None
        self._mute_ms = self._policy.mute_ms
        self.restarts = 0

    @property
    def capabilities(self) -> Capabilities:
        """What the servers can do."""
        return self._capabilities

    @property
    def dropped_ms(self) -> int:
        """So much sound no server has heard, and none will."""
        return self._replay.dropped_ms

    async def send(self, frame: AudioFrame) -> None:
        """Take the next 80 ms. Waits for a server only if the stream is not live."""
        if self._finished:
            raise ValueError("nothing can be sent after finish()")
        while not self._live and len(self._unsent) >= _AHEAD and self._goes_on:
            self._room.clear()
            await self._room.wait()
        voiced = self._finds_voice(frame) if self._finds_voice else False
        lost = self._replay.add(frame, voiced=voiced)
        if lost is not None:
            DROPPED_MS.inc(FRAME_MS)
            self._forget(lost)
        self._unsent.append((frame, voiced))
        self._wake.set()

    async def flush(self) -> None:
        """Let go of what the model holds; answered by Flushed."""
        self._ask(_Ask.FLUSH)

    async def finish(self) -> None:
        """No more audio: iteration ends when everything heard has been said."""
        if not self._finished:
            self._ask(_Ask.FINISH)
            self._finished = True

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            self._read.set()
            yield item

    async def __aenter__(self) -> Self:
        self._finds_voice = self._load_voice()
        link = await self._connect(self._say_again())
        self._running = asyncio.create_task(self._run(link))
        self._running.add_done_callback(self._end)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    def _end(self, running: asyncio.Task[None]) -> None:
        self._out.put_nowait(None if running.cancelled() else running.exception())
        self._room.set()

    @property
    def _goes_on(self) -> bool:
        return self._running is None or not self._running.done()

    def _ask(self, what: _Ask) -> None:
        if not self._finished:
            self._unsent.append(what)
            self._wake.set()

    def _forget(self, lost: AudioFrame) -> None:
        """The oldest frame of all was dropped; if it was still to be sent it is the first here."""
        for index, item in enumerate(self._unsent):
            if not isinstance(item, _Ask):
                if item[0] is lost:
                    del self._unsent[index]
                return

    async def _run(self, link: Link) -> None:
        """Connection after connection, until all is said or no server can be had."""
        while not await self._speak(link):
            self.restarts += 1
            RESTARTS.inc()
            position = self._say_again()
            await self._sound_to_hear()
            with SEARCHING.track_inprogress():
                link = await self._connect_patiently(position)

    def _say_again(self) -> int:
        """What a new stream has to hear is to be sent; gives where in the stream it begins."""
        asked = [*self._asked, *(item for item in self._unsent if isinstance(item, _Ask))]
        self._asked.clear()
        again = self._replay.restart()
        self._unsent = deque([*again, *asked])
        return again[0][0].position if again else self._replay.next_position

    async def _sound_to_hear(self) -> None:
        """A server frees the slot of who is muted for minutes: nothing is lost by that."""
        while not self._replay.unheard and not any(isinstance(i, _Ask) for i in self._unsent):
            self._wake.clear()
            await self._wake.wait()

    async def _connect(self, position: int) -> Link:
        return await self._servers.connect(self._session_policy, position=position)

    async def _connect_patiently(self, position: int) -> Link:
        loop = asyncio.get_running_loop()
        wait_s, began = self._policy.first_wait_s, loop.time()
        while True:
            try:
                return await self._connect(position)
            except RecognizerUnavailable:
                if loop.time() + wait_s > began + self._patience_s:
                    raise
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, self._policy.longest_wait_s)

    @property
    def _patience_s(self) -> float:
        if self._live and not self._finished:
            return self._policy.patience_s
        return min(self._policy.patience_s, _ENDED_PATIENCE_S)

    async def _speak(self, link: Link) -> bool:
        """Until all is said (True) or the connection cannot be used any more (False)."""
        tasks = [asyncio.create_task(self._talk(link)), asyncio.create_task(self._listen(link))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            if not self._said_all:
                link.drop()
            await link.close()
        for result in results:
            if not isinstance(result, asyncio.CancelledError | ConnectionLost | _Muted | None):
                raise result
        return self._said_all

    async def _talk(self, link: Link) -> None:
        session = link.session
        while not self._said_all:
            self._wake.clear()
            while self._unsent and session.room > 0:
                self._give(self._tell(session, self._unsent.popleft()))
                await link.send(session.data_to_send())
                self._room.set()
            await link.send(session.data_to_send())
            if not self._said_all:
                await self._wake.wait()

    def _tell(self, session: Session, item: tuple[AudioFrame, bool] | _Ask) -> _Events:
        if isinstance(item, _Ask):
            self._asked.append(item)
            return session.flush()
        frame, voiced = item
        return session.frame(frame, voiced=voiced)

    async def _listen(self, link: Link) -> None:
        session = link.session
        while not self._said_all:
            data = await link.receive(within_s=self._policy.silent_s)
            if data is not None:
                self._give(session.receive(data))
                self._wake.set()
            elif session.in_flight > session.idle_frames + _WORKING:
                raise ConnectionLost(f"the speech server {link.name} says nothing any more")
            if self._replay.voice_ms >= self._mute_ms:
                self._mute_ms *= 2
                raise _Muted
            while self._out.qsize() >= _UNREAD:
                self._read.clear()
                await self._read.wait()

    def _give(self, events: _Events) -> None:
        for event in events:
            if isinstance(event, Flushed) and self._asked.popleft() is _Ask.FINISH:
                self._said_all = True
                event = Heard(event.at_ms)
            for new in self._replay.take(event):
                if isinstance(new, Word):
                    self._mute_ms = self._policy.mute_ms
                self._out.put_nowait(new)
