"""Room time: milliseconds since an instant that the bot announces."""

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
        """Start room time at 0 now."""
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
        """Continue from another bot's origin, at ``least_ms`` at the earliest."""
        now_ms = max(round(wall() * 1000) - origin_utc_ms, least_ms)
        return cls(origin_utc_ms, monotonic() - now_ms / 1000, monotonic)

    def now_ms(self) -> int:
        """Return the current room time."""
        return self.at_ms(self.monotonic())

    def at_ms(self, monotonic_s: float) -> int:
        """Convert a reading of the monotonic clock to room time."""
        return round((monotonic_s - self.started) * 1000)
