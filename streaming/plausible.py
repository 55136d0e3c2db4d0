"""Whether a hypothesis is speech that was heard, or made up out of noise or music."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from streaming.agreement import key
from streaming.moonshine import Hypothesis
from streaming.segments import Segment

NOTHING = Hypothesis((), ())


def plausible(answer: Hypothesis, segment: Segment, until: int) -> Hypothesis:
    """``answer``, without what the sound up to chunk ``until`` does not bear out.

    Nothing stays where the detector heard next to no voice, or of a word or two that the model
    itself doubts: out of music and coughs it makes "You" at a probability of 0.2. Of a phrase
    that it repeats until it is stopped, one stays.
    """
    voiced = sum(p >= _VOICE for p in segment.voice[: until - segment.start])
    if voiced < _LEAST or not answer.words:
        return NOTHING
    sure = fmean(word.probability for word in answer.words)
    if len(answer.words) <= _FEW and sure < (_SURE if voiced >= _SHORT else _SURE_IF_SHORT):
        return NOTHING
    if answer.complete:
        return answer
    kept = once([key(word.text) for word in answer.words])
    return Hypothesis(answer.words[:kept], answer.tokens)


def once(words: Sequence[str]) -> int:
    """How many words are left when a phrase repeated at the end, thrice or more, stays once."""
    for period in range(1, len(words) // 3 + 1):
        end = len(words)
        while end > period and words[end - period - 1] == words[end - 1]:
            end -= 1
        if len(words) - end >= 2 * period:
            return end
    return len(words)


_VOICE = 0.5
_LEAST = 6  # chunks: 0.2 s
_SHORT = 16  # chunks: half a second
_FEW = 2  # words
_SURE = 0.35
_SURE_IF_SHORT = 0.6
