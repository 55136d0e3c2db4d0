"""A back end that is no LiveKit client has captions started, set and stopped, by HTTP."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from livekit import api, rtc

from captioner.api.routes import CALM_S
from captioner.demo.livekit_server import MediaServer, free_port
from captioner.room.tokens import participant_token, server_token
from captioner.worker.plan import AGENT_NAME
from eval.rooms.meeting import Meeting
from eval.rooms.testbed import WorkerProcess

pytestmark = pytest.mark.room

ROOM = "budget/été 2026"


@dataclass
class Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.body)
        return said


@dataclass
class Caller:
    """A back end."""

    url: str
    server: MediaServer

    async def __call__(
        self, method: str, path: str, body: object = None, *, token: str | None = None,
        room: str = ROOM,
    ) -> Reply:  # fmt: skip
        server = self.server
        token = server_token(server.key, server.secret, room=room) if token is None else token
        data = None if body is None else json.dumps(body).encode()
        address = f"/v1/rooms/{quote(room, safe='')}/{path}"
        return await self.raw(method, address, data, token=token)

    async def raw(
        self, method: str, path: str, data: bytes | None = None, *, token: str = "", **more: str
    ) -> Reply:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(
            self.url + path, data=data, method=method, headers=headers | more
        )
        return await asyncio.to_thread(_sent, request)

    async def state(self) -> str:
        return str((await self("GET", "captions")).json["state"])


def _sent(request: urllib.request.Request) -> Reply:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return Reply(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return Reply(refusal.code, refusal.read(), refusal.headers)


@contextlib.asynccontextmanager
async def serving(server: MediaServer, port: int, **settings: str) -> AsyncIterator[Caller]:
    """``captioner api`` in a process of its own."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("LIVEKIT_", "CAPTIONER_"))}
    facts = {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": server.key,
             "LIVEKIT_API_SECRET": server.secret}  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "captioner", "api", "--port", str(port),
        env=bare | facts | settings, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            said = ""
            while "Serving on" not in said:
                said = (await process.stderr.readline()).decode()
        yield Caller(said.split()[-1], server)
    finally:
        process.send_signal(signal.SIGTERM)
        left = (await process.stderr.read()).decode()
        await process.wait()
    assert "Traceback" not in left
    assert ROOM not in left


@contextlib.asynccontextmanager
async def worker_of(server: MediaServer, folder: Path, **settings: str) -> AsyncIterator[None]:
    worker = WorkerProcess(server, folder / "state", environment=settings)
    await worker.start()
    try:
        yield
    finally:
        await worker.stop()


@contextlib.asynccontextmanager
async def meeting_in(server: MediaServer, room: str = ROOM) -> AsyncIterator[Meeting]:
    meeting = Meeting(server, room)
    try:
        await meeting.begin()
        yield meeting
    finally:
        await meeting.end()


async def until_state(call: Caller, state: str) -> None:
    async with asyncio.timeout(120):
        while await call.state() != state:  # noqa: ASYNC110 (nothing would tell)
            await asyncio.sleep(0.3)


async def test_a_back_end_starts_sets_and_stops_captions_and_gets_what_was_kept(
    livekit_program: Path, tmp_path: Path
) -> None:
    kept = {"CAPTIONER_TRANSCRIPTS": str(tmp_path / "kept"), "CAPTIONER_TRANSCRIPT_NAME": "{room}"}
    async with (
        MediaServer(livekit_program) as server,
        worker_of(server, tmp_path, **kept),
        serving(server, 0, **kept) as call,
        serving(server, 0) as elsewhere,  # a machine that has no transcripts
    ):
        assert (await call("PUT", "captions")).status == 404
        async with meeting_in(server) as meeting:
            assert await call.state() == "none"
            assert (await call("PATCH", "captions", {"enabled": True})).status == 409
            assert (await call("PUT", "captions", {"recording": "r"})).json["dispatched"]
            assert (await call("PUT", "captions")).status == 200
            async with api.LiveKitAPI(server.url, server.key, server.secret) as client:
                dispatches = await client.agent_dispatch.list_dispatch(ROOM)
            assert [one.agent_name for one in dispatches if one.agent_name] == [AGENT_NAME]
            await meeting.captioned()
            await until_state(call, "on")

            changed = await call("PATCH", "captions", {"transcript": True})
            assert changed.json["transcript"], changed.body
            assert (await call("PATCH", "captions", {"language": "xx"})).status == 400
            unknown = await call("PATCH", "captions", {"engine": "nope"})
            assert unknown.status == 400
            assert "{" not in unknown.json["detail"], unknown.json
            nobody = await call("PUT", "speakers/nobody/language", {"language": "en"})
            assert nobody.status == 404, nobody.body
            spoken = await call("PUT", "speakers/anna/language", {"language": "en"})
            assert spoken.json == {"language": "en", "by": "host", "stored": True}

            [file] = (await call("GET", "transcripts")).json["transcripts"]
            assert file["running"]
            path = f"transcripts/{quote(file['file'])}"
            async with asyncio.timeout(60):
                while b"-->" not in (await call("GET", path)).body:  # noqa: ASYNC110 (nothing would tell)
                    await asyncio.sleep(1)
            assert (await elsewhere("GET", "transcripts")).json["transcripts"] == [file]
            assert (await elsewhere("GET", path)).body.startswith(b"WEBVTT")  # by the bot
            assert (await call("DELETE", path)).status == 409
            assert (await call("GET", path, room="other")).status == 404

            off = await call("PATCH", "captions", {"enabled": False})
            assert off.json["state"] == "off"
            await meeting.until(lambda: meeting.states() == ["off"])
            assert (await call("DELETE", "captions")).status == 204
            await meeting.until(lambda: not meeting.bots())
            assert await call.state() == "none"
        text = await call("GET", path)
        assert text.headers["Content-Type"] == "text/vtt; charset=utf-8"
        assert (await elsewhere("GET", path)).status == 404
        assert (await call("DELETE", path)).status == 204
        assert (await call("GET", "transcripts")).json["transcripts"] == []
        assert not list((tmp_path / "kept").glob("budget*"))


