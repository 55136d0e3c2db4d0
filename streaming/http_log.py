"""What aiohttp's server logs, without what came in: its lines repeat a request, key and all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable

AGAIN_S = 60.0
"""So often a failure of the same kind is logged."""


class Repeats:
    """How often each kind of failure came since it was last logged. Kinds have to be bounded."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Hashable, tuple[float, int]] = {}  # due again, not logged yet

    def times(self, kind: Hashable) -> int:
        """Count one more; return how many to log now, 0 for none yet."""
        now_s = self._clock()
        due_s, times = self._seen.get(kind, (now_s, 0))
        if now_s < due_s:
            self._seen[kind] = due_s, times + 1
            return 0
        self._seen[kind] = now_s + AGAIN_S, 0
        return times + 1


class _KindAlone(logging.Filter):
    """Leaves the kind of a failure in a record, and drops the next ones of that kind."""

    def __init__(self) -> None:
        super().__init__()
        self._repeats = Repeats()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        kind = type(error).__name__ if error else record.levelname.lower()
        record.msg, record.args = "a request failed: %s", (kind,)
        record.exc_info = record.exc_text = None
        return self._repeats.times(kind) > 0


def keep_requests_out() -> None:
    """From now on, in this process. May be called again."""
    logging.getLogger("aiohttp.server").addFilter(_KIND_ALONE)


_KIND_ALONE = _KindAlone()
