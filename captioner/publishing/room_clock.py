"""Room time: milliseconds since the instant that the bot announces."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RoomClock:
    """Room time: ms since the UTC instant ``origin_utc_ms``, on a clock that never jumps."""

    origin_utc_ms: int
    started: float
    monotonic: Clock

    @classmethod
    def start(cls, *, monotonic: Clock = time.monotonic, wall: Clock = time.time) -> RoomClock:
        """Room time 0 is now."""
        return cls(round(wall() * 1000), monotonic(), monotonic)

    @classmethod
    def resume(
        cls,
        origin_utc_ms: int,
        *,
        least_ms: int,
        monotonic: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> RoomClock:
        """Go on from another bot's origin; it is ``least_ms`` at least, whatever the wall says."""
        now_ms = max(round(wall() * 1000) - origin_utc_ms, least_ms)
        return cls(origin_utc_ms, monotonic() - now_ms / 1000, monotonic)

    def now_ms(self) -> int:
        """The room time now."""
        return self.at_ms(self.monotonic())

    def at_ms(self, monotonic_s: float) -> int:
        """The room time of a reading of the monotonic clock."""
        return round((monotonic_s - self.started) * 1000)
