"""Logs on stderr: fixed event names, with facts as keys.

Speech, names of people and names of rooms never appear in a log.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import sys

import structlog
from structlog.contextvars import bind_contextvars

WARNING = logging.WARNING


def configure(*, form: str, level: int = logging.INFO) -> None:
    """Set up logging. form: "console" for people, "json" for machines."""
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Keep the SDK out of our log: it logs names of participants and rooms, and harmless events.
    sdk = logging.getLogger("livekit")
    sdk.addHandler(logging.NullHandler())
    sdk.propagate = False


def bind(room: str, *, key: str, job: str = "") -> None:
    """Say in every line of this task, and of those that it starts, which room it is about.

    key: what all machines of an operator have in common, so that they call the room the same, and
    nobody else can guess which one it is. job: the dispatch that asked for captions.
    """
    bind_contextvars(room=hashed(room, key), **({"job": job} if job else {}))


def hashed(room: str, key: str) -> str:
    """What a room is called in logs."""
    return hmac.new(key.encode(), room.encode(), hashlib.sha256).hexdigest()[:12]
