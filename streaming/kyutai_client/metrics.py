"""What an operator watches of streams at Kyutai servers, on the side that speaks to them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

RESTARTS = Counter("asr_client_restarts", "Times a stream went on with a new connection.")
SEARCHING = Gauge("asr_client_searching", "Streams that look for a server, and hear nothing.")
STAND_INS = Gauge("asr_client_stand_ins", "Streams that a stand-in has while no server answers.")
DROPPED_MS = Counter(
    "asr_client_dropped_milliseconds", "Sound that no server took within the time it is kept."
)
