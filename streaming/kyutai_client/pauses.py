"""When the speaker pauses, from the model's pause heads."""

from __future__ import annotations

import math

_HEAD = 2
_PAUSE_ABOVE = 0.6
_SPEECH_BELOW = 0.4
_HOLD = 3


class PauseHeads:
    """What the model itself expects: head 2 (2 s ahead), held for some frames, for it is jumpy."""

    def __init__(self) -> None:
        self.known = False
        self.probability = 0.0
        self._frames = 0
        self._pausing = False

    def feed(self, heads: tuple[float, ...]) -> int | None:
        """Take one step's heads; when a pause begins, give how many frames ago it did."""
        if len(heads) <= _HEAD or math.isnan(heads[_HEAD]):
            return None
        self.known = True
        self.probability = min(max(heads[_HEAD], 0.0), 1.0)
        if self.probability < _SPEECH_BELOW:
            self._pausing = False
        self._frames = self._frames + 1 if self.probability > _PAUSE_ABOVE else 0
        if self._pausing or self._frames < _HOLD:
            return None
        self._pausing = True
        return self._frames
