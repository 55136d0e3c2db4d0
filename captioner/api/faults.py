"""Says in the log that a request failed: how, and where in the code, and never what was sent."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger()

AGAIN_S = 60.0
"""So often the same fault is logged, with how many there were."""


class Faults:
    """Of one process. Their kinds are bounded, as the places in the code are."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}  # due again, not logged yet

    def note(self, exc: BaseException | None) -> None:
        """One more. Its message may have what was sent, as those above it in a traceback."""
        kind, now_s = (type(exc).__name__, _place(exc)), self._clock()
        due_s, times = self._seen.get(kind, (now_s, 0))
        if now_s < due_s:
            self._seen[kind] = due_s, times + 1
            return
        self._seen[kind] = now_s + AGAIN_S, 0
        log.warning("request_failed", error=kind[0], at=kind[1], times=times + 1)


def _place(exc: BaseException | None) -> str:
    frames = traceback.extract_tb(exc.__traceback__) if exc else []
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
