"""The interface of observers: what is played, and what was observed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from eval.corpus.spoken_words import RefWord, Turn
from eval.observation import Shown
from streaming.audio import Pcm

RATE = 48_000
"""The sample rate of everything that is played."""

TRAIL_S = 1.5
"""Silence after a clip: longer than the pause at which a caption ends."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What to play: float32 at RATE for each microphone, by the speaker's name."""

    microphones: Mapping[str, Pcm]

    @property
    def seconds(self) -> float:
        """The duration of the longest."""
        return max(len(pcm) for pcm in self.microphones.values()) / RATE


@dataclass(slots=True)
class Handed:
    """When each sample was published, on the monotonic clock."""

    samples: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def note(self, samples: int, at: float) -> None:
        """For ``SoundPublisher.play``."""
        self.samples.append(samples)
        self.at.append(at)

    def at_s(self, sample: int) -> float:
        """Return when the piece that ends the first ``sample`` samples was published."""
        return self.at[min(bisect_left(self.samples, sample), len(self.at) - 1)]

    @property
    def torn_ms(self) -> int:
        """Holes in the sound, where this machine was too busy to pass it on in time."""
        if not self.at:
            return 0
        took_s = self.at[-1] - self.at[0]
        return round(1000 * (took_s - (self.samples[-1] - self.samples[0]) / RATE))


@dataclass(frozen=True, slots=True)
class Seen:
    """The observation of a clip, on its own clock: ms since its first sample was published.

    handed: for each microphone, when the audio up to a millisecond of its file was published.
    page: see ``Observation.page``.
    """

    shown: Sequence[Shown]
    until_ms: int
    handed: Mapping[str, Callable[[int], int]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    page: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def as_handed(self, turn: Turn) -> Turn:
        """Return the turn on the clock of the audio as it was published."""
        handed = self.handed.get(turn.speaker) or next(iter(self.handed.values()), None)
        if handed is None:
            return turn
        words = tuple(RefWord(w.text, handed(w.start_ms), handed(w.end_ms)) for w in turn.words)
        return replace(turn, words=words)


class Watch(Protocol):
    """An observer, ready to take clips one after the other."""

    versions: Mapping[str, str]

    async def observe(self, played: Performance) -> Seen:
        """Play a clip, and return what was observed."""
        ...


class WatchFailed(Exception):
    """Nothing more can be played: a component failed. The message says what to do."""
