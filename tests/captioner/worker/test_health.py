from __future__ import annotations

import asyncio

import pytest

from captioner.demo.livekit_server import free_port
from captioner.errors import ConfigurationError
from captioner.worker.health import health


async def ask(port: int, request: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") -> str:
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer.decode().partition("\r\n")[0]


async def test_health_is_good_while_connected_and_only_then() -> None:
    connected = False
    port = free_port()
    async with health(port, lambda: connected, host="127.0.0.1"):
        assert await ask(port) == "HTTP/1.0 503 Service Unavailable"
        connected = True
        assert await ask(port) == "HTTP/1.0 200 OK"
        assert await ask(port, b"HEAD /healthz HTTP/1.0\r\n\r\n") == "HTTP/1.0 200 OK"
        connected = False
        assert await ask(port) == "HTTP/1.0 503 Service Unavailable"
    with pytest.raises(ConnectionRefusedError):
        await ask(port)


async def test_it_listens_where_it_was_told_and_a_taken_port_is_named() -> None:
    port = free_port()
    async with health(port, lambda: True, host="127.0.0.2"):
        with pytest.raises(ConnectionRefusedError):
            await ask(port)
        with pytest.raises(ConfigurationError, match=r"127\.0\.0\.2.*--health-port"):
            async with health(port, lambda: True, host="127.0.0.2"):
                pass


async def test_without_a_port_nothing_listens() -> None:
    async with health(None, lambda: True, host="127.0.0.1"):
        pass
