"""Decides when the next step is due, and whether steps keep up with real time. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from streaming.kyutai_server.batch import Demand

PERIOD_S = 0.08
"""Audio of one step, which steps must not exceed for long."""

HEARTBEAT_S = 2.0
"""Interval of steps while nobody speaks, which show that steps work and how long they take."""

STUCK_S = 10.0
"""Without a step for this long the server is unhealthy."""

_FULL = 0.9  # share of the period that steps may take before no more streams are admitted
_BUSY = 0.5  # share of the time spent in steps while no stream is behind
_SHORTEST_S = 0.01


@dataclass(slots=True)
class Pace:
    """Schedules the next step from past ones. Times in seconds, on one clock."""

    began: float
    costs: deque[float] = field(default_factory=lambda: deque(maxlen=100))

    def record(self, began: float, ended: float) -> None:
        """Record a step."""
        self.began = began
        self.costs.append(ended - began)

    def due(self, demand: Demand) -> float:
        """Return when to begin the next step.

        Fast models step more often than every 80 ms, so that frames need not wait for each other;
        half of the time remains for streams that fall behind.
        """
        match demand:
            case Demand.NONE:
                return self.began + HEARTBEAT_S
            case Demand.BEHIND:
                return self.began
        wanted = self.quantile(0.5) / _BUSY
        return self.began + min(max(wanted, _SHORTEST_S), PERIOD_S)

    def quantile(self, share: float) -> float:
        """Return the ``share`` quantile of the durations of recent steps; 0 before the first."""
        ordered = sorted(self.costs)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0

    @property
    def overloaded(self) -> bool:
        """Return whether one more stream would break real time for the others."""
        return self.quantile(0.9) > PERIOD_S * _FULL

    def fault(self, now: float) -> str | None:
        """Return why this server cannot serve any longer, or None."""
        if now - self.began > STUCK_S:
            return f"no step for {now - self.began:.0f} s"
        if self.quantile(0.5) > PERIOD_S:
            return f"a step takes {self.quantile(0.5) * 1000:.0f} ms, more than 80"
        return None
