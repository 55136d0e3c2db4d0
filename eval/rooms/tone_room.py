"""A room in which somebody says words that are tones, each once: none can be lost unseen."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from captioner.demo.livekit_server import MediaServer
from captioner.room.tokens import participant_token
from captioner.worker.livekit_api import MediaServerApi
from captioner.worker.plan import AGENT_NAME
from eval.simulation.participant import Join, NoBot, Participant
from eval.simulation.second_listener import SecondListener
from eval.simulation.verdict import Facts, Fate, MeetingVerdict, SpokenWord, judge_meeting
from streaming.testing.tone_words import RAISES

TURN_WORDS = 4, 16
TRIES = 15
BETWEEN_S = 1.0, 3.0
"""Between two turns of a speaker."""


@dataclass(slots=True)
class Count:
    """What became of words."""

    said: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    doubled: int = 0

    def add(self, other: Count) -> None:
        """Count those of another room too."""
        self.said += other.said
        self.fates += other.fates
        self.doubled += other.doubled


class ToneRoom:
    """One room: who speaks in it, reads it too; somebody else hears what arrives at all."""

    def __init__(self, server: MediaServer, room: str, *, speaks_as: str = "anna") -> None:
        self.room = room
        self._server = server
        self.person = Participant(speaks_as, self._joins(speaks_as), speaks=True, reads=True)
        self._listener = SecondListener(self._joins("listener"))
        self._chance = random.Random(room)
        self._words = self._shuffled()
        self._talking: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Everybody joins, and captions are asked for."""
        await self.person.join()
        await self._listener.__aenter__()
        server = self._server
        async with MediaServerApi(server.url, server.key, server.secret) as client:
            await client.dispatch(self.room, AGENT_NAME)

    async def captioned(self) -> None:
        """Wait until the bot hears. Raises TimeoutError."""
        await self.person.until(lambda: self.state == "on", timeout_s=180)

    async def read(self) -> None:
        """Wait until something that was said is shown. Raises TimeoutError."""
        await self.person.until(lambda: bool(self.person.page.shown()), timeout_s=60)

    async def read_again(self) -> bool:
        """Ask for what is missing, for the last packet may be in transit; whether a bot answers."""
        for _ in range(TRIES):
            with contextlib.suppress(NoBot):
                await self.person.hello()
                return True
            await asyncio.sleep(1)
        return False

    @property
    def state(self) -> str:
        """What the bot says of itself."""
        return self.person.states[-1][1] if self.person.states else ""

    def talk(self) -> None:
        """Speak in turns, until ``hush``."""
        self._talking = asyncio.create_task(self._talk())

    async def hush(self) -> None:
        """Come to the end of what is being said."""
        talking, self._talking = self._talking, None
        if talking is not None:
            talking.cancel()
            await asyncio.wait({talking})

    async def end(self) -> None:
        """Everybody leaves."""
        await self.hush()
        await self.person.leave()
        await self._listener.__aexit__()

    def judge(self) -> MeetingVerdict:
        """What became of every word."""
        page = self.person.page
        origin_s = page.origin_utc_ms / 1000 - (time.time() - time.monotonic())
        heard = self._listener.heard
        facts = Facts(unheard=self.person.away, reached=heard, delivered=heard)
        return judge_meeting(self.person.said, page.shown(), page.gaps, facts, origin_s=origin_s)

    def counts(self, times: Sequence[float]) -> list[Count]:
        """What became of the words said between each two of these times."""
        verdict = self.judge()
        counts = [Count() for _ in times[1:]]
        for one, fate in verdict.fate_of.items():
            if one.start_s < times[0]:  # the bot looked around yet
                continue
            count = counts[_phase(one, times)]
            count.said += 1
            count.doubled += len(verdict.twice.get(one.word, ())[1:])
            # The table has no column for what nobody could hear, around a join or a cut.
            count.fates[Fate.IN_GAP if fate is Fate.EXCUSED else fate] += 1
        return counts

    def _joins(self, identity: str) -> Join:
        server = self._server

        def join() -> tuple[str, str]:
            token = participant_token(server.key, server.secret, room=self.room, identity=identity)
            return server.url, token

        return join

    async def _talk(self) -> None:
        while True:
            count = self._chance.randint(*TURN_WORDS)
            await self.person.say([next(self._words) for _ in range(count)])
            await asyncio.sleep(self._chance.uniform(*BETWEEN_S))

    def _shuffled(self) -> Iterator[int]:
        yield from self._chance.sample(range(RAISES), RAISES)


def _phase(one: SpokenWord, times: Sequence[float]) -> int:
    later = sum(one.start_s >= at for at in times[1:-1])
    return min(later, len(times) - 2)
