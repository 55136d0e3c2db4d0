"""Asks the media server which rooms there are, who is in them, and what was dispatched.

Every call is bounded in time, and counted. Foreign exceptions end here.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
from livekit import api
from livekit.api.twirp_client import TwirpClient
from livekit.protocol import models
from livekit.protocol.room import PerformRpcRequest, PerformRpcResponse

from captioner import metrics
from captioner.contract_requests import HELLO
from captioner.errors import InvalidRequest, RequestCode, RoomUnavailable
from captioner.room.tokens import server_token
from captioner.worker.facts import CLAIM, Bot, Dispatch, Facts, Listed

CALL_S = 3.0
ANSWER_MS = 1_500
"""A bot that lives answers a call in a fraction of this."""

ASK_MS = 12_000
"""A bot may have to load another engine before it answers."""

WAITING_TOPIC = "captions.waiting"

_OLD_SERVER = "bad_route", "unimplemented"
_SILENT = 1401, 1501, 1502, 1503
"""LiveKit's codes of a call that nobody answered: no such participant, no connection, too late,
gone."""

_SAID = re.compile(r"(?:.*: )?RpcError (\d+): ?(.*?)(?:: \{\".*\})?", re.DOTALL)
"""The code, and the sentence without the JSON by which pages show it."""

_OURS = frozenset(RequestCode)

Answer = TypeVar("Answer")


class MediaServerApi:
    """``async with``. Raises RoomUnavailable where the media server does not answer."""

    def __init__(self, url: str, key: str, secret: str) -> None:
        self._key, self._secret, self._url = key, secret, url

    async def __aenter__(self) -> Self:
        # A proxy and certificates are the environment's to name, as for every program.
        timeout = aiohttp.ClientTimeout(total=CALL_S)
        self._session = aiohttp.ClientSession(timeout=timeout, trust_env=True)
        self._client = api.LiveKitAPI(self._url, self._key, self._secret, session=self._session)
        self._twirp = TwirpClient(self._session, self._url, "livekit")
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _exc: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def rooms(self, names: Sequence[str] | None = None) -> list[Listed]:
        """Every room, or those of ``names`` that there are."""
        found = await _called(self._client.room.list_rooms(api.ListRoomsRequest(names=names)))
        return [
            Listed(room.name, room.sid, room.num_participants, room.metadata)
            for room in found.rooms
        ]

    async def look(self, room: str) -> Facts:
        """Who is there, and, if no bot stays, what was dispatched."""
        facts = await self.people(room)
        bots = [replace(bot, answers=await self.answers(room, bot.identity)) for bot in facts.bots]
        if any(bot.stays for bot in bots):
            return Facts(room, facts.people, bots)
        return Facts(room, facts.people, bots, await self.dispatches(room))

    async def people(self, room: str) -> Facts:
        """Who is there and is seen by the others: who is hidden says nothing."""
        there = await self._participants(room)
        people = sum(p.kind not in _MACHINES and not p.permission.hidden for p in there)
        bots = [p for p in there if p.kind == _AGENT and "captions.session" in p.attributes]
        return Facts(room, people, [Bot(p.identity, True, p.attributes) for p in bots])

    async def identities(self, room: str) -> set[str]:
        """Those of who is there."""
        return {one.identity for one in await self._participants(room)}

    async def _participants(self, room: str) -> list[models.ParticipantInfo]:
        request = api.ListParticipantsRequest(room=room)
        found = await _called(self._client.room.list_participants(request))
        return [p for p in found.participants if p.state != models.ParticipantInfo.DISCONNECTED]

    async def answers(self, room: str, identity: str) -> bool:
        """Whether the bot answers a call: here one that it refuses, and that changes nothing."""
        try:
            await self._perform(room, identity, HELLO, "", ANSWER_MS)
        except api.TwirpError as exc:
            # An older server cannot ask: then the bots that it lists count as alive.
            said = _SAID.fullmatch(exc.message)
            return int(said[1]) not in _SILENT if said else exc.code in _OLD_SERVER
        except (aiohttp.ClientError, TimeoutError):
            return False
        return True

    async def ask(self, room: str, identity: str, method: str, payload: str) -> str:
        """What the bot answers. Raises InvalidRequest if it refuses."""
        try:
            with _named():
                return await self._perform(room, identity, method, payload, ASK_MS)
        except RoomUnavailable as exc:
            refused = exc.__cause__
            said = _SAID.fullmatch(refused.message) if isinstance(refused, api.TwirpError) else None
            if said and int(said[1]) in _OURS:
                raise InvalidRequest(said[2], code=RequestCode(int(said[1]))) from exc
            raise

    async def _perform(
        self, room: str, identity: str, method: str, payload: str, answer_ms: int
    ) -> str:
        request = PerformRpcRequest(
            room=room, destination_identity=identity, method=method, payload=payload,
            response_timeout_ms=answer_ms,
        )  # fmt: skip
        token = server_token(self._key, self._secret, room=room)
        metrics.WORKER_CALLS.inc()
        # The package has no method for this call yet.
        answer: PerformRpcResponse = await self._twirp.request(
            "RoomService", "PerformRpc", request, {"Authorization": f"Bearer {token}"},
            PerformRpcResponse, timeout=aiohttp.ClientTimeout(total=answer_ms / 1000 + CALL_S),
        )  # fmt: skip
        return str(answer.payload)

    async def dispatches(self, room: str) -> list[Dispatch]:
        """What was dispatched to the room, claims included."""
        found = await _called(self._client.agent_dispatch.list_dispatch(room))
        return [_dispatch(one) for one in found]

    async def claim(self, room: str, worker: str) -> Dispatch:
        """Say to the other workers that this one is about to caption the room."""
        return await self.dispatch(room, CLAIM, metadata=worker)

    async def dispatch(self, room: str, agent: str, *, metadata: str = "") -> Dispatch:
        """Ask for a worker of that name."""
        request = api.CreateAgentDispatchRequest(agent_name=agent, room=room, metadata=metadata)
        return _dispatch(await _called(self._client.agent_dispatch.create_dispatch(request)))

    async def close_room(self, room: str) -> None:
        """Send everybody out."""
        await _called(self._client.room.delete_room(api.DeleteRoomRequest(room=room)))

    async def say_waiting(self, room: str) -> None:
        """Let the pages in the room know that it waits for a recogniser."""
        request = api.SendDataRequest(
            room=room, data=b"{}", kind=models.DataPacket.RELIABLE, topic=WAITING_TOPIC
        )
        await _called(self._client.room.send_data(request))

    async def delete(self, room: str, dispatch: str) -> None:
        """Recall a dispatch; one that is gone is no fault."""
        with contextlib.suppress(RoomUnavailable):
            await _called(self._client.agent_dispatch.delete_dispatch(dispatch, room))


async def _called(call: Awaitable[Answer]) -> Answer:
    metrics.WORKER_CALLS.inc()
    with _named():
        async with asyncio.timeout(CALL_S):
            return await call


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except api.TwirpError as exc:
        raise RoomUnavailable(f"the media server refuses ({exc.code})") from exc
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
        raise RoomUnavailable(f"the media server does not answer ({type(exc).__name__})") from exc


def _dispatch(one: api.AgentDispatch) -> Dispatch:
    given = [job.state.started_at for job in one.state.jobs]
    return Dispatch(
        one.id,
        one.agent_name,
        one.state.created_at // 1_000_000,
        max(given) // 1_000_000 if given else None,
        one.metadata,
    )


_AGENT = models.ParticipantInfo.AGENT
_MACHINES = (_AGENT, models.ParticipantInfo.EGRESS)
