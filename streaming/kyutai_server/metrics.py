"""Metrics of asr-server, with units in their names; none identifies a speaker or a word."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.2, 0.5, 1.0)
_OVERHEAD = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06)

CONTENT_TYPE = CONTENT_TYPE_LATEST

STREAMS = Gauge("asr_streams", "Streams that hold a slot.")
SLOTS = Gauge("asr_slots", "Slots of the batch.")
STEPS = Counter("asr_steps", "Steps made, those that only prove life included.")
STEP_SECONDS = Histogram("asr_step_seconds", "The model's part of a step.", buckets=_STEPS)
OVERHEAD_SECONDS = Histogram(
    "asr_overhead_seconds", "All of a step but the model's part.", buckets=_OVERHEAD
)
ADMITTED = Counter("asr_admitted", "Streams that got a slot.")
REFUSED = Counter("asr_refused", "Streams that got none.", ["reason"])
ENDED = Counter("asr_ended", "Streams that the server ended.", ["reason"])
CONNECTIONS_ENDED = Counter(
    "asr_connections_ended", "Connections that had no session, and were ended.", ["reason"]
)
NO_FILE = Counter("asr_no_file", "Times that no connection could be accepted for want of a file.")
WORDS = Counter("asr_words", "Words said.")


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest()
