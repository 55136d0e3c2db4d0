"""Estimates the probability of speech of any level."""

from __future__ import annotations

import numpy as np

from streaming.audio import Pcm
from streaming.voice.silero import VoiceActivity

# Root mean squares. Speech in a meeting is around 0.05; the quietest clips measured are 0.0005,
# and below one unit of 16 bits there is nothing.
_LOUD = 0.05
_QUIETEST = 0.002
_NOTHING = 2e-5
_DECAY = 0.995  # a chunk: half in 4.4 s


class VoiceMeter:
    """Gives the probability of speech in each chunk, whatever its level.

    Quiet speech is amplified for the detector only: the model gets the original audio.
    """

    def __init__(self, detector: VoiceActivity) -> None:
        self._detector = detector
        self._level = _LOUD

    def __call__(self, chunk: Pcm) -> float:
        """Return the probability of speech in float32[512]."""
        level = float(np.sqrt(np.mean(chunk * chunk)))
        if level < _NOTHING:
            return 0.0
        self._level = max(level, self._level * _DECAY, _QUIETEST)
        gain = max(1.0, _LOUD / self._level)
        return self._detector(np.clip(chunk * np.float32(gain), -1.0, 1.0))
