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
    """

    url: str
    key: str
    secret: str = field(repr=False)
    notes: Path
    agent_name: str = AGENT_NAME
    rooms: int = 4
    drain_s: int = 3_600
    health_port: int | None = None
