"""Tells speech from hypotheses that the model makes up from noise or music."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from streaming.embedded.agreement import key
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.segments import SpeechSegment

NOTHING = Hypothesis((), ())

_VOICE = 0.5
_LEAST = 6  # chunks: 0.2 s
_SHORT = 16  # chunks: half a second
_LITTLE = 32  # chunks: a second
_PER_WORD = 4  # chunks: 8 words a second, twice as fast as people read aloud
_FEW = 2  # words
_PHRASE = 3  # words
_SURE = 0.35
_SURE_IF_SHORT = 0.6


def plausible(answer: Hypothesis, segment: SpeechSegment, until: int) -> Hypothesis:
    """Return ``answer`` without what the audio up to chunk ``until`` does not support.

    Nothing remains if the detector found hardly any voice, if there are more words than anybody
    says in that much voice, or if a few words have low probability: from music the model makes
    "You" with a probability of 0.2, and ten words from half a second of voice. A phrase repeated
    three times at the end is reduced to one: the model does this with "it was the season of
    light." where audio is cut off, in several successive hypotheses. "No, no, no." may be real.
    """
    voiced = sum(p >= _VOICE for p in segment.voice[: until - segment.start])
    if voiced < _LEAST or not answer.words:
        return NOTHING
    sure = fmean(word.probability for word in answer.words)
    count = len(answer.words)
    doubted = sure < _SURE and (count <= _FEW or voiced < _LITTLE)
    doubted |= sure < _SURE_IF_SHORT and count <= _FEW and voiced < _SHORT
    if doubted or count > voiced / _PER_WORD + _FEW:
        return NOTHING
    kept = once([key(word.text) for word in answer.words], least=_PHRASE if answer.complete else 1)
    return Hypothesis(answer.words[:kept], answer.tokens, answer.complete)


def once(words: Sequence[str], *, least: int = 1) -> int:
    """Return the number of words left after reducing a phrase that ends it three times or more.

    least: words in a phrase.
    """
    for period in range(least, len(words) // 3 + 1):
        end = len(words)
        while end > period and words[end - period - 1] == words[end - 1]:
            end -= 1
        if len(words) - end >= 2 * period:
            return end
    return len(words)
