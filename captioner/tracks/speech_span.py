"""Maps a span of one track's speech from room time to stream time and back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streaming.audio import AudioFrame, samples_to_ms
from streaming.recognizer import Flushed, Heard, RecognizerEvent, Word

SETTLE_MS = 400
"""So long after a recogniser has heard a word's end the word may come, piece by piece."""


class SpeechSpan:
    """Speech that one stream recognises. Stream time begins with the first frame of ``lead``.

    heard_ms, said_ms: room time up to which audio is dealt with, and at which the last word began.
    end: the sample after the last frame, in room time.
    """

    def __init__(self, lead: Sequence[AudioFrame]) -> None:
        self._begin = lead[0].position if lead else 0
        self.end = _end(lead[-1]) if lead else 0
        self.heard_ms = self.room_ms(0)
        self.said_ms: int | None = None

    @property
    def unsettled_ms(self) -> int | None:
        """Room time from which on words may still come; None: this is no speech."""
        if not self.end:
            return None
        return max(self.heard_ms - SETTLE_MS, self.room_ms(0))

    @property
    def behind_ms(self) -> int:
        """Audio that was read and that no recogniser has dealt with."""
        return max(samples_to_ms(self.end) - self.heard_ms, 0)

    def room_ms(self, stream_ms: int) -> int:
        """Convert stream time to room time."""
        return samples_to_ms(self._begin) + stream_ms

    def place(self, frame: AudioFrame) -> AudioFrame:
        """Return the next frame in stream time."""
        self.end = max(self.end, _end(frame))
        return replace(frame, position=frame.position - self._begin)

    def take(self, event: RecognizerEvent) -> None:
        """Note how far the stream is."""
        match event:
            case Word(start_ms=start_ms):
                self.said_ms = self.room_ms(start_ms)
            case Heard(at_ms) | Flushed(at_ms):
                self.heard_ms = self.room_ms(at_ms)


def _end(frame: AudioFrame) -> int:
    return frame.position + len(frame.pcm)
