"""Which of several speech servers a stream begins on, and when it leaves one. Pure.

Power of a few choices: of some servers, taken by chance, the one with most free slots; where they
tell none, the one whose words came soonest, then the one that has fewest of our streams. That keeps
servers evenly full although nobody knows all streams, and no newcomer is overrun.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CHOICES = 4
"""With two, 200 streams that come and go on 8 servers differ by 28 % of the mean, with four by 12.

By calculation; one in twenty moments is worse.
"""

FIRST_S, LONGEST_S = 2.0, 60.0
"""How long a server that failed, or was late, is avoided; doubled each time."""

LATE_S = 2.0
"""Words that are so much later than the model's delay make a stream leave, if others may do."""

LATE_FRAMES = 12
"""So many frames in a row: a second."""

WELL_S = 5.0
"""A server that was avoided has one stream of ours until that was in time for so long."""

_STEP_S = 0.5  # a smaller difference between two servers' lags is chance
_GAP_S = 0.5  # without a frame the speaker is silent


@dataclass(slots=True)
class _Known:
    streams: int = 0
    lag_s: float = 0.0
    avoided_until: float = -math.inf
    penalty_s: float = 0.0
    tried_by: Seat | None = None  # whether it is well again


class Balance:
    """What this process knows of the servers, by name. ``now`` is in seconds, on any clock."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._known: dict[str, _Known] = {}

    def order(self, servers: Iterable[str], now: float) -> list[str]:
        """By chance; those to be avoided come last, the one that is avoided longest at the end."""
        order = sorted(servers)
        self._chance.shuffle(order)
        return sorted(order, key=lambda server: self._avoided_until(server, now))

    def is_usable(self, server: str, now: float) -> bool:
        """Whether streams may begin on it as on any other."""
        return self._avoided_until(server, now) <= now

    def ranked(self, servers: Sequence[str], free: Mapping[str, int | None]) -> list[str]:
        """Some servers, the best one first. free: their slots, as far as they tell.

        Who tells nothing may not be there, and is better than who is full.
        """

        def cost(server: str) -> tuple[int, float, float]:
            slots, known = free.get(server), self._of(server)
            if slots is None:
                return 1, known.lag_s // _STEP_S, known.streams
            return (0 if slots > 0 else 2), -slots, 0

        return sorted(servers, key=cost)

    def begin(self, server: str, now: float) -> Seat:
        """A stream of ours has begun on it."""
        known = self._of(server)
        known.streams += 1
        seat = Seat(self, server, now)
        if known.penalty_s and known.tried_by is None:
            known.tried_by = seat
        return seat

    def failed(self, server: str, now: float) -> None:
        """It could not be had, hung up, or was late: it is avoided for a while."""
        known = self._of(server)
        if known.avoided_until > now:
            return  # all its streams fail at once
        known.penalty_s = min(max(known.penalty_s * 2, FIRST_S), LONGEST_S)
        known.avoided_until = now + known.penalty_s
        known.tried_by = None

    def told(self, seat: Seat, lag_s: float, now: float) -> None:
        """What a stream has just heard was so late, beyond the model's delay."""
        known = self._of(seat.server)
        known.lag_s += (lag_s - known.lag_s) / 8
        if known.tried_by is seat and lag_s <= LATE_S and now - seat.since >= WELL_S:
            known.penalty_s, known.tried_by = 0.0, None

    def left(self, seat: Seat) -> None:
        """A stream of ours has ended."""
        known = self._of(seat.server)
        known.streams -= 1
        if known.tried_by is seat:
            known.tried_by = None
        if not known.streams:
            known.lag_s = 0.0  # nobody knows any more

    def others(self, server: str, now: float) -> bool:
        """Whether another server may do better."""
        return any(other != server and self.is_usable(other, now) for other in self._known)

    def forget(self, servers: Iterable[str]) -> None:
        """Only these are servers now."""
        there = set(servers)
        for server in [s for s, known in self._known.items() if not known.streams]:
            if server not in there:
                del self._known[server]
        for server in there:
            self._of(server)

    def _of(self, server: str) -> _Known:
        return self._known.setdefault(server, _Known())

    def _avoided_until(self, server: str, now: float) -> float:
        known = self._of(server)
        if known.tried_by is not None:
            return now + 1  # before those that are known to be no good
        return known.avoided_until if known.avoided_until > now else now


class Seat:
    """One stream's place on a server, from which it sees how late that is."""

    def __init__(self, balance: Balance, server: str, now: float) -> None:
        self._balance = balance
        self.server = server
        self.since = now
        self._ended = False
        self._sent: deque[tuple[int, float]] = deque(maxlen=256)  # end of a frame in ms, when
        self._late_frames = 0

    def asked(self, now: float) -> None:
        """There is a frame to send, as soon as the server takes more."""
        if self._sent and now - self._sent[-1][1] > _GAP_S:
            self._sent.clear()  # the model waits for what follows a word, and nothing followed

    def sent(self, end_ms: int, now: float) -> None:
        """A frame that ends there was sent."""
        self._sent.append((end_ms, now))

    def heard(self, until_ms: int, delay_s: float, now: float) -> None:
        """The server has dealt with the sound up to there."""
        while self._sent and self._sent[0][0] <= until_ms:
            _, at = self._sent.popleft()
            lag_s = max(now - at - delay_s, 0.0)
            self._late_frames = self._late_frames + 1 if lag_s > LATE_S else 0
            self._balance.told(self, lag_s, now)

    def should_leave(self, now: float) -> bool:
        """Whether words are late, and may come sooner from another server."""
        return self._late_frames >= LATE_FRAMES and self._balance.others(self.server, now)

    def end(self, now: float, *, delay_s: float, failed: bool) -> None:
        """The stream leaves; asked a second time, nothing. failed: the connection broke.

        A server that owes nothing may hang up, and one that owes much has failed in silence.
        """
        if self._ended:
            return
        self._ended = True
        owes = bool(self._sent)
        if owes and (failed or now - self._sent[0][1] - delay_s > LATE_S):
            self._balance.failed(self.server, now)
        self._balance.left(self)
