"""Accepts connections, and limits the number and the time of those without a session.

asyncio's own server limits neither. When the process runs out of file descriptors, it logs each
attempt, and accepts nothing until a connection ends.
"""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from streaming.kyutai_server import metrics

OWN_FILES = 40
"""File descriptors that the process needs for other things than connections."""

WAITING_LEAST = 8

SURELY_S = 1.0
"""How long each connection has in any case, in seconds."""

QUEUE = 1_024
"""Connections that the kernel holds until they are accepted; it may have a lower limit."""

LOOK_S = 0.02
"""How often to check whether there is room for another connection, in seconds."""

NO_FILE = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@dataclass(slots=True, eq=False)
class _Waiting:
    connection: socket.socket
    since_s: float = 0.0
    timer: asyncio.TimerHandle | None = None
    opening: asyncio.Task[None] | None = None
    transport: asyncio.Transport | None = None


class Connections:
    """The accepted connections. One without a session is closed when its time is over.

    When there are more than ``most``, the oldest are closed once they had SURELY_S; meanwhile
    new ones wait in the kernel's queue. So every client has time to send its request.
    """

    def __init__(self, *, most: int, sessions: int, within_s: float) -> None:
        """sessions: how many there can be; a file descriptor is left for each."""
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files != resource.RLIM_INFINITY:
            most = min(most, max(files - OWN_FILES - sessions, WAITING_LEAST))
        self._most = most
        self._within_s = within_s
        self._waiting: OrderedDict[asyncio.BaseProtocol, _Waiting] = OrderedDict()

    async def accept(
        self,
        listening: socket.socket,
        begin: Callable[[], asyncio.BaseProtocol],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Accept for ever. ``begin`` makes the protocol of a connection."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._has_room():
                await asyncio.sleep(LOOK_S)
                continue
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as exc:
                if exc.errno in NO_FILE:  # of this process, or of the machine
                    metrics.NO_FILE.inc()
                    self._most = max(len(self._waiting) * 3 // 4, WAITING_LEAST)
                    await asyncio.sleep(LOOK_S)
                continue
            protocol = begin()
            waiting = _Waiting(connection)
            self._wait(protocol, waiting)
            waiting.opening = asyncio.create_task(self._open(protocol, waiting, tls))

    async def _open(
        self, protocol: asyncio.BaseProtocol, waiting: _Waiting, tls: ssl.SSLContext | None
    ) -> None:
        try:
            waiting.transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol, waiting.connection, ssl=tls
            )
        except OSError:  # no TLS handshake
            self._end(protocol, "no handshake")

    @contextmanager
    def session(self, protocol: asyncio.BaseProtocol) -> Iterator[None]:
        """Exempt a connection from the limits; afterwards it has to end in time."""
        waiting = self._waiting.pop(protocol, None)
        if waiting and waiting.timer:
            waiting.timer.cancel()
        try:
            yield
        finally:
            if waiting:
                self._wait(protocol, waiting)

    def _wait(self, protocol: asyncio.BaseProtocol, waiting: _Waiting) -> None:
        loop = asyncio.get_running_loop()
        waiting.since_s = loop.time()
        waiting.timer = loop.call_later(self._within_s, self._end, protocol, "too late")
        self._waiting[protocol] = waiting

    def _has_room(self) -> bool:
        """Whether another connection may be accepted; closes the oldest to make room."""
        if len(self._waiting) <= self._most:
            return True
        for protocol, waiting in list(self._waiting.items()):
            if waiting.transport is not None and waiting.transport.is_closing():
                self._end(protocol, "closed")
        until_s = asyncio.get_running_loop().time() - SURELY_S
        while len(self._waiting) > self._most:
            protocol, waiting = next(iter(self._waiting.items()))
            if waiting.since_s > until_s:
                return False
            self._end(protocol, "too many")
        return True

    def _end(self, protocol: asyncio.BaseProtocol, reason: str) -> None:
        waiting = self._waiting.pop(protocol, None)
        if waiting is None:
            return
        if waiting.timer:
            waiting.timer.cancel()
        if waiting.transport is None:
            assert waiting.opening is not None
            waiting.opening.add_done_callback(lambda _: waiting.connection.close())
            waiting.opening.cancel()
        elif waiting.transport.is_closing():
            return
        else:
            waiting.transport.abort()
        metrics.CONNECTIONS_ENDED.labels(reason).inc()


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Return one for each address of ``host``. Raises OSError."""
    found: list[socket.socket] = []
    flags = socket.AI_PASSIVE
    known: list[Any] = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=flags)
    try:
        for family, _, _, _, address in dict.fromkeys(known):
            found.append(socket.create_server(address[:2], family=family, backlog=QUEUE))
            found[-1].setblocking(False)
    except OSError:
        for one in found:
            one.close()
        raise
    return found
