"""What aiohttp's server logs, without what came in: its lines repeat a request, key and all."""

from __future__ import annotations

import logging
import time

EVERY_S = 60.0
"""A kind of failure is logged no more often than this."""


class _KindAlone(logging.Filter):
    """Leaves the kind of a failure in a record, and drops the next ones of that kind."""

    def __init__(self) -> None:
        super().__init__()
        self._not_before: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        kind = type(error).__name__ if error else record.levelname.lower()
        record.msg, record.args = "a request failed: %s", (kind,)
        record.exc_info = record.exc_text = None
        now = time.monotonic()
        if now < self._not_before.get(kind, now):
            return False
        self._not_before[kind] = now + EVERY_S
        return True


def keep_requests_out() -> None:
    """From now on, in this process. May be called again."""
    logging.getLogger("aiohttp.server").addFilter(_KIND_ALONE)


_KIND_ALONE = _KindAlone()
