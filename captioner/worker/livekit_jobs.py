"""Jobs as a LiveKit server gives them to workers: offered, taken or not, assigned, ended.

LiveKit's own job dispatch spreads the rooms. This speaks its protocol, version 1 (a websocket at
/agent; livekit_agent.proto), and not through livekit-agents, whose job ends with its process and
its participant: here a room keeps its captions while bots come and go.

The only file that imports livekit.protocol.agent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import structlog
from livekit.protocol import agent, models
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from captioner import metrics
from captioner.room.tokens import worker_token
from streaming.backoff import Backoff

log = structlog.get_logger()

STATUS_S = 2.5
"""So often the server is told how busy this worker is."""

ASSIGN_S = 10.0
"""So long the server may take from our yes to its assignment."""

LOAD_FULL = 0.69
"""The load that is told when every slot is taken.

From 0.7 on the server offers nothing; but a full worker wants to hear of the rooms that wait.
"""


@dataclass(frozen=True, slots=True)
class Job:
    """A room to be captioned. given_ms: by the server's clock."""

    id: str
    room: str
    dispatch: str
    metadata: str
    given_ms: int


class Reply(Enum):
    """What to say to an offer that is not taken."""

    FULL = auto()  # another worker may take it
    HANDLED = auto()  # there is a bot in the room


class Employer(Protocol):
    """Whoever decides about jobs; all of it is quick."""

    def offered(self, job: Job) -> str | Reply:
        """Take it, as this participant; a slot is kept for it from now on."""
        ...

    def assigned(self, job: Job) -> None:
        """It is ours."""
        ...

    def missed(self, job: Job) -> None:
        """It was taken, and is not ours after all."""
        ...

    def ended(self, job: str) -> None:
        """The server ended it: the dispatch was deleted, or its participant has left."""
        ...

    def registered(self) -> None:
        """The server knows us (again); jobs of before are not known to it any more."""
        ...

    def load(self) -> tuple[float, int, bool]:
        """(share of the slots that is taken, jobs, whether jobs are wanted at all)."""
        ...


class Jobs:
    """One worker's connection to the server."""

    def __init__(
        self, url: str, key: str, secret: str, agent_name: str, employer: Employer
    ) -> None:
        scheme = url.replace("http", "ws", 1) if url.startswith("http") else url
        self._url = f"{scheme.rstrip('/')}/agent"
        self._key, self._secret, self._agent_name = key, secret, agent_name
        self._employer = employer
        self._socket: ClientConnection | None = None
        self._taken: dict[str, tuple[Job, asyncio.TimerHandle]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Whether jobs can come."""
        return self._socket is not None

    async def run(self) -> None:
        """Until cancelled. A lost connection is taken up again, however long that takes."""
        backoff = Backoff(first_s=0.5)
        while True:
            try:
                await self._stay(backoff)
            except (OSError, TimeoutError, WebSocketException) as exc:
                if isinstance(exc, InvalidURI):
                    raise
                refused = isinstance(exc, InvalidHandshake)
                log.warning("worker_disconnected", reason=type(exc).__name__, refused=refused)
            await asyncio.sleep(backoff.next_s())

    def tell_load(self) -> None:
        """Tell the server at once how busy this worker is."""
        load, jobs, wants = self._employer.load()
        status = agent.WorkerStatus.WS_AVAILABLE if wants else agent.WorkerStatus.WS_FULL
        update = agent.UpdateWorkerStatus(load=load * LOAD_FULL, status=status, job_count=jobs)
        self._send(agent.WorkerMessage(update_worker=update))

    def finish(self, job: str) -> None:
        """The server may forget the job."""
        update = agent.UpdateJobStatus(job_id=job, status=agent.JobStatus.JS_SUCCESS)
        self._send(agent.WorkerMessage(update_job=update))

    async def _stay(self, backoff: Backoff) -> None:
        headers = {"Authorization": f"Bearer {worker_token(self._key, self._secret)}"}
        async with connect(self._url, additional_headers=headers) as socket:
            await socket.send(_registration(self._agent_name).SerializeToString())
            self._socket = socket
            metrics.CONNECTED.set(1)
            telling = asyncio.create_task(self._tell())
            try:
                async for message in socket:
                    if isinstance(message, bytes):
                        said = agent.ServerMessage.FromString(message)
                        if said.HasField("register"):
                            backoff.reset()
                        self._receive(said)
            finally:
                self._socket = None
                metrics.CONNECTED.set(0)
                telling.cancel()
                for job, timer in self._taken.values():
                    timer.cancel()
                    self._employer.missed(job)
                self._taken.clear()

    async def _tell(self) -> None:
        while True:
            self.tell_load()
            await asyncio.sleep(STATUS_S)

    def _receive(self, message: agent.ServerMessage) -> None:
        match message.WhichOneof("message"):
            case "register":
                self._employer.registered()
            case "availability":
                self._offer(message.availability.job)
            case "assignment" if taken := self._taken.pop(message.assignment.job.id, None):
                taken[1].cancel()
                self._employer.assigned(taken[0])
            case "termination":
                self._employer.ended(message.termination.job_id)

    def _offer(self, offered: agent.Job) -> None:
        given_ms = offered.state.started_at // 1_000_000
        job = Job(
            offered.id, offered.room.name, offered.dispatch_id, offered.metadata, given_ms
        )  # fmt: skip
        reply = self._employer.offered(job)
        answer = agent.AvailabilityResponse(job_id=job.id)
        if isinstance(reply, Reply):
            answer.terminate = reply is Reply.HANDLED
        else:
            answer.available = True
            answer.participant_identity = reply
            timer = asyncio.get_running_loop().call_later(ASSIGN_S, self._missed, job.id)
            self._taken[job.id] = job, timer
        self._send(agent.WorkerMessage(availability=answer))
        self.tell_load()

    def _missed(self, job: str) -> None:
        if taken := self._taken.pop(job, None):
            self._employer.missed(taken[0])

    def _send(self, message: agent.WorkerMessage) -> None:
        """In order, without a wait; nothing while there is no connection."""
        if socket := self._socket:
            sending = asyncio.ensure_future(_send(socket, message.SerializeToString()))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)


async def _send(socket: ClientConnection, message: bytes) -> None:
    try:
        await socket.send(message)
    except WebSocketException:
        return  # the reader finds out too, and connects again


def _registration(agent_name: str) -> agent.WorkerMessage:
    permissions = models.ParticipantPermission(
        can_subscribe=True, can_publish_data=True, can_update_metadata=True, agent=True
    )
    register = agent.RegisterWorkerRequest(
        type=agent.JobType.JT_ROOM, agent_name=agent_name, allowed_permissions=permissions
    )
    return agent.WorkerMessage(register=register)
