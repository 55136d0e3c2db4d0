"""Metrics for operators, with units in their names; no label identifies a speaker or a word."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
    start_http_server,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from captioner.errors import ConfigurationError

_FAST = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_LAG = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)

TASKS = Gauge("captioner_tasks", "Tasks of the bot's event loop.")
TRACKS = Gauge("captioner_tracks", "Tracks that are being captioned.")
SLOTS = Gauge("captioner_slots", "Recogniser streams in use.")
STALLS = Counter("captioner_stalls", "Times that somebody spoke for 4 s and no caption came.")
PACKETS = Counter("captioner_packets", "Caption packets handed to the room.")
PACKETS_LOST = Counter("captioner_packets_lost", "Packets that could not be handed to the room.")
FRAMES = Counter("captioner_frames", "Audio frames of 80 ms received.")
FRAMES_DROPPED = Counter("captioner_frames_dropped", "Frames dropped: the recogniser is too slow.")
HOLES_MS = Counter("captioner_holes_milliseconds", "Audio that never arrived, filled with silence.")
DECODES_SKIPPED = Gauge(
    "captioner_decodes_skipped", "Intermediate decodes left out: the machine is too slow."
)
STATS_FAILURES = Counter(
    "captioner_stats_failures", "Times that the SDK could not say whether packets arrive."
)
SOUND_FAILURES = Counter("captioner_sound_failures", "Streams of sound that the SDK broke off.")
SUBSCRIPTION_FAILURES = Counter(
    "captioner_subscription_failures", "Times that a track could not be subscribed to."
)
TRACKS_FAILED = Counter("captioner_tracks_failed", "Tracks whose captions ended by a fault.")
RECOGNIZER_FAILURES = Counter("captioner_recognizer_failures", "Recogniser streams that failed.")
CUES_CLOSED_STALE = Counter("captioner_cues_closed_stale", "Cues closed 5 s after their change.")
REJOINS = Counter("captioner_rejoins", "Times the bot had to join its room again.")
HANDOVERS = Counter("captioner_handovers", "Rooms that this bot gave to its successor.")
TRANSCRIPT_LOST = Counter(
    "captioner_transcript_cues_lost", "Cues that a transcript should have and has not."
)
TRANSCRIPT_FAILURES = Counter(
    "captioner_transcript_failures", "Transcripts that the disk put an end to."
)
TRANSCRIPT_SLOW = Counter(
    "captioner_transcript_slow", "Times that the disk fell behind, so that cues went out first."
)
AUDIT_LOST = Counter("captioner_audit_lost", "Decisions that could not be written down.")
WORDS = Counter("captioner_words", "Words of captions that are final.")
WORDS_ERASED = Counter(
    "captioner_words_erased", "Words that were shown and taken back, each time that they were."
)
VOICES_WAITING = Gauge("captioner_voices_waiting", "Voices that wait for a free recogniser stream.")
SEGMENTS = Counter("captioner_segments", "Transcription segments sent, of either kind.")
SEGMENTS_DROPPED = Counter(
    "captioner_segments_dropped", "Transcription segments that could not be sent."
)
ROOMS = Gauge("captioner_worker_rooms", "Rooms that this worker has a bot in.")
ROOMS_MOST = Gauge("captioner_worker_rooms_most", "Rooms that this worker takes at once.")
CONNECTED = Gauge("captioner_worker_connected", "Whether the media server has this worker: 0, 1.")
ROOMS_WAITING = Gauge(
    "captioner_worker_rooms_waiting",
    "Rooms that wait for a recogniser, as far as this worker knows: every slot it knows is taken.",
)
ROOMS_MENDED = Counter(
    "captioner_worker_rooms_mended", "Rooms that should have had a bot, had none, and got one."
)
WORKER_CALLS = Counter("captioner_worker_calls", "Calls of this worker to the media server.")
BOTS_KILLED = Counter("captioner_worker_bots_killed", "Bots that crashed, and were started anew.")
FRAME_SECONDS = Histogram(
    "captioner_frame_seconds", "From an audio frame received to its recogniser having taken it.",
    buckets=_FAST,
)  # fmt: skip
PUBLISH_SECONDS = Histogram(
    "captioner_publish_seconds", "From a recogniser's event to the packet handed over.",
    buckets=_FAST,
)  # fmt: skip
LAG_SECONDS = Histogram(
    "captioner_lag_seconds", "From the last audio behind a caption to its packet.", buckets=_LAG
)


Texts = Callable[[], Mapping[str, str]]


def exposition() -> bytes:
    """All metrics of this process, in Prometheus' text format."""
    return generate_latest()


class Processes(Collector):
    """The metrics of several processes, with the label ``process``."""

    def __init__(self, texts: Texts) -> None:
        """texts: gives what each process says of itself, by its name."""
        self._texts = texts

    def collect(self) -> Iterable[Metric]:
        """By family, as the format wants it."""
        families: dict[str, Metric] = {}
        for process, text in self._texts().items():
            for one in text_string_to_metric_families(text):
                if one.name.endswith("_created"):  # when a counter began: half of all lines
                    continue
                empty = Metric(one.name, one.documentation, one.type)
                family = families.setdefault(one.name, empty)
                family.samples += [
                    sample._replace(labels={**sample.labels, "process": process})
                    for sample in one.samples
                ]
        return families.values()


def serve(port: int, *, host: str, texts: Texts | None = None) -> None:
    """Serve /metrics: of this process, or what ``texts`` gives of several.

    Raises ConfigurationError if the port is taken.
    """
    try:
        if texts is None:
            start_http_server(port, host)
        else:
            registry = CollectorRegistry()
            registry.register(Processes(texts))
            start_http_server(port, host, registry)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot serve metrics on {host}:{port}: {exc.strerror}. Set CAPTIONER_METRICS_PORT to"
            " a free port, or leave it unset, and CAPTIONER_LISTEN to an address of this machine"
        ) from exc
