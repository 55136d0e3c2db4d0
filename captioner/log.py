"""Logs on stderr: fixed event names, with facts as keys.

Speech, names of people and names of rooms never appear in a log.
"""

from __future__ import annotations

import logging
import sys

import structlog

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
