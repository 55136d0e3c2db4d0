"""One connection to a speech server as a Recognizer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Self

from streaming.audio import AudioFrame
from streaming.errors import ConnectionLost
from streaming.recognizer import Flushed, Heard, RecognizerEvent
from streaming.remote.balance import Seat
from streaming.remote.connection import Link, Servers
from streaming.remote.session import Session, Wire

_UNREAD = 2_000  # events, above which no more are taken from the server


class RemoteRecognizer:
    """One stream at one of the servers; made by an engine's ``open``.

    Entering connects, and raises RecognizerUnavailable or ProtocolError. Iterating raises
    ConnectionLost or ProtocolError.
    """

    def __init__(
        self, servers: Servers, wire: Wire, begin: Callable[[], Session], *, delay_ms: int
    ) -> None:
        """begin: makes the session of a connection that is about to be tried. delay_ms: how long
        a server that is in time takes until it has dealt with a sound.
        """
        self._delay_s = delay_ms / 1000
        self._servers = servers
        self._wire = wire
        self._begin = begin
        self._out: asyncio.Queue[RecognizerEvent | Exception | None] = asyncio.Queue(_UNREAD)
        self._room = asyncio.Event()  # the server takes more, or nothing can be sent any more
        self._unanswered = 0  # flushes
        self._finishing = False
        self._sending = False
        self._over = False
        self._link: Link | None = None
        self._listening: asyncio.Task[None] | None = None

    async def send(self, frame: AudioFrame) -> None:
        """Take the next 80 ms. Waits while the server is seconds behind."""
        link = self._connected
        self._seat.asked(_now())
        while link.session.room <= 0 and not self._over:
            self._room.clear()
            await self._room.wait()
        self._seat.sent(frame.end_ms, _now())
        await self._give(link.session.frame(frame))
        await self._pass_on(link)

    async def flush(self) -> None:
        """Let go of what the model holds; answered by Flushed."""
        link = self._connected
        self._unanswered += 1
        await self._give(link.session.flush())
        await self._pass_on(link)

    async def finish(self) -> None:
        """No more audio: iteration ends when everything heard has been said."""
        self._finishing = True
        await self.flush()

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    async def __aenter__(self) -> Self:
        self._link = await self._servers.connect(self._wire, self._begin)
        self._listening = asyncio.create_task(self._listen(self._link))
        return self

    async def __aexit__(self, *_: object) -> None:
        link = self._connected
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        self._seat.end(_now(), delay_s=self._delay_s, failed=False)
        if not self._said_all:
            link.drop()
        await link.close()

    @property
    def _connected(self) -> Link:
        assert self._link is not None
        return self._link

    @property
    def _seat(self) -> Seat:
        assert self._connected.seat is not None
        return self._connected.seat

    @property
    def _said_all(self) -> bool:
        return self._finishing and not self._unanswered

    async def _listen(self, link: Link) -> None:
        try:
            while True:
                await self._give(link.session.receive(await link.receive()))
                await self._pass_on(link)
                self._room.set()
                if self._seat.should_leave(_now()):
                    raise ConnectionLost(
                        f"the speech server {link.name} is late, others may not be"
                    )
        except Exception as exc:  # the iteration raises it
            self._seat.end(_now(), delay_s=self._delay_s, failed=True)
            await self._out.put(exc)
        finally:
            self._over = True
            self._room.set()

    async def _pass_on(self, link: Link) -> None:
        """Send the session's messages, in order: only one task sends at a time."""
        if self._sending:
            return
        self._sending = True
        try:
            while messages := link.session.data_to_send():
                await link.send(messages)
        except ConnectionLost:
            self._over = True  # which the iteration tells
        finally:
            self._sending = False

    async def _give(self, events: list[RecognizerEvent]) -> None:
        for event in events:
            if isinstance(event, Heard | Flushed):
                until_ms = event.until_ms if isinstance(event, Heard) else event.at_ms
                self._seat.heard(until_ms, self._delay_s, _now())
            if isinstance(event, Flushed):
                self._unanswered -= 1
                if self._said_all:
                    await self._out.put(Heard(event.at_ms))
                    await self._out.put(None)
                    return
            await self._out.put(event)


def _now() -> float:
    return asyncio.get_running_loop().time()
