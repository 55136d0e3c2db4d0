"""The page's server, attacked."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit

import pytest

from captioner.demo.page_server import serve_page


async def test_what_a_broken_request_has_in_it_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serve_page(lambda _name, _guest: {}, port=0) as address:
        for request in (b"GE(T /secret HTTP/1.1\r\n\r\n", b"GET /secret\x7f" + b"s" * 9_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(address).port)
            writer.write(request + b"\r\n\r\n")
            async with asyncio.timeout(10):
                await reader.read()
            writer.close()
    lines = [record.getMessage() for record in caplog.records if record.name == "aiohttp.server"]
    assert len(lines) == len(set(lines)) > 0
    assert "secret" not in caplog.text
    assert "sss" not in caplog.text
