"""Pairs the words of successive hypotheses: by what they are, and where in the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from streaming.embedded.hypothesis import HeardWord

_AFTER = 0.5  # cost of a word after the row, which grows at its end
_APART = 2.5  # cost of a pair: more than that of leaving one word out and putting one in
_APOSTROPHES = str.maketrans("\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}", "''")


def key(word: str) -> str:
    """Return the word without case and punctuation, or unchanged if nothing would be left.

    An apostrophe between letters stays: "we're" is not "were".
    """
    bare = "".join(c for c in word.translate(_APOSTROPHES) if c.isalnum() or c == "'").strip("'")
    return (bare or word).casefold()


@dataclass(slots=True)
class Slot:
    """A place in the row of words.

    count: votes of successive hypotheses for ``word``; repeated: whether there are two or more.
    seen: votes of hypotheses that reached this far.
    index: of the word of the last hypothesis that is here, or would be.
    joined: the word continues the previous one without a space. after_ms: of the sound that the
    last hypothesis heard after it, if that has it. span: its start and end in ms.
    """

    word: str
    span: tuple[int, int]
    probability: float = 0.0
    index: int = 0
    count: float = 1.0
    seen: float = 1.0
    repeated: bool = False
    shown: bool = False
    settled: bool = False
    joined: bool = False
    after_ms: int | None = None

    def agree(self, word: HeardWord, weight: float, share: float, after_ms: int) -> None:
        """Count a hypothesis that has ``word`` here too.

        share: of a vote; weight: the same, less where the model is unsure.
        """
        self.word, self.joined, self.span = word.text, word.joined, word.span
        self.probability, self.after_ms = word.probability, after_ms
        self.count += weight
        self.seen += share
        self.repeated = True

    def differ(self, share: float) -> None:
        """Count a hypothesis that has something else here."""
        self.after_ms = None
        self.count = 0.0
        self.repeated = False
        self.seen += share

    def has(self, word: HeardWord) -> bool:
        """Return whether the sound of ``word`` is that of this one."""
        again = key(word.text) == key(self.word)
        return self.span[1] >= (word.span[0] if again else sum(word.span) / 2)


@dataclass(frozen=True, slots=True)
class Pair:
    """A slot and the word of a hypothesis that is there; index: of that word, or of the next."""

    slot: Slot | None
    word: HeardWord | None
    index: int

    @property
    def same(self) -> bool:
        """Whether the hypothesis has the word of the slot."""
        if self.slot is None or self.word is None:
            return False
        return key(self.slot.word) == key(self.word.text)


def align(row: Sequence[Slot], words: Sequence[HeardWord], *, apart_ms: float = inf) -> list[Pair]:
    """Pair slots with words at the least edit distance; unpaired ones are paired with None.

    apart_ms: words farther apart are two, whatever they are.

    Words after the whole row cost little, and of equal alignments the one with new words last is
    chosen, because audio grows at its end. Otherwise "it was the age of" would be aligned with the
    preceding "it was the season of" whenever the model omits a word, and a phrase would be lost.
    """
    added = [1.0] * len(row) + [_AFTER]
    table = [[j * added[0] for j in range(len(words) + 1)]]
    keys = [key(word.text) for word in words]
    for slot, cost in zip(row, added[1:], strict=True):
        above, own = table[-1], key(slot.word)
        here = [above[0] + 1.0]
        for j, word in enumerate(words, 1):
            changed = _APART if _apart(slot, word, apart_ms) else float(own != keys[j - 1])
            here.append(min(above[j - 1] + changed, above[j] + 1.0, here[-1] + cost))
        table.append(here)
    pairs: list[Pair] = []
    i, j = len(row), len(words)
    while i or j:
        if j and table[i][j] == table[i][j - 1] + added[i]:
            j -= 1
            pairs.append(Pair(None, words[j], j))
        elif i and table[i][j] == table[i - 1][j] + 1.0:
            i -= 1
            pairs.append(Pair(row[i], None, j))
        else:
            i, j = i - 1, j - 1
            pairs.append(Pair(row[i], words[j], j))
    return pairs[::-1]


def found(wanted: Sequence[str], heard: Sequence[str]) -> int | None:
    """Return where ``wanted`` is in ``heard``, the last time; None if nowhere."""
    for at in range(len(heard) - len(wanted), -1, -1):
        if heard[at : at + len(wanted)] == wanted:
            return at
    return None


def _apart(slot: Slot, word: HeardWord, apart_ms: float) -> bool:
    (begin, end), (first, last) = slot.span, word.span
    return first > end + apart_ms or last < begin - apart_ms
