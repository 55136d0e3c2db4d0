"""Whether a hypothesis is speech that was heard, or made up out of noise or music."""

from __future__ import annotations

from streaming.moonshine import Hypothesis
from streaming.segments import Segment

NOTHING = Hypothesis((), ())


def plausible(answer: Hypothesis, segment: Segment, until: int) -> Hypothesis:
    """``answer``, or nothing if the sound up to chunk ``until`` does not bear it out."""
    voice = segment.voice[: until - segment.start]
    return answer if sum(p >= _VOICE for p in voice) >= _LEAST else NOTHING


_VOICE = 0.5
_LEAST = 6  # chunks: 0.2 s
