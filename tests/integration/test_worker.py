"""The worker, dispatched by a real media server as La Suite Meet does it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result
from livekit import api, rtc

from captioner.audio_file import read_chunks
from captioner.commands.main import main
from captioner.demo.demo import bundled_recording
from captioner.demo.livekit_server import MediaServer
from captioner.demo.sound_publisher import SoundPublisher
from captioner.log import hashed
from captioner.room.tokens import participant_token
from captioner.worker.bot_process import CLOSED_EARLY, is_crash
from eval.rooms.testbed import WorkerProcess

pytestmark = pytest.mark.room

ROOM = "meet"
AGENT = "multi-user-transcriber"
START_S = 120


@contextlib.asynccontextmanager
async def worker_for(server: MediaServer, state: Path) -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(server, state, drain_s=1)
    try:
        await worker.start()
        yield worker
    finally:
        await worker.stop()


async def logged(worker: WorkerProcess, event: str, times: int = 1) -> None:
    await worker.until(lambda: worker.count(event) >= times, timeout_s=START_S)


class Page:
    """What a page of La Suite Meet sees of the subtitles."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.segments: list[tuple[str, str, bool]] = []
        self._more = asyncio.Event()
        for event in ("participant_connected", "participant_disconnected"):
            self.room.on(event, lambda *_: self._more.set())
        self.room.on("participant_attributes_changed", lambda *_: self._more.set())
        self.room.on("transcription_received", self._received)

    def _received(self, segments: list[Any], _who: Any, _track: Any) -> None:
        self.segments += [(one.id, one.text, one.final) for one in segments]
        self._more.set()

    def bots(self) -> list[rtc.RemoteParticipant]:
        agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        return [p for p in self.room.remote_participants.values() if p.kind == agent]

    async def until(self, seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(START_S):
            while not seen():
                self._more.clear()
                await self._more.wait()


@contextlib.asynccontextmanager
async def page_in(server: MediaServer) -> AsyncIterator[Page]:
    page = Page()
    token = participant_token(server.key, server.secret, room=ROOM, identity="page")
    await page.room.connect(server.url, token, rtc.RoomOptions(auto_subscribe=False))
    yield page
    await page.room.disconnect()


@contextlib.asynccontextmanager
async def reading_aloud(server: MediaServer) -> AsyncIterator[None]:
    speaker = SoundPublisher()
    token = participant_token(server.key, server.secret, room=ROOM, identity="anna", name="Anna")
    await speaker.join(server.url, token)
    playing = asyncio.create_task(speaker.play(read_chunks(bundled_recording(), rate=48_000)))
    try:
        yield
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
        await speaker.leave()


async def dispatch(server: MediaServer) -> str:
    async with api.LiveKitAPI(server.url, server.key, server.secret) as client:
        made = await client.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=AGENT, room=ROOM)
        )
        return str(made.id)


async def recall(server: MediaServer, made: str) -> None:
    async with api.LiveKitAPI(server.url, server.key, server.secret) as client:
        await client.agent_dispatch.delete_dispatch(made, ROOM)


async def test_a_dispatched_worker_sends_settled_phrases_and_leaves_when_it_is_recalled(
    media_server: MediaServer, tmp_path: Path
) -> None:
    async with worker_for(media_server, tmp_path) as worker, page_in(media_server) as page:
        made = await dispatch(media_server)
        await page.until(lambda: bool(page.bots()))
        async with reading_aloud(media_server):
            await page.until(lambda: len(page.segments) >= 3)
        assert all(final for *_, final in page.segments)
        assert len({name for name, *_ in page.segments}) == len(page.segments)
        assert page.bots()[0].attributes["captions.state"] == "on"  # nobody said hello
        assert await worker.metric("captioner_segments_total") >= len(page.segments)
        assert await worker.metric("captioner_worker_rooms") == 1
        assert await worker.health() == 200
        await recall(media_server, made)
        await page.until(lambda: not page.bots())
        await logged(worker, "bot_ended")
        log = json.dumps(list(worker.events))
        assert ROOM not in log
        room = hashed(ROOM, media_server.secret)
        about_rooms = [one for one in worker.events if not one["event"].startswith("worker_")]
        assert {(one["room"], one["job"]) for one in about_rooms} == {(room, made)}
        assert not any(text in log for _, text, _ in page.segments)


