"""Another engine stands in while no server answers, in languages that it has.

The stream is one: what the one engine has not said yet the other one hears, and nothing is given
twice. It goes back to the servers in a pause, when everything that was heard is said.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from enum import Enum, auto
from typing import Protocol, Self

from streaming.audio import AudioFrame
from streaming.errors import ProtocolError, RecognizerUnavailable
from streaming.kyutai_client.engine import RemoteEngine
from streaming.kyutai_client.metrics import STAND_INS
from streaming.kyutai_client.recognizer import RemoteRecognizer
from streaming.recognizer import (
    Capabilities,
    Flushed,
    Heard,
    Pause,
    Recognizer,
    RecognizerEvent,
)
from streaming.replay import Replay

PROBE_S = 5.0
"""So often a stand-in's stream asks whether a server is back."""


class StandIn(Protocol):
    """An engine that needs no server."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def open(self, language: str = "en", *, live: bool = True) -> Recognizer:
        """A new stream."""
        ...


class FailoverEngine:
    """Servers, and who stands in for them. Neither is closed with it."""

    def __init__(
        self, remote: RemoteEngine, stand_in: StandIn, *, probe_s: float = PROBE_S
    ) -> None:
        self.remote = remote
        self.stand_in = stand_in
        self.probe_s = probe_s

    @property
    def capabilities(self) -> Capabilities:
        """What the servers can do."""
        return self.remote.capabilities

    def open(self, language: str = "en", *, live: bool = True) -> Recognizer:
        """A new stream; in a language that the stand-in does not have, of the servers alone.

        Raises LanguageNotSupported if the servers do not have it.
        """
        if self.stand_in.capabilities.knows(language):
            self.remote.open(language)
            return FailoverRecognizer(self, language, live=live)
        return self.remote.open(language, live=live)


class _Ask(Enum):
    FLUSH = auto()
    FINISH = auto()
    LEAVE = auto()  # a flush of our own, so that a server can take over


class FailoverRecognizer:
    """One stream; made by ``FailoverEngine.open``.

    Iterating raises what either engine raises, but no RecognizerUnavailable for want of a server.
    """

    def __init__(self, engine: FailoverEngine, language: str, *, live: bool) -> None:
        self._engine = engine
        self._language = language
        self._live = live
        self._replay = Replay(keep_ms=engine.remote.policy.keep_ms)
        self._finds_voice = engine.remote.load_voice()
        self._current: Recognizer | None = None
        self._open = AsyncExitStack()  # the current recogniser
        self._asked: deque[_Ask] = deque()  # what was not answered yet
        self._waiting: deque[AudioFrame | _Ask] = deque()  # for who gets the stream
        self._settled = asyncio.Event()  # who has it
        self._settled.set()
        self._finished = False
        self._server_is_back = asyncio.Event()

    @property
    def capabilities(self) -> Capabilities:
        """Of the engine that has the stream now: ``engine`` tells which."""
        return (self._current or self._engine).capabilities

    @property
    def stands_in(self) -> bool:
        """Whether the stand-in has the stream."""
        return not isinstance(self._current, RemoteRecognizer)

    async def send(self, frame: AudioFrame) -> None:
        """Take the next 80 ms."""
        if not self._live:
            await self._settled.wait()
        await self._put(frame)

    async def flush(self) -> None:
        """Let go of what is held; answered by Flushed."""
        if not self._finished:
            await self._put(_Ask.FLUSH)

    async def finish(self) -> None:
        """No more audio: iteration ends when everything heard has been said."""
        self._finished = True
        await self._put(_Ask.FINISH)

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while True:
            if self.stands_in:
                async for event in self._from_stand_in():
                    yield event
                if self.stands_in:
                    return
            else:
                assert self._current is not None
                try:
                    async for event in self._current:
                        if isinstance(event, Flushed):
                            self._asked.popleft()
                        yield event
                    return
                except RecognizerUnavailable:
                    self._settled.clear()
                    await self._hand_over()
                    await self._settle()

    async def __aenter__(self) -> Self:
        try:
            await self._go_remote()
        except RecognizerUnavailable:
            await self._hand_over()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _put(self, item: AudioFrame | _Ask) -> None:
        if self._settled.is_set():
            await self._pass_on(item)
        else:
            self._waiting.append(item)

    async def _pass_on(self, item: AudioFrame | _Ask) -> None:
        assert self._current is not None
        if isinstance(item, AudioFrame):
            if self.stands_in:
                self._replay.add(item, voiced=self._finds_voice(item))
            await self._current.send(item)
            return
        self._asked.append(item)
        await (self._current.finish() if item is _Ask.FINISH else self._current.flush())

    async def _settle(self) -> None:
        """The current recogniser has the stream; it gets what came while that was not clear."""
        while self._waiting:
            await self._pass_on(self._waiting.popleft())
        self._settled.set()

    async def _go_remote(self) -> None:
        """Raises RecognizerUnavailable; the current recogniser then goes on."""
        stack = AsyncExitStack()
        remote = self._engine.remote.open(self._language, live=self._live, replay=self._replay)
        await stack.enter_async_context(remote)
        await self._open.aclose()
        self._open, self._current = stack, remote

    async def _hand_over(self) -> None:
        """The stand-in takes the stream, and hears what no server has made words of."""
        await self._open.aclose()
        self._open = AsyncExitStack()
        stand_in = self._engine.stand_in.open(self._language, live=self._live)
        self._current = await self._open.enter_async_context(stand_in)
        STAND_INS.inc()
        self._open.callback(STAND_INS.dec)
        self._server_is_back.clear()
        probing = asyncio.create_task(self._probe())
        self._open.callback(probing.cancel)
        for frame, _ in self._replay.restart():
            await stand_in.send(frame)
        asked, self._asked = self._asked, deque()
        for ask in asked:
            await self._pass_on(ask)

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(self._engine.probe_s)
            try:
                await self._engine.remote.probe()
            except (RecognizerUnavailable, ProtocolError):
                continue
            self._server_is_back.set()

    async def _from_stand_in(self) -> AsyncIterator[RecognizerEvent]:
        """Its events, until it has said all or a server has taken the stream back."""
        assert self._current is not None
        async for event in self._current:
            own = isinstance(event, Flushed) and self._asked.popleft() is _Ask.LEAVE
            for new in self._replay.take(event):
                yield Heard(new.at_ms) if own and isinstance(new, Flushed) else new
            if own:
                await self._go_back()
                if not self.stands_in:
                    return
            elif isinstance(event, Pause) and self._server_is_back.is_set() and self._can_leave:
                self._settled.clear()
                await self._pass_on(_Ask.LEAVE)

    @property
    def _can_leave(self) -> bool:
        return self._settled.is_set() and not self._finished

    async def _go_back(self) -> None:
        """All that was heard is said: a server may take over here."""
        self._replay.cut()
        try:
            await self._go_remote()
        except (RecognizerUnavailable, ProtocolError):
            self._server_is_back.clear()
        await self._settle()
