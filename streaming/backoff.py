"""Delays between attempts."""

from __future__ import annotations

import random


class Backoff:
    """The delay before the next attempt: doubling, with jitter, at most ``limit_s``."""

    def __init__(self, *, first_s: float = 0.2, limit_s: float = 5.0) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._tries = 0

    def reset(self) -> None:
        """Start again with short delays, after a success."""
        self._tries = 0

    def next_s(self) -> float:
        """Return the seconds to wait now."""
        wait: float = min(self._first_s * 2**self._tries, self._limit_s)
        self._tries = min(self._tries + 1, 16)
        return wait * random.uniform(0.5, 1.0)
