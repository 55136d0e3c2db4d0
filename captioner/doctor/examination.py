"""One visit to a room: join, let a bot be sent, speak, read, leave."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from captioner.doctor.diagnosis import Seen
from captioner.doctor.visitor import Visitor, joined
from captioner.errors import RoomUnavailable
from captioner.room.tokens import participant_token
from captioner.worker.livekit_api import MediaServerApi
from streaming.audio import Pcm

JOIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Visit:
    """Where to go. room: one that has a bot; "" for a room of our own, which is dispatched to.

    agent_name: what the workers listen to. patience_s: how long to wait for a bot.
    """

    url: str
    key: str
    secret: str = field(repr=False)
    room: str = ""
    agent_name: str = ""
    patience_s: float = 45.0


async def examine(visit: Visit, chunks: Iterable[Pcm], spoken: str) -> Seen:
    """What a participant sees who says ``spoken``. Raises RoomUnavailable or NotAllowed."""
    seen = Seen(spoken=spoken)
    async with _room(visit) as (room, agents):
        visitor = Visitor(seen)
        token = participant_token(
            visit.key, visit.secret, room=room, identity=f"doctor-{secrets.token_hex(4)}",
            name="Captions check",
        )  # fmt: skip
        await joined(visitor, visit.url, token, JOIN_S)
        try:
            if agents is not None:
                await agents.dispatch(room, visit.agent_name)
            if (bot := await visitor.meet(visit.patience_s)) is not None:
                await visitor.greet(bot)
                if seen.answer_s is not None:
                    await visitor.speak(chunks)
        finally:
            await visitor.leave()
    return seen


@asynccontextmanager
async def _room(visit: Visit) -> AsyncIterator[tuple[str, MediaServerApi | None]]:
    """The room's name, and what sends bots to it if it is our own; that is closed in the end."""
    if visit.room:
        yield visit.room, None
        return
    room = f"captions-doctor-{secrets.token_hex(6)}"
    async with MediaServerApi(visit.url, visit.key, visit.secret) as agents:
        try:
            yield room, agents
        finally:
            with contextlib.suppress(RoomUnavailable):  # it ends by itself
                await agents.close_room(room)
