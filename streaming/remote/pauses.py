"""When the speaker pauses, from voice activity."""

from __future__ import annotations

_QUIET = 5  # frames: 0.4 s


class PauseByVoice:
    """For models that do not tell."""

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
