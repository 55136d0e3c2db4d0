"""Tells speech from hypotheses that the model makes up from noise or music."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from streaming.embedded.agreement import key
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.segments import SpeechSegment

NOTHING = Hypothesis((), ())

_VOICE = 0.5
_LEAST = 6  # chunks: 0.2 s


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model must be sure of, to be believed.

    sure: the least mean probability of a few words, or of words from little voice;
    sure_if_short: of a few words from a short voice. few: words. little, short: chunks of voice.
    a_word: the fewest chunks of voice for each word beyond a few: 4 is 8 words a second, twice as
    fast as people read aloud. phrase: words that may be repeated three times at the end.
    inventions: phrases that the model makes up, and that are left out at the end.
    """

    sure: float = 0.35
    sure_if_short: float = 0.6
    few: int = 2
    little: int = 32
    short: int = 16
    a_word: int = 4
    phrase: int = 3
    inventions: Sequence[str] = ()


def plausible(answer: Hypothesis, segment: SpeechSegment, until: int, limits: Limits) -> Hypothesis:
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
    doubted = sure < limits.sure and (count <= limits.few or voiced < limits.little)
    doubted |= sure < limits.sure_if_short and count <= limits.few and voiced < limits.short
    if doubted or count > voiced / limits.a_word + limits.few:
        return NOTHING
    least = limits.phrase if answer.complete else 1
    kept = once([key(word.text) for word in answer.words], least=least)
    words = answer.words[:kept]
    words = words[: len(words) - invented([word.text for word in words], limits.inventions)]
    return Hypothesis(words, answer.tokens, answer.complete)


def invented(words: Sequence[str], inventions: Sequence[str]) -> int:
    """Return the number of words at the end that are one of ``inventions``."""
    phrases = {_bare(phrase.split()) for phrase in inventions}
    longest = max(map(len, phrases), default=0)
    ends = range(1, min(len(words), longest) + 1)
    return max((n for n in ends if _bare(words[-n:]) in phrases), default=0)


def _bare(words: Sequence[str]) -> str:
    return "".join(map(key, words))


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