async def test_who_may_not_ask_is_told_why(livekit_program: Path) -> None:
    async with MediaServer(livekit_program) as server, serving(server, 0) as call:
        key, secret = server.key, server.secret
        host = participant_token(key, secret, room=ROOM, identity="anna", host=True)
        for token, status in (
            ("", 401),
            ("nonsense", 401),
            (server_token(key, "x" * 32, room=ROOM), 401),
            (jwt.encode({"iss": key, "exp": 1, "video": {"roomAdmin": True}}, secret), 401),
            (server_token(key, secret, room="another"), 403),
            (host, 403),
        ):
            refused = await call("GET", "captions", token=token)
            assert refused.status == status, refused.body
            assert refused.json["detail"]
            assert refused.headers["Content-Type"].startswith("application/problem+json")
        assert (await call("GET", "captions")).status == 404
        assert (await call("PATCH", "captions", {"enabled": "yes"})).status == 400
        assert (await call("PUT", "captions", {"recording": "r" * 20_000})).status == 413
        assert (await call("POST", "captions")).status == 405
        traversal = await call("GET", f"transcripts/{quote('../../etc/passwd', safe='')}")
        assert traversal.status == 404
        refusals = [await call("GET", "captions") for _ in range(60)]
        [limited, *_] = [one for one in refusals if one.status == 429]
        assert limited.headers["Retry-After"] == str(CALM_S)


async def test_pages_of_other_sites_may_ask_only_if_the_operator_names_them(
    livekit_program: Path,
) -> None:
    async with MediaServer(livekit_program) as server, serving(server, 0) as call:
        answer = await call.raw("GET", "/openapi.json", Origin="https://elsewhere.example")
        assert "Access-Control-Allow-Origin" not in answer.headers
        paths = answer.json["paths"]
        assert set(paths["/v1/rooms/{room}/captions"]) == {"get", "put", "delete", "patch"}


async def test_the_media_servers_webhooks_start_captions_and_nobody_elses_do(
    livekit_program: Path, tmp_path: Path
) -> None:
    port = free_port()
    server = MediaServer(livekit_program, webhook=f"http://127.0.0.1:{port}/webhook")
    async with (
        server,
        worker_of(server, tmp_path),
        serving(server, port, CAPTIONER_START="class-*") as call,
    ):
        async with meeting_in(server, "other"), meeting_in(server, "class-1") as meeting:
            await meeting.captioned()
            assert (await call("GET", "captions", room="other")).json["state"] == "none"
            assert (await call("DELETE", "captions", room="class-1")).status == 204
            await meeting.until(lambda: not meeting.bots())
            await _somebody_joins(server, "class-1")  # which the media server tells
            body, token = _event(server, "EV_1", "class-1")
            assert (await call.raw("POST", "/webhook", body, token=token)).status == 204
            assert not (await call("GET", "captions", room="class-1")).json["dispatched"]
        assert (await call.raw("POST", "/webhook", body, token=token)).status == 409
        assert (await call.raw("POST", "/webhook", body + b" ", token=token)).status == 401
        assert (await call.raw("POST", "/webhook", body)).status == 401
        for name in ("class-over", "class-" + "x" * 400, "class-\0"):
            body, token = _event(server, f"EV_{name}", name)
            assert (await call.raw("POST", "/webhook", body, token=token)).status == 204
        old, token = _event(server, "EV_2", "class-3", created_s=1_000_000)
        assert (await call.raw("POST", "/webhook", old, token=token)).status == 409


async def test_a_room_that_began_while_the_service_was_away_gets_its_captions(
    livekit_program: Path, tmp_path: Path
) -> None:
    async with (
        MediaServer(livekit_program) as server,
        worker_of(server, tmp_path),
        meeting_in(server, "exam") as meeting,
    ):
        async with api.LiveKitAPI(server.url, server.key, server.secret) as client:
            await client.room.update_room_metadata(
                api.UpdateRoomMetadataRequest(room="exam", metadata='{"captions": true}')
            )
        async with serving(server, 0):
            await meeting.captioned()
        async with serving(server, 0) as call:  # it starts anew, and knows nothing
            assert (await call("GET", "captions", room="exam")).json["state"] == "on"


async def _somebody_joins(server: MediaServer, room: str) -> None:
    one = rtc.Room()
    token = participant_token(server.key, server.secret, room=room, identity="late")
    await one.connect(server.url, token)
    await one.disconnect()


def _event(
    server: MediaServer, number: str, room: str, *, created_s: int | None = None
) -> tuple[bytes, str]:
    created_s = int(time.time()) if created_s is None else created_s
    said = {"event": "room_started", "id": number, "createdAt": str(created_s),
            "room": {"name": room, "sid": f"RM_{number}"}}  # fmt: skip
    body = json.dumps(said).encode()
    hashed = base64.b64encode(hashlib.sha256(body).digest()).decode()
    claims = {"iss": server.key, "exp": int(time.time()) + 300, "sha256": hashed}
    return body, jwt.encode(claims, server.secret)
