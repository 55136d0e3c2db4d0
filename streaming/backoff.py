"""Waiting between tries."""

from __future__ import annotations

import random


class Backoff:
    """How long to wait before the next try: doubling with jitter, at most ``limit_s``."""

    def __init__(self, *, first_s: float = 0.2, limit_s: float = 5.0) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._tries = 0

    def reset(self) -> None:
        """It worked."""
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait now."""
        wait: float = min(self._first_s * 2**self._tries, self._limit_s)
        self._tries = min(self._tries + 1, 16)
        return wait * random.uniform(0.5, 1.0)
