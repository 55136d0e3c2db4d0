"""Says in the log that a request failed: how, and where in the code, and never what was sent."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from pathlib import Path

import structlog

from streaming.http_log import Repeats

log = structlog.get_logger()


class Faults:
    """Of one process. Their kinds are bounded, as the places in the code are."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._repeats = Repeats(clock=clock)

    def note(self, exc: BaseException | None) -> None:
        """One more. Its message may have what was sent, as those above it in a traceback."""
        error, place = type(exc).__name__, _place(exc)
        if times := self._repeats.times((error, place)):
            log.warning("request_failed", error=error, at=place, times=times)


def _place(exc: BaseException | None) -> str:
    frames = traceback.extract_tb(exc.__traceback__) if exc else []
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
