"""Delays from a spoken word until it is shown, and until it stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from eval.corpus.spoken_words import RefWord, Update
from eval.measures.alignment import Alignment, Reference
from eval.measures.stability import common_beginning
from eval.normalization.normalize import word_key

LATE_MS = 3000  # Ofcom's limit for live captions


@dataclass(frozen=True, slots=True)
class Latency:
    """Delays from the end of each reference word, in ms, in order. Can be added: ``sum(...)``.

    first: until an update showed it, even if it was taken back later; None: never shown.
    final: until the caption, up to and including it, no longer changed; None: did not stay.
    A delay is negative if a word was shown before it ended.
    """

    first: tuple[int | None, ...] = ()
    final: tuple[int | None, ...] = ()

    @property
    def shown(self) -> list[int]:
        """Return the delays of the words that were shown."""
        return [delay for delay in self.first if delay is not None]

    @property
    def stayed(self) -> list[int]:
        """Return the final delays of the words that stayed."""
        return [delay for delay in self.final if delay is not None]

    @property
    def never_shown(self) -> int:
        """Return the reference words that no update showed, whether wrong or omitted."""
        return len(self.first) - len(self.shown)

    def __add__(self, other: Latency) -> Latency:
        return Latency(self.first + other.first, self.final + other.final)

    def __radd__(self, other: int) -> Latency:
        if other != 0:  # sum() starts with 0; any other number is a mistake
            return NotImplemented
        return self


def latency(
    spoken: Sequence[RefWord],
    updates: Iterable[Update],
    *,
    key: Callable[[str], str] = word_key,
) -> Latency:
    """Find when each spoken word was shown, in any revision, by alignment.

    spoken: one speaker's words; updates: that speaker's cues; both in order and on one clock. Words
    are equal if their ``key`` is; words with the key "" are left out on both sides.

    1. The final text is aligned with the spoken words: fewest errors, then most hits, then least
       delay, and no word is shown more than 0.5 s before it begins. Repeated phrases are thus
       matched with the occurrence from which they can have come.
    2. An update shows every word that it shares with the beginning of its cue's final text.
    3. Its other words are aligned with the words spoken after those that had begun by then, so
       that words count that are taken back later or move to the next cue.

    Takes a few seconds for a few thousand words; measure longer recordings in parts, and add them.
    Raises ValueError for more than 16,384 words.
    """
    words = [word for word in spoken if key(word.text)]
    reference = Reference(
        [key(word.text) for word in words],
        [word.start_ms for word in words],
        [word.end_ms for word in words],
    )
    cues = _cues(updates, key)
    anchors = _align_final(reference, cues)
    first: list[int | None] = [None] * len(words)
    final: list[int | None] = [None] * len(words)
    position = 0
    for cue, matched in zip(cues, anchors, strict=True):
        # after[k]: number of spoken words consumed by the cue's first k words.
        after = [position]
        for index in matched.partners:
            after.append(after[-1] if index is None else index + 1)
        position = after[-1]
        _show(reference, cue, matched, after, first)
        for index, at_ms in zip(matched.hits, cue.stays_ms, strict=True):
            if index is not None:
                final[index] = at_ms
    return Latency(_delays(words, first), _delays(words, final))


@dataclass(frozen=True, slots=True)
class _Cue:
    """One cue's texts as keys, and when each word of the last one appeared and stayed.

    shares: for each update, the number of words shared with the beginning of the last text.
    """

    updates: list[tuple[int, list[str]]]
    shares: list[int]
    appears_ms: list[int]
    stays_ms: list[int]

    @property
    def last(self) -> list[str]:
        return self.updates[-1][1]


def _cues(updates: Iterable[Update], key: Callable[[str], str]) -> list[_Cue]:
    """Return the cues in the order of their first appearance."""
    texts: dict[str, list[tuple[int, list[str]]]] = {}
    for update in updates:
        keys = [found for word in (update.text or "").split() if (found := key(word))]
        history = texts.setdefault(update.cue, [])
        if not history or history[-1][1] != keys:
            history.append((update.at_ms, keys))
    return [_cue(history) for history in texts.values()]


def _cue(history: list[tuple[int, list[str]]]) -> _Cue:
    last = history[-1][1]
    shares = [common_beginning(keys, last) for _, keys in history]
    appears: list[int] = []
    for (at_ms, _), share in zip(history, shares, strict=True):
        appears += [at_ms] * (share - len(appears))
    stays = [0] * len(last)
    kept = len(last)
    for (at_ms, _), share in zip(reversed(history), reversed(shares), strict=True):
        kept = min(kept, share)
        stays[:kept] = [at_ms] * kept
    return _Cue(history, shares, appears, stays)


def _show(
    reference: Reference,
    cue: _Cue,
    matched: Alignment,
    after: Sequence[int],
    first: list[int | None],
) -> None:
    """Note in ``first`` what each update of the cue shows."""
    for index, at_ms in zip(matched.hits, cue.appears_ms, strict=True):
        _earliest(first, index, at_ms)
    for (at_ms, keys), share in zip(cue.updates, cue.shares, strict=True):
        rest = keys[share:]
        start = after[share]
        if not rest:
            continue
        # Reaching words beyond twice this number costs more than an error.
        stop = start + 2 * len(rest)
        found = reference.align(rest, [at_ms] * len(rest), start, stop, whole=False)
        for index in found.hits:
            _earliest(first, index, at_ms)


def _earliest(times: list[int | None], index: int | None, at_ms: int) -> None:
    if index is not None:
        before = times[index]
        times[index] = at_ms if before is None else min(before, at_ms)


def _delays(words: Sequence[RefWord], times: Sequence[int | None]) -> tuple[int | None, ...]:
    return tuple(
        None if at_ms is None else at_ms - word.end_ms
        for word, at_ms in zip(words, times, strict=True)
    )


def _align_final(reference: Reference, cues: Sequence[_Cue]) -> list[Alignment]:
    """Align the final text as a whole, and return the result cue by cue."""
    keys = [key for cue in cues for key in cue.last]
    times = [at_ms for cue in cues for at_ms in cue.appears_ms]
    whole = reference.align(keys, times, 0, len(reference), whole=True)
    ends = list(accumulate(len(cue.last) for cue in cues))
    return [
        Alignment(whole.partners[begin:end], whole.hits[begin:end])
        for begin, end in zip([0, *ends], ends, strict=False)
    ]