async def examined(server: MediaServer, agent: str = AGENT) -> Result:
    """What the doctor says."""
    facts = {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": server.key}
    environment = facts | {"LIVEKIT_API_SECRET": server.secret}
    call = functools.partial(CliRunner().invoke, main, env=environment)
    wait_s = "60" if agent == AGENT else "1"
    return await asyncio.to_thread(call, ["doctor", "--agent-name", agent, "--wait", wait_s])


async def test_a_worker_is_healthy_while_the_media_server_has_it_and_the_doctor_sees_more(
    livekit_program: Path, tmp_path: Path
) -> None:
    async with MediaServer(livekit_program) as server, worker_for(server, tmp_path) as worker:
        assert await worker.health() == 200
        well = await examined(server)
        assert "ok   captions" in well.output
        assert "words of the sentence" in well.output
        assert "does `captioner worker` run" in (await examined(server, "another")).output
        await server.stop()
        await logged(worker, "worker_disconnected")
        assert await worker.health() == 503
        ill = await examined(server)
        assert ill.output.startswith("BAD  joining")
        assert ill.exit_code == 1
        await server.start()
        await logged(worker, "worker_registered", 2)
        assert await worker.health() == 200


async def test_a_bot_that_is_killed_is_started_anew_and_sigterm_ends_all(
    media_server: MediaServer, tmp_path: Path
) -> None:
    async with worker_for(media_server, tmp_path) as worker, page_in(media_server) as page:
        await dispatch(media_server)
        await page.until(lambda: bool(page.bots()))
        await logged(worker, "joined")
        before = worker.bots()
        others = [
            connection.raddr.ip
            for process in (psutil.Process(worker.process.pid), *before)
            for connection in process.net_connections()
            if connection.raddr
        ]
        listening = {
            connection.laddr.ip
            for process in worker.family()
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening <= {"127.0.0.1"}
        assert set(others) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}  # nobody else is called
        before[0].kill()
        await logged(worker, "joined", 2)
        await dispatch(media_server)  # a second one for the same room
        assert await worker.stop() == 0
        await page.until(lambda: not page.bots())
        assert worker.count("bot_started") == 2
        assert not before[0].is_running()


def test_a_bot_that_fails_by_a_bug_is_started_anew_and_one_that_says_why_is_not() -> None:
    broken = """
from captioner.commands import main
@main.main.command("broken")
def broken():
    raise KeyError("a bug")
main.program()
"""
    for command, again in (("broken", True), ("run", False)):
        bare = {k: v for k, v in os.environ.items() if not k.startswith(("LIVEKIT_", "CAPTIONER_"))}
        arguments = [sys.executable, "-c", broken, command]
        ended = subprocess.run(arguments, env=bare, capture_output=True, text=True, check=False)
        assert ("Traceback" in ended.stderr) is again
        assert is_crash(ended.returncode) is again
    assert is_crash(-signal.SIGKILL)
    assert is_crash(CLOSED_EARLY)
    assert not is_crash(0)


def test_a_worker_that_cannot_reach_its_server_says_so() -> None:
    facts = {"LIVEKIT_URL": "ws://127.0.0.1:9", "LIVEKIT_API_KEY": "k"}
    made = CliRunner().invoke(main, ["worker"], env=facts | {"LIVEKIT_API_SECRET": "s" * 32})
    assert made.exit_code == 1
    assert "nothing answers at ws://127.0.0.1:9" in made.stderr
