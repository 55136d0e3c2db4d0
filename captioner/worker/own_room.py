"""Whether a room that this worker has a bot in still needs it, and has it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from captioner.worker.facts import NO_WISH, Dispatch, Facts

EMPTY_S = 25.0
"""A bot that has been alone for so long gives its slot to another room: 30 s with its farewell."""

ABSENT_S = 8.0
START_S = 30.0
"""How long a bot that the media server dropped, and one that starts, may take to be there."""


class Said(Enum):
    """What a bot says itself of its room."""

    NOTHING = auto()
    ALONE = auto()
    WITH_OTHERS = auto()


class Own(Enum):
    """What is to be done about a room that this worker has a bot in."""

    KEEP = auto()
    RECALLED = auto()
    EMPTY = auto()
    ABSENT = auto()


@dataclass(slots=True)
class OwnRoom:
    """A room that this worker has a bot in, and since when things are as they are."""

    dispatch: str
    since_ms: int
    identity: str
    alone_since_s: float
    absent_since_s: float | None = None
    starts_until_s: float = 0.0

    def begun(self, now_s: float) -> None:
        """The bot was started just now, perhaps not for the first time."""
        self.absent_since_s = None
        self.starts_until_s = now_s + START_S

    def peopled(self, people: int, now_s: float) -> bool:
        """How many people are there now; whether there was nobody for too long."""
        if people:
            self.alone_since_s = now_s
        return now_s - self.alone_since_s >= EMPTY_S

    def judge(self, facts: Facts, now_s: float, said: Said = Said.NOTHING) -> Own:
        """What is to be done. facts: with the dispatches.

        What the bot says counts for more than the list: a media server that has lost its Redis
        lists neither the bot nor the others, and one that stood still has another copy of the room
        than the one to which people went meanwhile, in which the bot is alone.
        """
        if is_recalled(facts.dispatches, self.dispatch, self.since_ms):
            return Own.RECALLED
        if said is Said.WITH_OTHERS:
            self.absent_since_s, self.alone_since_s = None, now_s
            return Own.KEEP
        if self.peopled(facts.people, now_s):
            return Own.EMPTY
        if self._is_there(facts, said):
            self.absent_since_s = None
        elif self.absent_since_s is None:
            self.absent_since_s = now_s
        elif now_s - self.absent_since_s >= ABSENT_S:
            starts = said is Said.NOTHING and now_s < self.starts_until_s
            return Own.KEEP if starts else Own.ABSENT
        return Own.KEEP

    def has_lost_dispatch(self, facts: Facts, said: Said) -> bool:
        """Whether nothing that is listed asks for the bot, which is in the room with others."""
        return self._is_there(facts, said) and not _is_listed(facts.dispatches, self.dispatch)

    def _is_there(self, facts: Facts, said: Said) -> bool:
        return said is not Said.ALONE and any(bot.identity == self.identity for bot in facts.bots)


def is_recalled(dispatches: Sequence[Dispatch], dispatch: str, since_ms: int) -> bool:
    """Whether a dispatch that this worker was given at ``since_ms`` was deleted by somebody.

    A media server that was restarted, or a room that moved to another node, has lost its
    dispatches: then all that are listed are younger, for every room has one from its beginning.
    """
    if _is_listed(dispatches, dispatch):
        return False
    others = [one.created_ms for one in dispatches if one.agent not in NO_WISH]
    return not others or min(others) <= since_ms


def _is_listed(dispatches: Sequence[Dispatch], dispatch: str) -> bool:
    return any(one.id == dispatch for one in dispatches)
