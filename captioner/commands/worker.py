"""A worker that takes jobs from a LiveKit server: one room each, a bot's process each.

livekit-agents (extra ``worker``) is the only thing that knows of jobs; the bot is the same as
``captioner run``'s, in a process of its own: one that crashes takes no other room down and is
started anew, and one whose worker is killed goes on until its meeting is over.

The only file that imports livekit.agents.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from captioner import metrics
from streaming.backoff import Backoff

# Before the import: nothing of a meeting is traced, or uploaded anywhere.
os.environ["OTEL_SDK_DISABLED"] = "true"
os.environ.pop("LIVEKIT_OBSERVABILITY_URL", None)

from livekit import agents

log = structlog.get_logger()

AGENT_NAME = "multi-user-transcriber"
"""What La Suite Meet asks for."""

RESTARTS_MAX = 10
"""Of one room's bot: what kills it so often would kill the next one too."""

IDLE_MAX = 4
METADATA_MAX = 10_000
RECORDING_MAX = 200


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker does. rooms: at once. drain_s: so long meetings may go on after SIGTERM.

    environment: of the bots. health_port: None for one that only this machine sees.
    """

    url: str
    key: str
    secret: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    agent_name: str = AGENT_NAME
    rooms: int = 4
    drain_s: int = 3_600
    health_port: int | None = None


class Worker:
    """Registered with one LiveKit server for as long as ``run`` runs."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._told = asyncio.Event()
        self._told_twice = asyncio.Event()

    def stop(self) -> None:
        """Take no more rooms, let those that are go on for ``drain_s``. Again: end them now."""
        if self._told.is_set():
            self._told_twice.set()
        self._told.set()

    async def run(self) -> None:
        """Until ``stop``. A lost connection to the server is taken up again, however long."""
        server = self._server()
        running = asyncio.create_task(server.run())
        told = asyncio.create_task(self._told.wait())
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if running.done():
            running.result()
            return
        await self._drain(server)
        await server.aclose()
        await running

    async def _drain(self, server: agents.AgentServer) -> None:
        log.info("worker_draining", rooms=len(server.active_jobs))
        draining = asyncio.create_task(server.drain(timeout=None))
        now = asyncio.create_task(self._told_twice.wait())
        tasks = {draining, now}
        await asyncio.wait(tasks, timeout=self._plan.drain_s, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    def _server(self) -> agents.AgentServer:
        plan = self._plan
        server = agents.AgentServer(
            # A job's thread does no more than watch a process.
            job_executor_type=agents.JobExecutorType.THREAD,
            num_idle_processes=min(plan.rooms, IDLE_MAX),
            load_fnc=lambda worker: len(worker.active_jobs) / plan.rooms,
            load_threshold=1.0,
            max_retry=sys.maxsize,
            permissions=agents.WorkerPermissions(can_publish=False, hidden=False),
            ws_url=plan.url,
            api_key=plan.key,
            api_secret=plan.secret,
            host="127.0.0.1" if plan.health_port is None else "",
            port=plan.health_port or 0,
        )

        async def consider(request: agents.JobRequest) -> None:
            if any(job.job.room.sid == request.room.sid for job in server.active_jobs):
                await request.reject()  # there is a bot in this room already
            else:
                await request.accept(identity=f"captions-{uuid.uuid4().hex[:8]}", name="Captions")

        server.rtc_session(self._begin, agent_name=plan.agent_name, on_request=consider)
        server.on("worker_registered", lambda *_: log.info("worker_registered"))
        return server

    async def _begin(self, context: agents.JobContext) -> None:
        """One job, in a thread and an event loop of its own."""
        bot = _BotProcess(self._plan, context)
        running = asyncio.create_task(bot.run())
        running.add_done_callback(lambda _: context.shutdown("the bot has left"))

        async def stop(_reason: str) -> None:
            bot.stop()
            await running

        context.add_shutdown_callback(stop)


class _BotProcess:
    """``captioner run`` for one job; started anew if something kills it, a bug included."""

    def __init__(self, plan: WorkerPlan, context: agents.JobContext) -> None:
        # In the environment: everybody on the machine can read a command line.
        self._environment = dict(plan.environment) | {
            "LIVEKIT_URL": plan.url,
            "LIVEKIT_API_KEY": plan.key,
            "LIVEKIT_API_SECRET": plan.secret,
            "CAPTIONER_ROOM": context.job.room.name,
            "CAPTIONER_IDENTITY": context.token_claims().identity,
            "CAPTIONER_RECORDING": recording_of(context.job.metadata),
        }
        self._log = log.bind(job=context.job.id)
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self) -> None:
        """Until the bot has left by itself, was stopped, or was killed too often."""
        backoff = Backoff()
        with metrics.ROOMS.track_inprogress():
            for _ in range(RESTARTS_MAX):
                code = await self._once()
                if self._stopping or not is_crash(code):
                    return
                metrics.BOTS_KILLED.inc()
                await asyncio.sleep(backoff.next_s())
            self._log.error("bot_given_up", restarts=RESTARTS_MAX)

    def stop(self) -> None:
        """Let it say its last words, and leave."""
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    async def _once(self) -> int:
        self._log.info("bot_started")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "captioner", "run",
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C is for the worker, which then ends it in order
        )  # fmt: skip
        if self._stopping:
            self.stop()
        code = await self._process.wait()
        self._log.info("bot_ended", code=code)
        return code


def is_crash(code: int) -> bool:
    """Whether a bot that ended with ``code`` was killed, or failed by a bug: not by itself."""
    return code < 0 or code == os.EX_SOFTWARE


def recording_of(metadata: str) -> str:
    """The recording's name in a dispatch's metadata, ``{"recording": "…"}``; "" if none is said."""
    try:
        found = json.loads(metadata[:METADATA_MAX] or "{}")
    except (ValueError, RecursionError):
        return ""
    name = found.get("recording") if isinstance(found, dict) else None
    return name[:RECORDING_MAX] if isinstance(name, str) else ""


def bot_environment(environment: Mapping[str, str], **said: str) -> dict[str, str]:
    """What the bots of a worker get: everybody counts as a reader, settled phrases as legacy
    packets, unless ``environment`` says otherwise. said: by the command line.

    The port of the metrics is the worker's own.
    """
    defaults = {"CAPTIONER_WANT": "always", "CAPTIONER_LEGACY": "final"}
    merged = defaults | dict(environment) | said
    merged.pop("CAPTIONER_METRICS_PORT", None)
    return merged
