"""When the next step is due, and whether steps still keep up with real time. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from streaming.kyutai_server.batch import Demand

PERIOD_S = 0.08
"""Audio of one step: no step may take longer for long."""

HEARTBEAT_S = 2.0
"""A step is made so often when nobody speaks: proof that steps happen, and how long they take."""

STUCK_S = 10.0
"""Without a step for so long something is wrong."""

_FULL = 0.9  # share of the period that a step may take before nobody more is admitted
_BUSY = 0.5  # share of the time spent in steps while everybody is up to date
_SHORTEST_S = 0.01


@dataclass(slots=True)
class Pace:
    """Steps of the past to when the next is due. Times in seconds, of one clock."""

    began: float
    costs: deque[float] = field(default_factory=lambda: deque(maxlen=100))

    def record(self, began: float, ended: float) -> None:
        """A step was made."""
        self.began = began
        self.costs.append(ended - began)

    def due(self, demand: Demand) -> float:
        """When to begin the next step.

        Fast models step more often than every 80 ms, so that a frame need not wait for the others;
        half of the time stays free for those who fall behind.
        """
        match demand:
            case Demand.NONE:
                return self.began + HEARTBEAT_S
            case Demand.BEHIND:
                return self.began
        wanted = self.quantile(0.5) / _BUSY
        return self.began + min(max(wanted, _SHORTEST_S), PERIOD_S)

    def quantile(self, share: float) -> float:
        """Of the last steps, how long all but 1 - ``share`` took at most; 0 before the first."""
        ordered = sorted(self.costs)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0

    @property
    def overloaded(self) -> bool:
        """Whether one more stream would break real time for those who are there."""
        return self.quantile(0.9) > PERIOD_S * _FULL

    def fault(self, now: float) -> str | None:
        """Why this server is no longer fit to serve, None if it is."""
        if now - self.began > STUCK_S:
            return f"no step for {now - self.began:.0f} s"
        if self.quantile(0.5) > PERIOD_S:
            return f"a step takes {self.quantile(0.5) * 1000:.0f} ms, more than 80"
        return None
