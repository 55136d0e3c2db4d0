"""Decides which words of repeated hypotheses are shown, and which are settled.

A growing piece of audio is decoded every few hundred milliseconds. Each time the model transcribes
all of it again, sometimes differently. The model is not constrained to a prefix (that costs 1.5
points of word error rate). Instead the words occupy a row of slots, each hypothesis is aligned with
the row, and every slot counts how many successive hypotheses agree on its word. This is local
agreement (Liu, Niehues, Spanakis 2020; Macháček, Dabre, Bojar 2023), applied to single words rather
than to a prefix: a word that alternates keeps what is shown for it, and holds back no other word.
Words are compared without case and punctuation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from streaming.embedded.hypothesis import HeardWord
from streaming.sentences import ends_sentence

_NEVER = 1_000_000
_CLOSING = ".,。，、"
_SPARE = 2  # settled words kept beyond the remaining audio, because the cut is an estimate


@dataclass(frozen=True, slots=True)
class AgreementPolicy:
    """How many successive hypotheses must agree on a word.

    show: to show it. settle: to settle it. revise: on another word, to replace a shown word.
    A hypothesis counts less than one if the model gives the word a probability below ``doubt``.
    reach: a word followed by this many shown words is never replaced. patience: a word is settled
    without agreement after this many further hypotheses. sure: a word of this probability is shown
    at once if another follows it. after_ms: a word with so much sound after it, where the model
    tells its place, is shown at first sight; None: never.

    The defaults were chosen on two samples of joined English clips, and on single clips
    (benchmarks/engine.py). With show 2, settle 3, revise 2, doubt 0.5 words appear 0.14 s sooner,
    for 0.3 points more word error and equal erasure; settling at 4 with revise 2 adds 0.04 erasure
    without a benefit; reach 5 saves 0.03 erasure for 0.1 to 0.2 points.
    """

    show: float = 2.2
    settle: float = 4.0
    revise: float = 3.0
    reach: int = 8
    patience: float = 4.0
    sure: float = 0.9
    doubt: float = 0.8
    after_ms: int | None = None


def key(word: str) -> str:
    """Return the word without case and punctuation, or unchanged if nothing would be left."""
    bare = "".join(c for c in word if c.isalnum())
    return (bare or word).casefold()


@dataclass(slots=True)
class Slot:
    """A place in the row of words. An empty word means that there is none after all.

    count: successive hypotheses for ``word``. seen: hypotheses that reached this far.
    index: of the word of the last hypothesis that is here, or would be.
    joined: the word continues the previous one without a space. after_ms: of the sound that the
    last hypothesis heard after it, if known.
    """

    word: str
    probability: float = 0.0
    index: int = 0
    count: float = 1.0
    seen: int = 1
    rival: str = ""
    rival_count: float = 0.0
    shown: bool = False
    settled: bool = False
    joined: bool = False
    after_ms: int | None = None

    def vote(self, word: HeardWord, weight: float, *, needed: float) -> None:
        """Count a hypothesis that has ``word`` here; ``needed`` votes replace the current word."""
        self.seen += 1
        self.probability = word.probability
        if self.settled:
            return
        if key(word.text) == key(self.word):
            self.word, self.joined = word.text, word.joined
            self.count += weight
            self.rival_count = 0.0
            return
        same = key(word.text) == key(self.rival)
        self.rival_count = self.rival_count + weight if same else weight
        self.rival, self.count = word.text, 0.0
        if self.rival_count >= needed:
            self.word, self.joined = word.text, word.joined
            self.count, self.rival_count = self.rival_count, 0.0


_NONE = HeardWord("", 0.0)


class Agreement:
    """The words of one segment."""

    def __init__(self, policy: AgreementPolicy) -> None:
        self._policy = policy
        self._after_ms = _NEVER if policy.after_ms is None else policy.after_ms
        self._row: list[Slot] = []
        self._paused = False
        self._until_ms = 0

    def feed(
        self, words: Sequence[HeardWord], *, paused: bool = False, until_ms: int = 0
    ) -> list[Slot]:
        """Take a hypothesis of the whole segment; return the slots that it settles.

        paused: nobody speaks at its end, so its last words are complete. until_ms: its end, on the
        clock of the words' spans.
        """
        self._paused, self._until_ms = paused, until_ms
        self._row = self._joined(words)
        self._show(self._showable())
        return self._settle(self._agreed())

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
        slots = [slot for slot in self._row if slot.shown and not slot.settled and slot.word]
        for i, slot in enumerate(slots[:-1]):
            if ends_sentence(slot.word):
                return slots[: i + 1]
        if slots and not self._paused and self._row[-1].shown:
            # The model ends every piece of audio as if a sentence ended there.
            slots[-1] = replace(slots[-1], word=slots[-1].word.rstrip(_CLOSING))
        return slots

    def _joined(self, words: Sequence[HeardWord], *, last: bool = False) -> list[Slot]:
        """Return the row after the votes of a hypothesis, with slots for its new words."""
        row: list[Slot] = []
        settled = sum(slot.settled for slot in self._row)
        index = 0
        for slot, word in align(self._row, words):
            if slot is not None:
                row.append(slot)
                slot.index = index
                weight = self._weight(word)
                slot.vote(word or _NONE, weight, needed=self._needed(slot, last=last))
                slot.after_ms = self._after(word) if word and not slot.rival_count else None
            elif word is not None and sum(s.settled for s in row) == settled:
                weight = self._weight(word)
                row.append(self._new_slot(row, word, index, weight, last=last))
            index += word is not None
        return [slot for slot in row if slot.word or slot.rival or slot.shown]

    def _after(self, word: HeardWord) -> int | None:
        return self._until_ms - word.span[1] if word.span else None

    def _weight(self, word: HeardWord | None) -> float:
        """Return the weight of a vote, which is less if the model is unsure."""
        if self._paused or word is None:
            return 1.0
        return 1.0 - max(0.0, self._policy.doubt - word.probability)

    def _new_slot(
        self, row: list[Slot], word: HeardWord, index: int, weight: float, *, last: bool
    ) -> Slot:
        if last or sum(slot.shown for slot in row) == sum(slot.shown for slot in self._row):
            after_ms = self._after(word)
            return Slot(
                word.text, word.probability, index, weight, joined=word.joined, after_ms=after_ms
            )
        # Between shown words: it needs votes like any other revision.
        return Slot("", 0.0, index, rival=word.text, rival_count=weight, count=0.0, shown=True)

    def _needed(self, slot: Slot, *, last: bool) -> float:
        if not slot.shown:
            return 1
        after = sum(
            other.shown and bool(other.word) for other in self._row[self._row.index(slot) + 1 :]
        )
        if after >= self._policy.reach:
            return _NEVER
        return 1 if last else self._policy.revise

    def _showable(self) -> int:
        """Return the number of slots that may be shown."""
        if self._paused:
            return len(self._row)
        last = len(self._row) - 1
        until = 0
        for i, slot in enumerate(self._row):
            agreed = slot.count >= self._policy.show
            sure = slot.probability >= self._policy.sure and i < last
            tired = slot.seen >= self._policy.show + 2 and i < last
            heard = slot.after_ms is not None and slot.after_ms >= self._after_ms
            if not (slot.shown or agreed or sure or tired or heard):
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

    def _settle(self, until: int) -> list[Slot]:
        new = [slot for slot in self._row[:until] if not slot.settled]
        for slot in new:
            slot.settled = True
        return [slot for slot in new if slot.word]


_AFTER = 0.5  # cost of a word after the row, which grows at its end


def align(
    row: Sequence[Slot], words: Sequence[HeardWord]
) -> list[tuple[Slot | None, HeardWord | None]]:
    """Pair slots with words at the least edit distance; unpaired ones are paired with None.

    Words after the whole row cost little, and of equal alignments the one with new words last is
    chosen, because audio grows at its end. Otherwise "it was the age of" would be aligned with the
    preceding "it was the season of" whenever the model omits a word, and a phrase would be lost.
    """
    have = [(key(slot.word), key(slot.rival)) for slot in row]
    new = [key(word.text) for word in words]
    table = [[j * (1.0 if row else _AFTER) for j in range(len(new) + 1)]]
    for i, (word, rival) in enumerate(have, 1):
        added = 1.0 if i < len(row) else _AFTER
        above = table[-1]
        here = [above[0] + (1.0 if word else 0.0)]
        for j, other in enumerate(new, 1):
            cost = 0.0 if other == word else 0.5 if other == rival else 1.0
            here.append(
                min(above[j - 1] + cost, above[j] + (1.0 if word else 0.0), here[-1] + added)
            )
        table.append(here)
    pairs: list[tuple[Slot | None, HeardWord | None]] = []
    i, j = len(have), len(new)
    while i or j:
        if j and table[i][j] == table[i][j - 1] + (1.0 if i < len(row) else _AFTER):
            j -= 1
            pairs.append((None, words[j]))
            continue
        if i and table[i][j] == table[i - 1][j] + (1.0 if have[i - 1][0] else 0.0):
            i -= 1
            pairs.append((row[i], None))
            continue
        i, j = i - 1, j - 1
        pairs.append((row[i], words[j]))
    return pairs[::-1]
