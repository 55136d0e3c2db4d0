"""Logs: fixed event names, facts as keys, on stderr. What people said, their names and the
names of rooms never appear in one."""

from __future__ import annotations

import logging
import sys

import structlog

WARNING = logging.WARNING


def configure(*, form: str, level: int = logging.INFO) -> None:
    """``form``: "console" for people, "json" for machines."""
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
    # The SDK logs participants and rooms by name, and much that is no fault: not into our log.
    sdk = logging.getLogger("livekit")
    sdk.addHandler(logging.NullHandler())
    sdk.propagate = False
