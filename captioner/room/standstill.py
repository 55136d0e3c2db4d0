"""Finds when this process stood still: it was stopped, or its machine was suspended or paused.

What is said meanwhile arrives late or never, and the system's clocks may stop too.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LEAST_S = 1.5
"""A shorter standstill is only a busy machine."""

SET_S = 600.0
"""A wall clock that leaps further than this was set by somebody."""

UNDER_WAY_MS = 200
"""Audio that had arrived before a standstill, and was not heard yet."""

TICK_S = 0.1

_KEPT = 64


@dataclass(frozen=True, slots=True)
class Clocks:
    """A reading of three clocks, in seconds.

    monotonic: stops while the machine is suspended. boot: goes on then, but stops while a virtual
    machine is paused. wall: is put right after that, and may be set by anybody.
    """

    monotonic: float
    boot: float
    wall: float


def read_clocks() -> Clocks:
    """Read the system's clocks."""
    boot = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    return Clocks(time.monotonic(), boot, time.time())


def standstill_s(before: Clocks, after: Clocks) -> float:
    """Return how long the process stood still between two readings, or 0.

    The readings are meant to follow each other closely: whichever clock leaps shows a standstill.
    """
    passed_s = max(after.monotonic - before.monotonic, after.boot - before.boot)
    wall_s = after.wall - before.wall
    longest_s = passed_s if wall_s - passed_s > SET_S else max(passed_s, wall_s)
    return longest_s if longest_s >= LEAST_S else 0.0


@dataclass(frozen=True, slots=True)
class Standstill:
    """From the last sign of life before it to the first one after it, by ``Standstills.now_s``."""

    start_s: float
    end_s: float


class Standstills:
    """The standstills of a process, found while ``watched`` is entered.

    A thread reads the clocks all the time. It tells a standstill from a busy event loop, beside
    which sound goes on arriving. Whoever asks first after a standstill finds it.
    """

    def __init__(self, read: Callable[[], Clocks] = read_clocks) -> None:
        self._read = read
        self._last: Clocks | None = None  # while it is watched
        self._skipped_s = 0.0  # by the monotonic clock
        self._found: deque[Standstill] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """Return the time on a monotonic clock that counts standstills too."""
        with self._lock:
            before, now = self._last, self._read()
            if before is not None:
                self._compare(before, now)
                self._last = now
            return now.monotonic + self._skipped_s

    def from_now(self) -> Callable[[], int | None]:
        """Return what tells how many ms ago audio was last heard before the first one from now on.

        None: there was none.
        """
        begun_s = self.now_s()

        def ago_ms() -> int | None:
            now_s = self.now_s()
            starts = (one.start_s for one in list(self._found) if one.end_s > begun_s)
            first_s = next(starts, None)
            return None if first_s is None else round((now_s - first_s) * 1000) + UNDER_WAY_MS

        return ago_ms

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look for standstills, in a thread of its own."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(TICK_S):
                self.now_s()

        self._last = self._read()
        thread = threading.Thread(target=watch, name="standstills", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._last = None

    def _compare(self, before: Clocks, now: Clocks) -> None:
        if length_s := standstill_s(before, now):
            start_s = before.monotonic + self._skipped_s
            self._skipped_s += length_s - (now.monotonic - before.monotonic)
            self._found.append(Standstill(start_s, start_s + length_s))
