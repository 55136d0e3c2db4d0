"""How often somebody may ask."""

from __future__ import annotations

from collections import OrderedDict

from captioner.errors import InvalidRequest, RequestCode


class RateLimit:
    """So many requests a second from each caller, with a burst; ``callers`` are remembered."""

    def __init__(self, *, per_s: float = 20, burst: int = 60, callers: int = 1_000) -> None:
        self._per_s = per_s
        self._burst = burst
        self._callers = callers
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, as of when

    def take(self, caller: str, now: float) -> None:
        """One request more. Raises InvalidRequest when that is too many."""
        tokens, since = self._left.pop(caller, (float(self._burst), now))
        tokens = min(tokens + max(now - since, 0) * self._per_s, self._burst)
        self._left[caller] = (max(tokens - 1, 0), now)
        if len(self._left) > self._callers:
            self._left.popitem(last=False)
        if tokens < 1:
            raise InvalidRequest(
                "too many requests: wait a second", code=RequestCode.TOO_MANY_REQUESTS
            )
