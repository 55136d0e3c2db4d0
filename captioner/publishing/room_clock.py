"""Room time: milliseconds since an instant that the bot announces."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

Clock = Callable[[], float]

START_MS = 60_000
"""The longest time from the start of a machine to that of a bot on it. One that runs longer may be
another machine, which took over."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Instant:
    """An instant by the wall clock, and by the clock that runs since the machine was started.

    Only the second one is never set, and it goes on while the machine sleeps. boot: which start of
    which machine it counts from, or "" where there is no such clock.
    """

    wall_ms: int
    boot: str = ""
    boot_ms: int = 0

    @classmethod
    def now(cls) -> Self:
        """Read the clocks of this machine."""
        wall_ms = round(time.time() * 1000)
        if boot := _boot_id():
            return cls(wall_ms, boot, round(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000))
        return cls(wall_ms)

    def earlier(self, ms: int) -> Instant:
        """The instant ``ms`` before this one."""
        return replace(self, wall_ms=self.wall_ms - ms, boot_ms=self.boot_ms - ms)

    def until_ms(self, later: Instant) -> int:
        """How long it is until a later instant.

        Exact for two readings of one start of one machine. Else it is what the wall clock says;
        if that was set back meanwhile, what the machine took to start.
        """
        passed_ms = later.boot_ms - self.boot_ms
        if self.boot and self.boot == later.boot and passed_ms >= 0:
            return passed_ms
        wall_ms = later.wall_ms - self.wall_ms
        return wall_ms if wall_ms >= 0 else min(later.boot_ms, START_MS)


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What was said before ``room_ms`` of room time is dealt with; when that was."""

    room_ms: int
    at: Instant


@dataclass(frozen=True, slots=True)
class RoomClock:
    """Room time: ms since the UTC instant ``origin_utc_ms``, on a clock that never jumps."""

    origin_utc_ms: int
    started: float
    monotonic: Clock
    instant: Callable[[], Instant]

    @classmethod
    def start(
        cls, *, monotonic: Clock = time.monotonic, instant: Callable[[], Instant] = Instant.now
    ) -> Self:
        """Start room time at 0 now."""
        return cls(instant().wall_ms, monotonic(), monotonic, instant)

    def resume(self, origin_utc_ms: int, alive: SignOfLife) -> RoomClock:
        """Continue the room time of another bot, which gave this sign of life last."""
        now_ms = alive.room_ms + alive.at.until_ms(self.instant())
        return replace(self, origin_utc_ms=origin_utc_ms, started=self.monotonic() - now_ms / 1000)

    def joined(self, origin_utc_ms: int, now_ms: int) -> RoomClock:
        """Run with the clock of a bot that says what room time it is."""
        return replace(self, origin_utc_ms=origin_utc_ms, started=self.monotonic() - now_ms / 1000)

    def alive(self, room_ms: int) -> SignOfLife:
        """Give a sign of life: what was said before ``room_ms`` is dealt with."""
        return SignOfLife(room_ms, self.instant().earlier(self.now_ms() - room_ms))

    def now_ms(self) -> int:
        """Return the current room time."""
        return self.at_ms(self.monotonic())

    def at_ms(self, monotonic_s: float) -> int:
        """Convert a reading of the monotonic clock to room time."""
        return round((monotonic_s - self.started) * 1000)


@functools.cache
def _boot_id() -> str:
    has_clock = hasattr(time, "CLOCK_BOOTTIME") and _BOOT_ID.exists()
    return _BOOT_ID.read_text().strip() if has_clock else ""
