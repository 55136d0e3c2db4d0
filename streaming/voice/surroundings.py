"""Tells a bad room by its sound: the level of a voice hardly falls between its sounds. Pure.

Within 64 ms after a vowel or in a closed consonant the level of a near voice in a quiet room falls
by 13 dB and more, again and again. An echoing room goes on sounding (100 dB a second at a
reverberation time of 0.6 s), and noise fills the gaps. How loud the voice is makes no difference.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from streaming.audio import Pcm


@dataclass(frozen=True, slots=True)
class SurroundingsPolicy:
    """When a room is bad: if the level falls less, within ``apart`` chunks of 32 ms of a voice.

    bad_db, good_db: the fall that one of ``one_of`` falls reaches; below the first a room becomes
    bad, and above the second good again. least, most: falls that are looked at.
    """

    apart: int = 2
    one_of: int = 20
    bad_db: float = 10.0
    good_db: float = 13.0
    least: int = 31
    most: int = 156


_LEAST = 1e-10  # a mean square


class Surroundings:
    """The room of one voice, as far as its last seconds tell. bad: whether it is a bad one."""

    def __init__(self, policy: SurroundingsPolicy | None = None) -> None:
        self._policy = policy or SurroundingsPolicy()
        self._last: deque[tuple[float, bool]] = deque(maxlen=self._policy.apart)
        self._falls: deque[float] = deque(maxlen=self._policy.most)
        self.bad = False

    def feed(self, chunk: Pcm, *, voiced: bool) -> None:
        """Take the next 32 ms, float32[512] at 16 kHz. voiced: whether somebody speaks in it."""
        level = _level(chunk)
        if len(self._last) == self._policy.apart:
            before, spoken = self._last[0]
            if spoken:
                self._falls.append(before - level)
        self._last.append((level, voiced))
        if voiced and len(self._falls) >= self._policy.least:
            self.bad = self._fall < (self._policy.good_db if self.bad else self._policy.bad_db)

    @property
    def _fall(self) -> float:
        return sorted(self._falls)[-1 - len(self._falls) // self._policy.one_of]


def _level(chunk: Pcm) -> float:
    """Return the level in dB, of high frequencies above all: hum and rumble hide no speech."""
    difference = np.diff(chunk)
    return 10 * float(np.log10(np.mean(difference * difference) + _LEAST))
