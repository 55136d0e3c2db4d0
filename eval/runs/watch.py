"""A clip on its way to whoever looks: what is played, and what was seen of it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from eval.corpus.spoken_words import RefWord, Turn
from eval.runs.observation import Shown
from streaming.audio import Pcm

RATE = 48_000
"""Of everything that is played."""

TRAIL_S = 1.5
"""Silence after a clip: longer than the pause at which a caption ends."""


@dataclass(frozen=True, slots=True)
class Played:
    """What is to be heard: for each microphone, by the name of who speaks, float32 at RATE."""

    microphones: Mapping[str, Pcm]

    @property
    def seconds(self) -> float:
        """The longest of them."""
        return max(len(pcm) for pcm in self.microphones.values()) / RATE


@dataclass(slots=True)
class Handed:
    """When each sample was handed to the publisher's audio source, on the monotonic clock."""

    samples: list[int] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def note(self, samples: int, at: float) -> None:
        """For ``SoundPublisher.play``."""
        self.samples.append(samples)
        self.at.append(at)

    def at_s(self, sample: int) -> float:
        """When the piece with the end of ``sample`` samples was handed over."""
        return self.at[min(bisect_left(self.samples, sample), len(self.at) - 1)]

    def on_wall(self, word: RefWord, wall_s: float) -> RefWord:
        """The word in ms from ``wall_s``, which is what the wall clock shows at monotonic 0."""
        start, end = (
            round((self.at_s(ms * RATE // 1000) + wall_s) * 1000)
            for ms in (word.start_ms, word.end_ms)
        )
        return RefWord(word.text, start, max(end, start))


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a clip, on its own clock: ms since its first sample was handed over.

    handed: of each microphone, when the sound up to a millisecond of its file was handed over.
    page: as ``Observation.page``.
    """

    shown: Sequence[Shown]
    until_ms: int
    handed: Mapping[str, Callable[[int], int]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    page: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def as_handed(self, turn: Turn) -> Turn:
        """The turn on the clock of the sound as it was really handed over."""
        handed = self.handed.get(turn.speaker) or next(iter(self.handed.values()), None)
        if handed is None:
            return turn
        words = tuple(RefWord(w.text, handed(w.start_ms), handed(w.end_ms)) for w in turn.words)
        return replace(turn, words=words)


class Watch(Protocol):
    """A way of looking, ready to be given clips one after the other."""

    versions: Mapping[str, str]

    async def observe(self, played: Played) -> Seen:
        """Play it, and give what was to be seen."""
        ...


class WatchFailed(Exception):
    """Nothing more can be played: the machinery broke. The message says what to do."""
