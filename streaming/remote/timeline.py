"""Which moment of a stream each sample sent to a server is: silence of ours is taken out again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_SPANS = 512  # some minutes even when somebody pauses every second; older words do not come


@dataclass(frozen=True, slots=True)
class _Span:
    sent: int  # samples sent before it
    position: int  # of its first sample in the stream
    real: bool


class Timeline:
    """Grows with every sample that is sent; positions are samples at 24 kHz."""

    def __init__(self) -> None:
        self.sent = 0
        self.position = 0
        self._spans = deque([_Span(0, 0, False)], maxlen=_SPANS)

    def begin(self, position: int) -> None:
        """The first sound that will be sent is at ``position`` in the stream."""
        self.position = position
        self._spans = deque([_Span(0, position, False)], maxlen=_SPANS)

    def sound(self, position: int, samples: int) -> None:
        """``samples`` of the stream were sent, which begin at ``position``."""
        span = self._spans[-1]
        if not span.real or span.position + self.sent - span.sent != position:
            self._spans.append(_Span(self.sent, position, True))
        self.sent += samples
        self.position = position + samples

    def silence(self, samples: int) -> None:
        """``samples`` of silence were sent that are no part of the stream."""
        if self._spans[-1].real:
            self._spans.append(_Span(self.sent, self.position, False))
        self.sent += samples

    def position_of(self, sent: int) -> int:
        """Where in the stream sample ``sent`` of what was sent is."""
        span = self._span(sent)
        ahead = max(min(sent, self.sent) - span.sent, 0)
        return min(span.position + (ahead if span.real else 0), self.position)

    def is_sound(self, sent: int) -> bool:
        """Whether sample ``sent`` of what was sent is of the stream."""
        return self._span(sent).real

    def _span(self, sent: int) -> _Span:
        for span in reversed(self._spans):
            if span.sent <= sent:
                return span
        return self._spans[0]
