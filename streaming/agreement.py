"""Which words of a hypothesis that is made again and again may be shown, and which are settled.

A growing piece of sound is decoded every few hundred milliseconds. Each time the model says all of
it anew, and now and then otherwise. Nothing is forced on the model (that costs 1.5 points of word
error rate); instead each hypothesis is joined to the words already settled by alignment, and of
what follows, words are shown and settled when successive hypotheses agree on them ("local
agreement", Liu, Niehues, Spanakis 2020; Macháček, Dabre, Bojar 2023). Words are compared without
case and punctuation. What is shown is taken back only when hypotheses agree against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streaming.moonshine import HeardWord

_SENTENCE_ENDS = (".", "?", "!", "…")


@dataclass(frozen=True, slots=True)
class AgreementPolicy:
    """How often hypotheses must agree on a word, and on all before it.

    show: to show it. settle: to settle it. revise: to take back what is shown for it.
    sure: a word that the model gives this probability, as all before it, is shown at first sight
    if ``margin`` words follow it.
    """

    show: int = 2
    settle: int = 4
    revise: int = 2
    sure: float = 0.9
    margin: int = 1


def key(word: str) -> str:
    """The word without case and punctuation; itself if nothing would be left."""
    bare = "".join(c for c in word if c.isalnum())
    return (bare or word).casefold()


def ends_sentence(word: str) -> bool:
    """Whether a sentence ends with ``word``."""
    return word.rstrip("\"'”’)").endswith(_SENTENCE_ENDS)


def common(left: Sequence[str], right: Sequence[str]) -> int:
    """How many words at the beginning are the same, but for case and punctuation."""
    count = 0
    for a, b in zip(left, right, strict=False):
        if key(a) != key(b):
            break
        count += 1
    return count


def continuation(settled: Sequence[str], words: Sequence[str]) -> int:
    """Where in ``words`` that begins which comes after ``settled``.

    The beginning of ``words`` with the least edit distance to ``settled``; of several, the one
    whose length is nearest to it, as a word heard otherwise is likelier than one more.
    """
    # One row of Levenshtein's table at a time: distance[j] is to the first j words.
    distance = list(range(len(words) + 1))
    for i, word in enumerate(settled, 1):
        before, distance = distance, [i]
        for j, other in enumerate(words, 1):
            same = key(word) == key(other)
            distance.append(min(before[j - 1] + (not same), before[j] + 1, distance[-1] + 1))
    return min(range(len(words) + 1), key=lambda j: (distance[j], abs(j - len(settled)), -j))


class Agreement:
    """The words of one segment: what is settled, what is shown after it.

    ``settled`` only grows. ``shown`` is the tail.
    """

    def __init__(self, policy: AgreementPolicy, *, shown: Sequence[str] = ()) -> None:
        """``shown``: a tail that the segment before left, which is on the screen."""
        self._policy = policy
        self._last: list[str] = []
        self._counts: list[int] = []
        self._paused = False
        self.settled: list[str] = []
        self.begin = 0  # where in the last hypothesis the words not settled before it begin
        self.shown: list[str] = list(shown)

    def feed(self, words: Sequence[HeardWord], *, paused: bool = False) -> list[str]:
        """Take a hypothesis of the whole segment; give the words that it settles.

        paused: nobody speaks at its end, so its last words are as complete as they will be.
        """
        new = self._new(words)
        self._paused = paused
        self._count([word.text for word in new])
        self._show(new, paused=paused)
        return self._settle(self._agreed(paused=paused))

    def finish(self, words: Sequence[HeardWord]) -> list[str]:
        """Take the last hypothesis of all that was heard; give the words that it settles.

        ``shown`` keeps what was shown beyond them.
        """
        rest = [word.text for word in self._new(words)]
        self._last, self._counts = [], []
        self.shown = self.shown[continuation(rest, self.shown) :]
        self.settled += rest
        return rest

    def _new(self, words: Sequence[HeardWord]) -> Sequence[HeardWord]:
        self.begin = continuation(self.settled, [word.text for word in words])
        return words[self.begin :]

    def _count(self, words: list[str]) -> None:
        same = common(self._last, words)
        self._counts = [n + 1 for n in self._counts[:same]] + [1] * (len(words) - same)
        self._last = words

    def _show(self, new: Sequence[HeardWord], *, paused: bool) -> None:
        words = [word.text for word in new]
        same = common(self.shown, words)
        kept = same == len(self.shown)
        if not kept:
            against = self._counts[same] if same < len(words) else self._policy.revise
            if against < self._policy.revise and not paused:
                return
        until = len(words) if paused else self._showable(new)
        self.shown = words[: max(until, same)]

    def _showable(self, new: Sequence[HeardWord]) -> int:
        sure = 0
        while sure < len(new) - self._policy.margin and new[sure].probability >= self._policy.sure:
            sure += 1
        return max(sure, sum(n >= self._policy.show for n in self._counts))

    def _agreed(self, *, paused: bool) -> int:
        """How many of the last words are settled now."""
        agreed = sum(n >= self._policy.settle for n in self._counts)
        ends = [i + 1 for i, word in enumerate(self._last) if ends_sentence(word)]
        # A cue ends with its sentence, and what follows waits for that: such a word is settled
        # as soon as it may be shown and something follows it.
        quick = sum(n >= self._policy.show for n in self._counts)
        early = [end for end in ends if end <= quick and end < len(self._last)]
        return min(max([agreed, *early]), len(self.shown))

    def _settle(self, count: int) -> list[str]:
        new = self._last[:count]
        if common(self.shown, new) < count:
            return []
        self.settled += new
        self._last, self._counts = self._last[count:], self._counts[count:]
        self.shown = self.shown[count:]
        return new

    @property
    def tail(self) -> list[str]:
        """What to show after the settled words: to the end of a sentence, not beyond it."""
        for i, word in enumerate(self.shown[:-1]):
            if ends_sentence(word):
                return self.shown[: i + 1]
        if not self._paused and len(self.shown) == len(self._last):
            # The model ends every piece of sound as if a sentence ended there.
            return [*self.shown[:-1], *(word.rstrip(".,") for word in self.shown[-1:])]
        return list(self.shown)
