"""A proxy between a participant and the media server whose connection can be cut.

    async with FaultProxy(server) as cable:
        …join at cable.url…
        cable.cut(); await asyncio.sleep(10); cable.mend()

It runs on the loopback for signalling (TCP) and media (UDP). The server's media port is replaced by
the proxy's on the way to the participant; media over TCP is not offered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Self, cast

from captioner.demo.livekit_server import MediaServer

_CHUNK = 65_536

_Address = tuple[str, int]


class FaultProxy:
    """Works until ``cut``. While cut it refuses nothing: data just never arrives."""

    def __init__(self, server: MediaServer) -> None:
        self._server = server
        self._whole = asyncio.Event()
        self._whole.set()
        self._signalling: asyncio.Server | None = None
        self._media: asyncio.DatagramTransport | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.url = ""

    def cut(self) -> None:
        """Let nothing through from now on."""
        self._whole.clear()

    def mend(self) -> None:
        """Restore the connection; delayed signalling arrives now, media is lost."""
        self._whole.set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._media, _ = await loop.create_datagram_endpoint(
            lambda: _Media(("127.0.0.1", self._server.udp_port), self._whole.is_set),
            local_addr=("127.0.0.1", 0),
        )
        self._signalling = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        port = self._signalling.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._signalling is not None
        assert self._media is not None
        self._signalling.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)
        self._media.close()

    async def _relay(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        try:
            await self._whole.wait()
            far, forth = await asyncio.open_connection("127.0.0.1", self._server.port)
            try:
                await self._both(near, forth, far, back)
            finally:
                forth.close()
        except OSError:
            pass  # the media server is gone, so the participant's connection is closed
        except asyncio.CancelledError:
            pass  # asyncio.start_server would report it
        finally:
            back.close()
            self._relays.discard(task)

    async def _both(
        self,
        near: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
        far: asyncio.StreamReader,
        back: asyncio.StreamWriter,
    ) -> None:
        ways = {
            asyncio.create_task(self._pass(near, forth, _plain)),
            asyncio.create_task(self._pass(far, back, self._readdress)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        change: Callable[[bytes], bytes],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._whole.wait()
                writer.write(change(data))
                await writer.drain()

    def _readdress(self, data: bytes) -> bytes:
        """Put our media port into candidates. All ports have five digits, so lengths are kept."""
        assert self._media is not None
        ours = self._media.get_extra_info("sockname")[1]
        return data.replace(b"127.0.0.1 %d " % self._server.udp_port, b"127.0.0.1 %d " % ours)


def _plain(data: bytes) -> bytes:
    """Remove browsers' offer of compression, which would hide addresses."""
    return data.replace(b"permessage-deflate", b"x-none-of-these-xx")


class _Media(asyncio.DatagramProtocol):
    """The participants' side, with a socket to the server for each sending address."""

    def __init__(self, server: _Address, whole: Callable[[], bool]) -> None:
        self._server = server
        self._whole = whole
        self._transport: asyncio.DatagramTransport | None = None
        self._towards: dict[_Address, asyncio.Task[asyncio.DatagramTransport]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: _Address) -> None:
        if not self._whole():
            return
        known = self._towards.get(addr)
        if known is None:
            self._towards[addr] = asyncio.ensure_future(self._open(addr))
        elif known.done():
            known.result().sendto(data)

    def connection_lost(self, _error: Exception | None) -> None:
        for towards in self._towards.values():
            if towards.done() and not towards.cancelled():
                towards.result().close()
            towards.cancel()

    async def _open(self, participant: _Address) -> asyncio.DatagramTransport:
        def back(data: bytes) -> None:
            if self._whole() and self._transport is not None:
                self._transport.sendto(data, participant)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Back(back), remote_addr=self._server
        )
        return transport


class _Back(asyncio.DatagramProtocol):
    def __init__(self, back: Callable[[bytes], None]) -> None:
        self._back = back

    def datagram_received(self, data: bytes, _addr: _Address) -> None:
        self._back(data)

    def error_received(self, _error: Exception) -> None:
        """Ignore that the server is gone; what was sent is lost, as on any network."""
