"""Measures captions' presence: stalls during speech, invented words, stuck captions.

Spans are (start, end) in ms, in sorted lists without overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

STALL_MS = 4000
"""This much speech without a new caption is a stall."""
STUCK_MS = 6000
"""Captions are closed 5 s after their last change; one second is for transport."""
PAUSE_MS = 800
"""Words less than this apart form one stretch of speech."""
MARGIN_MS = 500
"""Word times are inexact; captions this close to speech count as speech."""

Span = tuple[int, int]


def merged(spans: Iterable[Span], *, gap_ms: int = 0) -> list[Span]:
    """Merge spans that overlap or are at most ``gap_ms`` apart."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] <= gap_ms:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


@dataclass(frozen=True, slots=True)
class Stalls:
    """How often and how long speech continued without a new caption. Can be added."""

    count: int = 0
    stalled_ms: int = 0
    speech_ms: int = 0

    def __add__(self, other: Stalls) -> Stalls:
        return Stalls(
            self.count + other.count,
            self.stalled_ms + other.stalled_ms,
            self.speech_ms + other.speech_ms,
        )


def stalls(speech: Iterable[Span], changes_ms: Sequence[int]) -> Stalls:
    """Find stretches in which more than STALL_MS of one person's speech passed without a change.

    speech: when that person spoke, by word or by stretch. changes_ms: when a caption of that person
    showed something new. Silence between two changes does not count.
    """
    spans = merged(speech, gap_ms=PAUSE_MS)
    total = Stalls(speech_ms=sum(end - start for start, end in spans))
    if not spans:
        return total
    edges = [spans[0][0], *sorted(changes_ms), max(spans[-1][1], *changes_ms, 0)]
    for begin, end in pairwise(edges):
        waited = _overlap(spans, begin, end)
        if waited > STALL_MS:
            total += Stalls(1, waited)
    return total


def made_up(speech: Iterable[Span], shown: Iterable[tuple[Span, int]]) -> int:
    """Count the words of captions that lie entirely where nobody spoke.

    shown: each caption's time and number of words.
    """
    near = _with_margin(speech)
    return sum(words for (start, end), words in shown if not _overlap(near, start, max(end, start)))


def silence_ms(speech: Iterable[Span], *, until_ms: int) -> int:
    """Return how long nobody spoke in a clip of ``until_ms``."""
    return max(0, until_ms - _overlap(_with_margin(speech), 0, until_ms))


def _with_margin(speech: Iterable[Span]) -> list[Span]:
    return merged((start - MARGIN_MS, end + MARGIN_MS) for start, end in speech)


def is_stuck(changes_ms: Sequence[int], closed_ms: int | None, *, until_ms: int) -> bool:
    """Return whether a caption stayed open too long after its last change.

    closed_ms: when it was closed or deleted; None: it was still open at ``until_ms``.
    """
    return (until_ms if closed_ms is None else closed_ms) - max(changes_ms) > STUCK_MS


def _overlap(spans: Sequence[Span], begin: int, end: int) -> int:
    return sum(max(0, min(stop, end) - max(start, begin)) for start, stop in spans)
