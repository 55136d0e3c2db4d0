"""Connections to speech servers; here end the exceptions of websockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)

from streaming.errors import (
    ConnectionLost,
    ProtocolError,
    RecognizerAtCapacity,
    RecognizerError,
    RecognizerUnavailable,
)
from streaming.remote.balance import CHOICES, Balance, Seat
from streaming.remote.free_slots import free_slots
from streaming.remote.session import Message, Session, Wire

SERVERS_TRIED = 8
"""So many at most, each time that a stream begins."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where speech servers are, and the key that they know us by.

    addresses: ws:// or wss://; each of a name's addresses counts as a server. key: "" for the
    default of the protocol. connect_s: seconds until a server has let us in, each of them.
    """

    addresses: tuple[str, ...]
    key: str = field(default="", repr=False)
    connect_s: float = 0.5
    balance: Balance = field(default_factory=Balance, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not self.addresses:
            raise ValueError("no speech server is named")
        for address in self.addresses:
            _split(address)

    async def connect(self, wire: Wire, begin: Callable[[], Session]) -> Link:
        """A connection whose session, made by ``begin``, is ready.

        Every server is tried once, in the order of ``Balance``. Raises RecognizerAtCapacity if one
        of them is full and no other takes it, RecognizerUnavailable, ProtocolError.
        """
        faults: list[RecognizerError] = []
        for server in await self._order(wire):
            link = Link(server, wire, begin())
            try:
                async with asyncio.timeout(self.connect_s):
                    await link.dial(self.key)
                link.seat = self.balance.begin(server.name, _now())
                return link
            except TimeoutError:
                fault = f"the speech server {link.name} is not ready within {self.connect_s} s"
                faults.append(RecognizerUnavailable(fault))
            except (RecognizerUnavailable, ProtocolError) as exc:
                faults.append(exc)
            except BaseException:  # nobody waits for it any more
                link.drop()
                raise
            if not isinstance(faults[-1], RecognizerAtCapacity):
                self.balance.failed(server.name, _now())
            await link.close()
        raise _worst(faults)

    async def _order(self, wire: Wire) -> list[Server]:
        """The servers in the order in which they are tried."""
        there = {server.name: server for server in await self._found()}
        self.balance.forget(there)
        names = self.balance.order(there, _now())
        usable = [name for name in names if self.balance.is_usable(name, _now())]
        few = usable[:CHOICES] if wire.slots else usable
        if len(few) > 1:
            asked = [(there[name].url, there[name].host) for name in few]
            free = await free_slots(asked, wire.slots) if wire.slots else [None] * len(few)
            few = self.balance.ranked(few, dict(zip(few, free, strict=True)))
        order = [*few, *(name for name in names if name not in few)]
        return [there[name] for name in order][:SERVERS_TRIED]

    async def _found(self) -> list[Server]:
        found: list[Server] = []
        faults: list[RecognizerError] = []
        for address in self.addresses:
            url = _split(address)
            try:
                async with asyncio.timeout(self.connect_s):
                    found += [Server(url, host) for host in await _hosts(url)]
            except OSError:  # also when the name service does not answer in time
                faults.append(RecognizerUnavailable(f"no machine is called {url.hostname}"))
        if not found:
            raise _worst(faults)
        return found


@dataclass(frozen=True, slots=True)
class Server:
    """One of the machines that an address names. host: its IP address."""

    url: SplitResult
    host: str

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{urlunsplit(self.url)} {self.host}"


def _worst(faults: Sequence[RecognizerError]) -> RecognizerError:
    """The one that says most about what to do next."""
    for kind in (RecognizerAtCapacity, ProtocolError):
        for fault in faults:
            if isinstance(fault, kind):
                return fault
    return faults[0]


def _split(address: str) -> SplitResult:
    url = urlsplit(address)
    if url.scheme not in ("ws", "wss") or not url.hostname or url.username or url.query:
        raise ValueError("a speech server's address is ws://HOST[:PORT] or wss://HOST[:PORT]")
    return url


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "wss" else 80)


async def _hosts(url: SplitResult) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(url.hostname, _port(url), proto=6)  # TCP
    return sorted({str(info[4][0]) for info in found})


class Link:
    """One connection, whose exceptions are ours.

    name: host and port, for people. seat: the stream's place on the server, once it has one.
    """

    def __init__(self, server: Server, wire: Wire, session: Session) -> None:
        url = server.url
        self.session = session
        self.name = url.netloc
        self.seat: Seat | None = None
        self._host = server.host
        self._wire = wire
        self._url = url if url.path.strip("/") else url._replace(path=wire.path)
        self._socket: ClientConnection | None = None

    async def dial(self, key: str) -> None:
        """Connect until the session is ready.

        Raises RecognizerUnavailable, ProtocolError.
        """
        with self._refusals():
            self._socket = await connect(
                urlunsplit(self._url),
                host=self._host,
                port=_port(self._url),
                additional_headers=self._wire.headers(key),
                max_size=self._wire.longest,
                compression=None,  # samples do not shrink
                proxy=None,
                open_timeout=None,
                close_timeout=0.5,
                ping_interval=10,
                ping_timeout=10,
            )
            while not self.session.ready:
                self.session.receive(await self._socket.recv())

    async def send(self, messages: Sequence[Message]) -> None:
        """Raises ConnectionLost."""
        assert self._socket is not None
        try:
            for message in messages:
                await self._socket.send(message)
        except ConnectionClosed:
            raise self._lost() from None

    async def receive(self) -> Message:
        """The next message. Raises ConnectionLost."""
        assert self._socket is not None
        try:
            return await self._socket.recv()
        except ConnectionClosed:
            raise self._lost() from None

    async def close(self) -> None:
        """Give the slot back; may be called at any time, any number of times."""
        if self._socket is not None:
            await self._socket.close()

    def drop(self) -> None:
        """Break the connection, without the politeness that waits for an answer."""
        if self._socket is not None:
            self._socket.transport.abort()

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(f"the speech server {self.name} hung up")

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        server = f"the speech server {self.name}"
        try:
            yield
        except InvalidStatus as exc:
            why = self._refusal(exc.response.status_code)
            raise RecognizerUnavailable(f"{server} {why}") from None
        except InvalidMessage as exc:
            gone = isinstance(exc.__cause__, EOFError)
            why = "hangs up" if gone else f"does not speak {self._wire.name}"
            raise RecognizerUnavailable(f"{server} {why}") from None
        except RecognizerAtCapacity:
            raise RecognizerAtCapacity(f"{server} has no free slot") from None
        except ProtocolError as exc:
            raise ProtocolError(f"{server} does not speak {self._wire.name}: {exc}") from exc
        except ConnectionClosed:
            raise RecognizerUnavailable(f"{server} hangs up") from None
        except (OSError, WebSocketException) as exc:
            kind = type(exc).__name__
            raise RecognizerUnavailable(f"{server} cannot be reached ({kind})") from None

    def _refusal(self, status: int) -> str:
        if status in (401, 403):
            return "does not know the key"
        if status == 404:
            return f"has no {self._url.path}: is it another kind of server?"
        return f"answers {status}, not {self._wire.name}"


def _now() -> float:
    return asyncio.get_running_loop().time()
