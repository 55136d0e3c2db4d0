"""How likely speech is, whatever its level."""

from __future__ import annotations

import numpy as np

from streaming.audio import Pcm
from streaming.voice.silero import VoiceActivity

# Root mean squares. Speech in a meeting is around 0.05; the quietest clips measured are 0.0005,
# and below a unit of 16 bit there is nothing to hear.
_LOUD = 0.05
_QUIETEST = 0.002
_NOTHING = 2e-5
_DECAY = 0.995  # a chunk: half in 4.4 s


class VoiceMeter:
    """How likely each chunk is speech, whatever its level.

    Quiet speech is raised for the detector alone: the model gets the sound as it is.
    """

    def __init__(self, detector: VoiceActivity) -> None:
        self._detector = detector
        self._level = _LOUD

    def __call__(self, chunk: Pcm) -> float:
        """The probability of speech in float32[512]."""
        level = float(np.sqrt(np.mean(chunk * chunk)))
        if level < _NOTHING:
            return 0.0
        self._level = max(level, self._level * _DECAY, _QUIETEST)
        gain = max(1.0, _LOUD / self._level)
        return self._detector(np.clip(chunk * np.float32(gain), -1.0, 1.0))
