"""What a worker is told to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

AGENT_NAME = "multi-user-transcriber"
"""What La Suite Meet asks for."""


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker does. rooms: at once. drain_s: so long meetings may go on after SIGTERM.

    notes: the folder for those of all workers of this machine. health_port: None for none.
    metrics_port: the same. listen: the address of both.
    """

    url: str
    key: str
    secret: str = field(repr=False)
    notes: Path
    agent_name: str = AGENT_NAME
    rooms: int = 4
    drain_s: int = 3_600
    health_port: int | None = None
    metrics_port: int | None = None
    listen: str = "127.0.0.1"

    @property
    def metrics_folder(self) -> Path:
        """Where its bots answer with their metrics."""
        return self.notes.with_name("metrics")
