"""Whether there is voice in a frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr

from streaming.audio import SAMPLE_RATE, AudioFrame, Pcm
from streaming.voice.silero import CHUNK_SAMPLES, VoiceActivity

VoiceFinder = Callable[[AudioFrame], bool]
"""Told of one stream's frames in order, says of each whether somebody speaks in it."""

_RATE = 16_000
_VOICE = 0.5


class VoiceInFrames:
    """A voice detector that takes 80 ms at 24 kHz, some milliseconds late."""

    def __init__(self, detector: VoiceActivity) -> None:
        self._detector = detector
        self._resampler = soxr.ResampleStream(SAMPLE_RATE, _RATE, 1, "float32", "LQ")
        self._pending: Pcm = np.zeros(0, np.float32)

    def __call__(self, frame: AudioFrame) -> bool:
        """Whether there was voice in one of the chunks that this frame completes."""
        pcm = np.concatenate([self._pending, self._resampler.resample_chunk(frame.pcm)])
        count = len(pcm) // CHUNK_SAMPLES
        self._pending = pcm[count * CHUNK_SAMPLES :]
        voice = 0.0
        for chunk in pcm[: count * CHUNK_SAMPLES].reshape(count, CHUNK_SAMPLES):
            voice = max(voice, self._detector(chunk))
        return voice >= _VOICE
