"""Of two caption bots in a room the one that joined earlier stays."""

from __future__ import annotations

import structlog

from captioner.contract_attributes import ANY, SUCCESSOR
from captioner.contract_requests import HELLO, answers_hello
from captioner.errors import NotAllowed
from captioner.room.protocol import Kind, Person, Room

log = structlog.get_logger()


class Rivals:
    """The other bots. dead: sids of those that do not count, though the room has them yet."""

    def __init__(self) -> None:
        self.dead: set[str] = set()

    async def yield_to(self, room: Room) -> None:
        """Raises NotAllowed if an earlier one lives."""
        me = (room.me.joined_ms, room.me.sid)
        for bot in caption_bots(room):
            if bot.sid in self.dead or (bot.joined_ms, bot.sid) > me:
                continue
            answer = await room.call(bot.identity, HELLO, '{"v":1,"want":false}')
            if not answers_hello(answer, session=bot.attributes["captions.session"]):
                log.warning("another_bot_does_not_answer")
                self.dead.add(bot.sid)
            else:
                raise NotAllowed("another caption bot is in this room already; this one leaves")


def caption_bots(room: Room) -> list[Person]:
    """All other caption bots of the room."""
    return [p for p in room.people() if p.kind is Kind.AGENT and "captions.session" in p.attributes]


def leaving_bot(room: Room) -> Person | None:
    """One that looks for a successor."""
    return next((p for p in caption_bots(room) if p.attributes.get(SUCCESSOR) == ANY), None)
