"""Connections that never become a session cost those that have one nothing."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from streaming.kyutai import protocol
from streaming.kyutai_server.cli import Bounded
from streaming.kyutai_server.limits import Limits
from streaming.testing.asr_server import Client, Running, serving
from streaming.testing.scripted import ScriptedModel, ToyVocabulary, frame_of

SERVE = """
import asyncio, resource, sys
from streaming.kyutai_server.api_keys import Keys
from streaming.kyutai_server.cli import serve
from streaming.kyutai_server.cli import Bounded
from streaming.kyutai_server.limits import Limits
from streaming.testing.asr_server import Client, Running, serving
from streaming.testing.scripted import ScriptedModel, ToyVocabulary

before, meanwhile = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (before, before))

async def main():
    running = asyncio.create_task(serve(
        ScriptedModel(vocabulary=ToyVocabulary(["▁a"]), batch_size=8), "scripted", Keys(),
        Limits(drain_s=0, admit_when_slow=True), ("127.0.0.1", 0, None)))
    await asyncio.sleep(0.5)
    resource.setrlimit(resource.RLIMIT_NOFILE, (meanwhile, before))
    await running

asyncio.run(main())
"""
"""asr-server with a model that is scripted. Arguments: files that may be open, then and later."""

SAID = np.concatenate([frame_of(token) for token in (0, 4, 3)])
HALF = b"GET /api/asr-streaming HTTP/1.1\r\nHost: a\r\nX-Half: "


@dataclass
class Served:
    """A server in a process of its own."""

    pid: int
    url: str
    port: int
    log: Path

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        headers = {protocol.KEY_HEADER: protocol.PUBLIC_KEY}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.url, headers=headers) as ws,
        ):
            client = Client(ws)
            assert await client.receive() == protocol.Ready()
            yield client


@asynccontextmanager
async def served(files: int, *, meanwhile: int) -> AsyncIterator[Served]:
    with tempfile.NamedTemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVE, str(files), str(meanwhile),
            stdout=asyncio.subprocess.PIPE, stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        try:
            assert process.stdout is not None
            url = (await process.stdout.readline()).decode().split()[-1]
            port = int(url.split(":")[2].split("/")[0])
            yield Served(process.pid, url, port, Path(log.name))
            assert process.returncode is None
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def half_header(port: int) -> None:
    """For ever: a byte of a header a second, and again when it is turned out."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(HALF)
                while not reader.at_eof():
                    writer.write(b"x")
                    await writer.drain()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(1):
                            await reader.read(1)
            finally:
                writer.close()
        await asyncio.sleep(0.2)


@pytest.mark.parametrize(
    ("attackers", "meanwhile"),
    [pytest.param(300, 256, id="files enough"), pytest.param(60, 48, id="too few files")],
)
async def test_half_headers_keep_nobody_from_being_served(attackers: int, meanwhile: int) -> None:
    async with served(256, meanwhile=meanwhile) as server, server.client() as early:
        assert await early.words(SAID) == ["a"]
        attack = [asyncio.create_task(half_header(server.port)) for _ in range(attackers)]
        try:
            await asyncio.sleep(1)  # let them come: how many got in cannot be asked
            async with asyncio.timeout(60):
                for number in range(3):
                    assert await early.words(SAID, mark=number) == ["a"]
                    async with server.client() as late:
                        assert await late.words(SAID) == ["a"]
        finally:
            for one in attack:
                one.cancel()
            await asyncio.gather(*attack, return_exceptions=True)
        assert server.log.stat().st_size < 20_000


@asynccontextmanager
async def with_limits(limits: Limits) -> AsyncIterator[Running]:
    model = ScriptedModel(vocabulary=ToyVocabulary(["▁a"]), batch_size=2)
    async with serving(model, limits=limits) as running:
        yield running


async def ended(running: Running, sent: bytes) -> bytes:
    """What comes until the server ends the connection."""
    host, port = running.http.removeprefix("http://").split("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


KEY = f"{protocol.KEY_HEADER}: {protocol.PUBLIC_KEY}\r\n".encode()
POST = (
    b"POST /api/asr-streaming HTTP/1.1\r\nHost: a\r\n" + KEY + b"Content-Length: 9999\r\n\r\nhalf"
)


@pytest.mark.parametrize(("sent", "answer"), [(b"", b""), (HALF, b""), (POST, b"408")])
async def test_who_does_not_come_to_the_point_in_time_is_turned_out(
    sent: bytes, answer: bytes
) -> None:
    async with with_limits(Limits(admission_s=0.2, idle_s=0.3)) as running:
        assert answer == (await ended(running, sent))[9:12]
        async with running.client() as client:
            assert await client.words(SAID) == ["a"]


async def test_a_session_lasts_longer_than_it_may_take_to_begin_one() -> None:
    async with with_limits(Limits(admission_s=0.2)) as running, running.client() as client:
        for number in range(4):
            await asyncio.sleep(0.1)
            assert await client.words(SAID, mark=number) == ["a"]


async def test_a_connection_answers_one_request_and_ends() -> None:
    async with with_limits(Limits()) as running:
        answer = await ended(running, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b'"status"' in answer
        assert b"Connection: close" in answer


async def test_of_too_many_that_wait_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streaming.kyutai_server.connections.SURELY_S", 0.1)
    async with with_limits(Limits(waiting=3)) as running:
        host, port = running.http.removeprefix("http://").split("/")[0].split(":")
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(4)]
        async with asyncio.timeout(5):
            with suppress(ConnectionResetError):
                assert await opened[0][0].read() == b""
        for reader, writer in opened[1:]:
            writer.write(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"200" in await reader.readline()
            writer.close()
        opened[0][1].close()


def test_the_log_of_one_kind_of_trouble_is_bounded() -> None:
    now = 0.0
    bounded = Bounded(clock=lambda: now)
    record = logging.LogRecord("a", logging.ERROR, "", 1, "trouble", None, None)
    assert sum(bounded.filter(record) for _ in range(1_000)) == 20
    now = 61.0
    assert bounded.filter(record)
    assert "980" in record.getMessage()
