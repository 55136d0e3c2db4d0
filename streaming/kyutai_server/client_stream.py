"""One client's audio in a batch: its queue, what was processed, and its words.

Times are stream time: audio received, without the silence that the server adds for a Marker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from streaming.audio import FRAME_SAMPLES, Pcm, samples_to_ms
from streaming.kyutai_server.token_words import Spoken, WordAssembler

SILENCE_AFTER_S = 0.16
"""How long a Marker waits for more audio before the server adds the silence that it needs.

Two frames, because in continuing speech silence would be taken for a pause.
"""

_TAIL_FRAMES = 2
"""Frames beyond the model's delay after which a word is complete: one by which audio is held back,
one of padding."""

_IN_WORD_MAX = 25
"""Steps for which a Marker waits for a word to be completed."""


@dataclass(frozen=True, slots=True)
class Marked:
    """All words before this Marker have been given."""

    id: int


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step of this stream. step: the server's count; waiting: samples still queued."""

    step: int
    pauses: tuple[float, ...]
    waiting: int


Answer = Spoken | Marked | Stepped


@dataclass(slots=True)
class Stream:
    """The state of one client's audio."""

    words: WordAssembler
    origins: deque[int]  # stream time of the last frames, ms
    frames: deque[Pcm] = field(default_factory=deque)
    partial: Pcm = field(default_factory=lambda: np.zeros(FRAME_SAMPLES, np.float32))
    filled: int = 0
    received: int = 0  # samples
    consumed: int = 0  # samples
    steps: int = 0
    heard_at_step: int = 0
    fed_at: float = 0.0
    marks: deque[tuple[int, int]] = field(default_factory=deque)  # samples before it, id

    @property
    def waiting(self) -> int:
        return len(self.frames) * FRAME_SAMPLES + self.filled

    def wants_silence(self, now: float) -> bool:
        return bool(self.marks) and now - self.fed_at >= SILENCE_AFTER_S

    def feed(self, pcm: Pcm) -> None:
        self.received += len(pcm)
        while len(pcm):
            taken = min(len(pcm), FRAME_SAMPLES - self.filled)
            self.partial[self.filled : self.filled + taken] = pcm[:taken]
            self.filled += taken
            pcm = pcm[taken:]
            if self.filled == FRAME_SAMPLES:
                self.frames.append(self.partial)
                self.partial = np.zeros(FRAME_SAMPLES, np.float32)
                self.filled = 0

    def take(self, now: float) -> Pcm | None:
        """Return the next frame, silence if a Marker waits for it, or None."""
        origin = samples_to_ms(self.consumed)
        if self.frames:
            frame = self.frames.popleft()
            self.consumed += FRAME_SAMPLES
            self.heard_at_step = self.steps + 1
        elif self.wants_silence(now):
            frame, self.partial = self.partial, np.zeros(FRAME_SAMPLES, np.float32)
            if self.filled:
                self.heard_at_step = self.steps + 1
            self.consumed += self.filled
            self.filled = 0
        else:
            return None
        self.steps += 1
        self.origins.append(origin)
        return frame

    def hear(self, token: int, delay: int) -> Iterator[Answer]:
        """Return the answers to the token of the last step."""
        full = len(self.origins) == self.origins.maxlen
        at_ms = self.origins[0] if full else 0
        yield from self.words.feed(token, at_ms)
        while self.marks and self._is_said(delay):
            # An unfinished word will not end now: give it before the Marker.
            yield from self.words.flush(at_ms) if self.words.in_word else self.words.pause()
            yield Marked(self.marks.popleft()[1])

    def _is_said(self, delay: int) -> bool:
        """Return whether all words before the first mark were given.

        Later audio counts too: the frame with the mark is ``behind`` frames back.
        """
        before = self.marks[0][0]
        if before > self.consumed:
            return False
        behind = (self.consumed - before) // FRAME_SAMPLES + self.steps - self.heard_at_step
        return behind >= delay + _TAIL_FRAMES + (_IN_WORD_MAX if self.words.in_word else 0)
