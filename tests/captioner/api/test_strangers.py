"""Who sends what is no request, or has no token, leaves nothing in the log, and stops nobody."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from structlog.testing import capture_logs

from captioner.api import http_server
from captioner.api.actions import Actions
from captioner.api.faults import Faults
from captioner.api.http_server import serve
from captioner.api.scripted_media_server import ScriptedMediaServer
from captioner.api.service import AT_ONCE, AT_ONCE_IN_ROOM, BURST, Service
from captioner.api.starting import Starter, StartRule
from captioner.room.tokens import server_token
from streaming.http_log import AGAIN_S

KEY, SECRET = "key", "s" * 32
ROOM = "budget-Secret"
PATH = f"/v1/rooms/{ROOM}/captions"
TOKEN = server_token(KEY, SECRET, room=ROOM)


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """Give its port."""
    server: Any = ScriptedMediaServer(ROOM)
    does = Actions(server, key=KEY, secret=SECRET, agent="agent", policy=None)
    starter = Starter(StartRule(("*",)), start=does.start_by_rule, rooms=server.rooms)
    service = Service(does, starter, key=KEY, secret=SECRET)
    async with serve(service, host="127.0.0.1", port=0) as address:
        yield int(address.rpartition(":")[2])


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, b"Host: here", *headers, b"", body])


def framed(method: str, path: str, body: bytes, *, token: str = TOKEN) -> bytes:
    said = b"Authorization: Bearer %s" % token.encode(), b"Content-Length: %d" % len(body)
    return request(f"{method} {path} HTTP/1.1".encode(), *said, body=body)


async def answered(port: int, sent: bytes) -> tuple[int, bytes]:
    """The status and all that came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            [size] = [
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ] or [0]
            return int(head.split()[1]), head + await reader.readexactly(size)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


BEARER = b"Authorization: Bearer " + TOKEN.encode()
GET = f"GET {PATH} HTTP/1.1".encode()
PUT = f"PUT {PATH} HTTP/1.1".encode()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(GET, BEARER + b"\x01"), 400),
        (request(GET, BEARER + b"\0"), 400),
        (request(b"GET /" + ROOM.encode() * 1_000 + b" HTTP/1.1"), 400),
        (request(GET, b"X-Room: " + ROOM.encode() * 1_000), 400),
        (request(GET, ROOM.encode() * 1_000 + b": 1"), 400),
        (request(b"GE(T " + PATH.encode() + b" HTTP/1.1"), 400),
        (request(b"GET " + PATH.encode() + b"\x7f HTTP/1.1"), 400),
        (request(b"GET " + PATH.encode() + b" " + ROOM.encode()), 400),
        (request(GET, b"Content-Length: " + ROOM.encode()), 400),
        (request(GET, ROOM.encode()), 400),
        (request(PUT, BEARER, b"Transfer-Encoding: chunked", body=ROOM.encode() + b"\r\n"), 400),
        (request(PUT, BEARER, b"Transfer-Encoding: chunked",
                 body=b"1\r\n{\r\n" + ROOM.encode() + b"\r\n"), 400),
        (request(PUT, BEARER, b"Content-Encoding: gzip", b"Content-Length: 3", body=b"abc"), 400),
        (request(GET, b"Authorization: Bearer \xff\xfe\xfa"), 401),
        (request(b"POST /webhook HTTP/1.1", b"Authorization: Bearer \xff\xfe\xfa"), 401),
        (request(b"GET /v1/rooms/\xff/captions HTTP/1.1", BEARER), 400),
        (request(b"GET /v1/rooms/%ff/captions HTTP/1.1", BEARER), 403),
        (request(b"GET /v1/rooms/%ed%a0%80/captions HTTP/1.1", BEARER), 403),
        (request(b"GET http://[/v1 HTTP/1.1", BEARER), 400),
        (request(b"GET /" + ROOM.encode() + b" HTTP/1.1", b"Expect: " + ROOM.encode()), 417),
        (request(b"OPTIONS * HTTP/1.1"), 404),
        (request(GET.replace(b"captions", b"transcripts/%00.vtt"), BEARER), 400),
    ],
)  # fmt: skip
async def test_what_came_is_neither_logged_nor_repeated(
    sent: bytes, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logged:
        async with serving() as port:
            found, answer = await answered(port, sent)
        gc.collect()
    out = caplog.text + "".join(capfd.readouterr()) + repr(logged)
    assert found == status, answer
    assert b"application/problem+json" in answer
    for told in (out, answer.decode("utf-8", "replace")):
        assert ROOM not in told
        assert TOKEN[:40] not in told
        assert "Traceback" not in told
    assert not caplog.records
    assert [one["event"] for one in logged] in ([], ["request_failed"])


async def test_a_connection_that_is_cut_off_leaves_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    with capture_logs() as logged:
        async with serving():
            loop.call_exception_handler({"message": ROOM, "exception": ConnectionResetError(ROOM)})
    assert not caplog.records
    assert [one["error"] for one in logged] == ["ConnectionResetError"]
    assert ROOM not in repr(logged)
    assert loop.get_exception_handler() is None


def test_faults_are_logged_by_place_and_number_and_not_by_what_was_sent() -> None:
    now_s = 0.0
    faults = Faults(clock=lambda: now_s)
    with capture_logs() as logged:
        for _ in range(1_000):
            try:
                raise ValueError(ROOM)
            except ValueError as exc:
                faults.note(exc)
        now_s = AGAIN_S
        faults.note(None)
        faults.note(exc_of())
    assert [(one["error"], one["times"]) for one in logged] == [
        ("ValueError", 1), ("NoneType", 1), ("KeyError", 1),
    ]  # fmt: skip
    assert ROOM not in repr(logged)


def exc_of() -> KeyError:
    try:
        raise KeyError(ROOM)
    except KeyError as exc:
        return exc


async def test_a_token_that_cannot_be_one_counts_as_a_failed_attempt() -> None:
    async with serving() as port:
        sent = request(GET, b"Authorization: Bearer \xff\xfe\xfa")
        found = [(await answered(port, sent))[0] for _ in range(BURST * 2)]
        assert set(found) == {401, 429}


def unsigned(header: str) -> str:
    return base64.urlsafe_b64encode(header.encode()).decode().rstrip("=") + ".e30.AAAA"


@pytest.mark.parametrize(
    "header", ["[" * 5_000, "[]", "null", '{"alg":[]}', '{"alg":"HS256","crit":1}', '{"alg":{}}',
               '{"alg":"HS256","kid":7}', '{"alg":"HS256","b64":false}', '{"alg":1e400}']
)  # fmt: skip
async def test_no_header_of_a_token_breaks_the_service(header: str) -> None:
    async with serving() as port:
        assert (await answered(port, framed("GET", PATH, b"", token=unsigned(header))))[0] == 401


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"createdAt": float("inf")}, 400),
        ({"createdAt": float("nan")}, 400),
        ({"createdAt": 10**400}, 400),
        ({"createdAt": 10**300}, 409),
        ({"room": {"name": "class-\ud800"}}, 400),
        ({"room": {"name": "class", "metadata": "\ud800"}}, 400),
        ({"room": {"name": "class", "sid": "\ud800"}}, 400),
        ({"room": []}, 204),
        ({"room": [1]}, 400),
        ({"id": "\ud800"}, 400),
        ({"room": {"name": "over", "sid": "RM_9"}}, 204),
    ],
)
async def test_a_signed_webhook_that_makes_no_sense_is_refused(
    changed: dict[str, Any], status: int
) -> None:
    said = {"event": "room_started", "id": "EV", "createdAt": int(time.time()), "room": {}}
    body = json.dumps(said | changed).replace("Infinity", "1e400").encode()
    hashed = base64.b64encode(hashlib.sha256(body).digest()).decode()
    async with serving() as port:
        sent = framed("POST", "/webhook", body, token=webhook_token(hashed))
        assert (await answered(port, sent))[0] == status


