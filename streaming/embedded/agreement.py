"""Decides which words of repeated hypotheses are shown, and which are settled.

A growing piece of audio is decoded every few hundred milliseconds. Each time the model transcribes
all of it again, sometimes differently. The model is not constrained to a prefix (that costs 1.5
points of word error rate). Instead the words occupy a row of slots, each hypothesis is aligned with
the row, and every slot counts the votes of successive hypotheses for its word. This is local
agreement (Liu, Niehues, Spanakis 2020; Macháček, Dabre, Bojar 2023), applied to single words rather
than to a prefix, and weighing the new sound that each hypothesis has heard. Neighbours that a
hypothesis has otherwise are replaced together or not at all, and what is settled at once is what
one hypothesis has: parts of several make nonsense. While hypotheses disagree with what is shown, it
stays, and nothing after it is shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import inf
from statistics import fmean

from streaming.embedded.alignment import Pair, Slot, align, found, key
from streaming.embedded.hypothesis import HeardWord
from streaming.sentences import ends_sentence

_NEVER = 1_000_000
_CLOSING = ".,。，、"
_RECENT = 16  # hypotheses
_MOST = 1.75  # votes of one hypothesis, however much new sound it has heard
_SPARE = 2  # settled words kept beyond the remaining audio, because the cut may lie within a word


@dataclass(frozen=True, slots=True)
class AgreementPolicy:
    """How many votes of successive hypotheses a word must have.

    vote_ms: new sound for which a hypothesis has one vote; more or less in proportion, because what
    counts is the sound that changed nothing, however often it was decoded. 0: always one.
    show: to show a word. settle: to settle it. revise: for another word, to replace a shown one.
    A vote counts less if the model gives the word a probability below ``doubt``.
    reach: a word followed by this many shown words is never replaced. patience: a word is settled
    without agreement after this many further votes. again: a word of this probability is shown
    when a second hypothesis has it; sure: at first sight, if another follows it.
    after_ms: a word with so much sound after it is shown at first sight if it has at least the
    probability ``likely``.
    apart_ms: as ``align`` has it. The places of Moonshine's last words move by up to half a second
    when more is heard, and so decide nothing.

    The defaults were chosen on joined English clips of some readers, and tried on those of others
    (benchmarks/engine.py). Of words that Moonshine has for the first time, with a probability of
    0.9 or more and another word after them, it takes back one in five; of those above 0.8 that two
    hypotheses have, whether another follows or not, one in thirty.
    """

    vote_ms: int = 200
    show: float = 2.2
    settle: float = 5.0
    revise: float = 2.5
    reach: int = 8
    patience: float = 4.0
    again: float = 0.8
    sure: float = inf
    doubt: float = 0.8
    after_ms: float = inf
    likely: float = 0.0
    apart_ms: float = inf


class Agreement:
    """The words of one segment."""

    def __init__(self, policy: AgreementPolicy) -> None:
        self.use(policy)
        self._row: list[Slot] = []
        self._recent: deque[tuple[Sequence[HeardWord], float]] = deque(maxlen=_RECENT)
        self._paused = False
        self._until_ms = 0
        self._share = 1.0

    def use(self, policy: AgreementPolicy) -> None:
        """Judge hypotheses by another policy from now on. What is settled stays."""
        self._policy = policy

    def feed(
        self, words: Sequence[HeardWord], *, paused: bool = False, until_ms: int = 0
    ) -> list[Slot]:
        """Take a hypothesis of the whole segment; return the slots that it settles.

        paused: nobody speaks at its end, so its last words are complete. until_ms: its end, on the
        clock of the words' spans.
        """
        self._share = self._share_of_vote(until_ms)
        self._paused, self._until_ms = paused, until_ms
        self._row = self._joined(words)
        self._show(self._showable())
        return self._settle(self._coherent(self._agreed()))

    def finish(self, words: Sequence[HeardWord]) -> list[Slot]:
        """Take the final hypothesis of all audio; return the slots that it settles."""
        self._paused = True
        self._row = self._joined(words, last=True)
        self._show(len(self._row))
        return self._settle(len(self._row))

    def forget(self, count: int) -> list[Slot]:
        """Drop the first ``count`` words of the last hypothesis; return the slots that settles."""
        until = sum(1 for slot in self._row if slot.index < count)
        self._show(until)
        new = self._settle(until)
        self._row = [
            replace(s, index=max(0, s.index - count)) for s in self._row[max(0, until - _SPARE) :]
        ]
        return new

    @property
    def begin(self) -> int:
        """Return the index of the first word of the last hypothesis that is not settled."""
        return next((slot.index for slot in self._row if not slot.settled), _NEVER)

    @property
    def tail(self) -> list[Slot]:
        """Return the words to show after the settled ones, up to the end of a sentence."""
        slots = [slot for slot in self._row if slot.shown and not slot.settled]
        for i, slot in enumerate(slots[:-1]):
            if ends_sentence(slot.word):
                return slots[: i + 1]
        if slots and not self._paused and self._row[-1].shown:
            # The model ends every piece of audio as if a sentence ended there.
            slots[-1] = replace(slots[-1], word=slots[-1].word.rstrip(_CLOSING))
        return slots

    def _joined(self, words: Sequence[HeardWord], *, last: bool = False) -> list[Slot]:
        """Return the row after a hypothesis, with slots for its new words."""
        self._recent.appendleft((words, self._share))
        pairs = align(self._row, words, apart_ms=self._policy.apart_ms)
        row = [slot for slot in self._row if slot.settled]
        begin = 1 + max((i for i, p in enumerate(pairs) if p.slot and p.slot.settled), default=-1)
        for pair in pairs[:begin]:
            if pair.slot:
                pair.slot.index = pair.index
        again = any(pair.same for pair in pairs[begin - 1 : begin])
        pairs = pairs[begin:]
        if row and not again:  # whose last word may now be heard as two
            pairs = [p for p in pairs if p.slot or (p.word and not row[-1].has(p.word))]
        firm = 1 + max((i for i, p in enumerate(pairs) if p.slot and p.slot.shown), default=-1)
        at = 0
        for same, group in groupby(pairs[:firm], key=lambda pair: pair.same):
            run = list(group)
            at += len(run)
            row += self._agreeing(run) if same else self._voted(run, pairs[at:firm], last=last)
        return row + self._agreeing(pairs[firm:])

    def _agreeing(self, pairs: Iterable[Pair]) -> list[Slot]:
        """Return slots with the words of the hypothesis."""
        row: list[Slot] = []
        for pair in pairs:
            if pair.word is None:
                continue
            weight, after_ms = self._weight(pair.word), self._after(pair.word)
            slot = pair.slot
            if slot is not None and pair.same:
                slot.agree(pair.word, weight, self._share, after_ms)
                slot.index = pair.index
            else:
                seen = self._share + (slot.seen if slot else 0.0)
                slot = self._slot(pair.word, pair.index, min(1.0, weight), seen=seen)
            row.append(slot)
        return row

    def _slot(self, word: HeardWord, index: int, count: float, *, seen: float) -> Slot:
        return Slot(
            word.text, word.span, word.probability, index, count, seen, joined=word.joined,
            after_ms=self._after(word),
        )  # fmt: skip

    def _voted(self, run: Sequence[Pair], after: Sequence[Pair], *, last: bool) -> list[Slot]:
        """Return the slots of words that the hypothesis has otherwise: all of them, or none."""
        new = [(pair.word, pair.index) for pair in run if pair.word]
        slots = [pair.slot for pair in run if pair.slot]
        shown = sum(pair.slot.shown for pair in after if pair.slot)
        votes = self._votes(run[0].index, run[0].index + len(new), followed=bool(shown))
        needed = 0 if last else self._policy.revise if shown < self._policy.reach else _NEVER
        if votes < needed:
            for pair in run:
                if pair.slot:
                    pair.slot.differ(self._share)
                    pair.slot.index = pair.index
            return slots
        seen = self._share + max((slot.seen for slot in slots), default=0.0)
        made = [self._slot(word, index, votes, seen=seen) for word, index in new]
        for slot in made:
            slot.shown = True
        return made

    def _votes(self, first: int, end: int, *, followed: bool) -> float:
        """Return the votes of successive hypotheses for some words of the last one."""
        words, _ = self._recent[0]
        # To leave a word out takes votes too: those that have its neighbours in succession.
        wanted = _bounded(words)[first : end + 1 + (followed or first == end)]
        votes = 0.0
        for hypothesis, share in self._recent:
            at = found(wanted, _bounded(hypothesis))
            if at is None:
                break
            inner = hypothesis[at:][: end - first]
            votes += share * (fmean(map(self._sure, inner)) if inner else 1.0)
        return votes

    def _after(self, word: HeardWord) -> int:
        return self._until_ms - word.span[1]

    def _share_of_vote(self, until_ms: int) -> float:
        """Return the vote of a hypothesis up to ``until_ms``, for the sound since the last one."""
        if not self._policy.vote_ms:
            return 1.0
        return min(_MOST, max(0, until_ms - self._until_ms) / self._policy.vote_ms)

    def _weight(self, word: HeardWord) -> float:
        return self._share * self._sure(word)

    def _sure(self, word: HeardWord) -> float:
        """Return the weight of a vote, which is less if the model is unsure."""
        if self._paused:
            return 1.0
        return 1.0 - max(0.0, self._policy.doubt - word.probability)

    def _showable(self) -> int:
        """Return the number of slots that may be shown."""
        if self._paused:
            return len(self._row)
        last = len(self._row) - 1
        until = 0
        for i, slot in enumerate(self._row):
            if slot.shown and not slot.settled and not slot.count:  # what follows may change too
                return max(n for n, s in enumerate(self._row, 1) if s.shown)
            agreed = slot.count >= self._policy.show
            again = slot.repeated and slot.probability >= self._policy.again
            sure = slot.probability >= self._policy.sure and i < last
            tired = slot.seen >= self._policy.show + 2 and i < last
            likely = slot.probability >= self._policy.likely
            heard = likely and slot.after_ms is not None and slot.after_ms >= self._policy.after_ms
            if not (slot.shown or agreed or again or sure or tired or heard):
                break
            until = i + 1
        return until

    def _show(self, until: int) -> None:
        for slot in self._row[:until]:
            slot.shown = True

    def _agreed(self) -> int:
        """Return the number of slots that are settled now."""
        until = end = 0
        for i, slot in enumerate(self._row):
            enough = slot.count >= self._policy.settle
            tired = slot.seen >= self._policy.settle + self._policy.patience
            if not slot.settled and not (slot.shown and (enough or tired)):
                break
            until = i + 1
        # A cue ends with its sentence, and what follows waits for it: so such a word is settled
        # as soon as it may be shown and something follows it.
        for i, slot in enumerate(self._row[:-1]):
            if not slot.shown or (not slot.settled and slot.seen < self._policy.show):
                break
            follows = self._row[i + 1].count >= 1.0
            if follows and ends_sentence(slot.word) and slot.count >= self._policy.show:
                end = i + 1
        return max(until, end)

    def _coherent(self, until: int) -> int:
        """Return how many of the slots to settle one hypothesis has in succession; at least one."""
        begin = sum(slot.settled for slot in self._row)
        keys = [key(slot.word) for slot in self._row[begin:until]]
        recent = [[key(word.text) for word in words] for words, _ in self._recent]
        while len(keys) > 1 and all(found(keys, heard) is None for heard in recent):
            keys.pop()
        return begin + len(keys)

    def _settle(self, until: int) -> list[Slot]:
        new = [slot for slot in self._row[:until] if not slot.settled]
        for slot in new:
            slot.settled = True
        return new


def _bounded(words: Sequence[HeardWord]) -> list[str]:
    """Return the keys of the words of a hypothesis, between its two ends."""
    return ["", *(key(word.text) for word in words), ""]
