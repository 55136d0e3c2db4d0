"""When the speaker pauses: from the model's pause heads, or from voice activity."""

from __future__ import annotations

import math

_HEAD = 2
_PAUSE_ABOVE = 0.6
_SPEECH_BELOW = 0.4
_HOLD = 3
_QUIET = 5  # frames: 0.4 s


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


class PauseByVoice:
    """The same from voice activity, for models without heads."""

    def __init__(self) -> None:
        self._quiet = 0
        self._spoke = False

    def feed(self, voiced: bool) -> int | None:
        """Take one frame; when a pause begins, give how many frames ago it did."""
        self._spoke = self._spoke or voiced
        self._quiet = 0 if voiced else self._quiet + 1
        if not self._spoke or self._quiet < _QUIET:
            return None
        self._spoke = False
        return self._quiet