async def test_a_hash_that_is_none_is_refused() -> None:
    async with serving() as port:
        sent = framed("POST", "/webhook", b"{}", token=webhook_token("\ud800"))
        assert (await answered(port, sent))[0] == 401


def webhook_token(hashed: str) -> str:
    return jwt.encode({"iss": KEY, "exp": 9_999_999_999, "sha256": hashed}, SECRET)


@pytest.mark.parametrize("line", [PUT, GET, b"POST /webhook HTTP/1.1"])
async def test_slow_strangers_take_nobodys_place(line: bytes) -> None:
    async with serving() as port:
        slow = []
        for _ in range(AT_ONCE + 30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(line, b"Content-Length: 20", body=b"{"))
            slow.append((reader, writer))
        statuses = {(await reader.readline()).split()[1] for reader, _ in slow}
        assert statuses == {b"401", b"429"}
        assert (await answered(port, framed("GET", PATH, b"")))[0] == 200
        for _, writer in slow:
            writer.close()


async def test_slow_admins_of_a_few_rooms_leave_places_for_others() -> None:
    async with serving() as port, asyncio.timeout(60):
        slow, statuses = [], set()
        for number in range(AT_ONCE):
            room = f"room-{number % 4}"
            bearer = b"Authorization: Bearer " + server_token(KEY, SECRET, room=room).encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            line = f"PUT /v1/rooms/{room}/captions HTTP/1.1".encode()
            writer.write(request(line, bearer, b"Content-Length: 20", body=b"{"))
            slow.append((reader, writer))
            if number >= AT_ONCE_IN_ROOM * 4:
                statuses.add((await reader.readline()).split()[1])
        assert statuses == {b"429"}
        assert (await answered(port, framed("GET", PATH, b"")))[0] == 200
        for _, writer in slow:
            writer.close()


@pytest.mark.parametrize("begun", [b"", GET, request(GET)[:-2]])
async def test_who_sends_no_request_is_cut_off_and_who_has_sent_one_is_not(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "HEAD_S", 0.2)
    async with serving() as port, asyncio.timeout(20):
        kept = await asyncio.open_connection("127.0.0.1", port)
        kept[1].write(request(GET, BEARER))
        await kept[0].readuntil(b"}")
        silent = await asyncio.open_connection("127.0.0.1", port)
        silent[1].write(begun)
        assert await silent[0].read() == b""
        kept[1].write(request(GET, BEARER))
        assert await kept[0].readuntil(b"}")
        for _, writer in (kept, silent):
            writer.close()


async def test_a_request_without_a_body_is_answered_before_its_body_comes() -> None:
    async with serving() as port:
        for method in ("GET", "DELETE"):
            sent = request(f"{method} {PATH} HTTP/1.1".encode(), BEARER, b"Content-Length: 20")
            async with asyncio.timeout(5):
                assert (await answered(port, sent))[0] < 300


@pytest.mark.parametrize("scheme", [b"bearer", b"BEARER"])
async def test_the_scheme_of_a_token_has_no_case(scheme: bytes) -> None:
    async with serving() as port:
        sent = request(GET, b"Authorization: " + scheme + b" " + TOKEN.encode())
        assert (await answered(port, sent))[0] == 200


async def test_a_chunked_body_is_bounded_while_it_comes() -> None:
    async with serving() as port:
        chunks = b"".join(b"1000\r\n" + b" " * 4_096 + b"\r\n" for _ in range(5))
        sent = request(PUT, BEARER, b"Transfer-Encoding: chunked", body=chunks)
        assert (await answered(port, sent))[0] == 413
