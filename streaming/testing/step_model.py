"""What a scripted server of /v1/realtime has in place of a model."""

from __future__ import annotations

from collections import deque

import numpy as np

from streaming.audio import FRAME_SAMPLES, Pcm
from streaming.testing.scripted_server import LEVELS, Hearing, WordEar

_PADDING = 11  # steps that such servers make of silence of their own, beyond the delay


def steady_level(pcm: Pcm) -> str | None:
    """Return the word that ``speech`` put into float32[n], after resampling too."""
    number = round(float(np.median(np.abs(pcm))) * LEVELS)
    return f"w{number}" if number else None


class StepModel:
    """The model for one utterance: gives the texts of its steps, a word in several pieces."""

    def __init__(self, *, delay_frames: int, holds_back: bool, hearing: Hearing) -> None:
        self._delay = delay_frames
        self._holds_back = delay_frames if holds_back else 0
        self._ear = WordEar(hearing)
        self._heard = 0
        self._due: deque[tuple[int, str]] = deque()  # (frames heard by then, piece)

    def feed(self, pcm: Pcm) -> list[str]:
        """Hear float32[1920]; the text of a step, if there is one."""
        if over := self._ear.feed(pcm):
            word, _ = over
            due = self._heard + self._delay
            # First a token that has no text, as a real model writes it.
            self._due += [(due, ""), (due, f" {word[:1]}"), (due, word[1:])]
        self._heard += 1
        if self._heard <= self._holds_back:
            return []
        ready = self._due and self._due[0][0] <= self._heard
        return [self._due.popleft()[1] if ready else ""]

    def end(self) -> list[str]:
        """The sound has ended: the texts of the steps that are left."""
        silence = np.zeros(FRAME_SAMPLES, np.float32)
        return [text for _ in range(self._delay + _PADDING) for text in self.feed(silence)]
