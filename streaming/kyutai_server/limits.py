"""Limits of asr-server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for clients. Times in seconds.

    idle_s: without a binary message, and for a posted file to arrive. ping_s: between pings; a
    client has half of it to answer. session_s: length of a stream. streams_per_key: at once.
    post_bytes: size of a file. admission_s: from connecting to a session. waiting: connections
    without a session. admit_when_slow: also admit streams that make all fall behind real time.
    """

    idle_s: float = 120.0
    ping_s: float = 10.0
    session_s: float = 12 * 3600.0
    streams_per_key: int = 1_000
    post_bytes: int = 64 << 20
    admission_s: float = 10.0
    waiting: int = 256
    drain_s: float = 30.0
    admit_when_slow: bool = False
