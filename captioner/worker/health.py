"""Says over HTTP whether a worker can be given rooms: for the probes of whoever runs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from captioner.errors import ConfigurationError

REQUEST_S = 5.0


@contextlib.asynccontextmanager
async def health(
    port: int | None, connected: Callable[[], bool], *, host: str
) -> AsyncIterator[None]:
    """Answers every request with 200 or 503; nothing listens where no port was named.

    Raises ConfigurationError if the port is taken.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(REQUEST_S):
                while await reader.readline() not in (b"\r\n", b""):
                    pass
            status = "200 OK" if connected() else "503 Service Unavailable"
            writer.write(f"HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    if port is None:
        yield
        return
    try:
        server = await asyncio.start_server(answer, host, port)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot serve health on {host}:{port}: {exc.strerror}. Name a free port by"
            " --health-port, and an address of this machine by CAPTIONER_LISTEN"
        ) from exc
    async with server:
        yield
