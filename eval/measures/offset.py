"""How far the clock of a caption file is from that of its reference."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from eval.corpus.spoken_words import Turn
from eval.measures.accuracy import wer_of_long
from eval.normalization.normalize import key_in
from eval.observation import Observation, in_order

FEWEST = 3
"""Captions that begin with a right word, before an offset is told."""


def offset_ms(clip: Observation) -> int | None:
    """Return by how much captions begin after the words that they hold, as a median; may be < 0.

    None if either side has no times, or hardly a caption begins with a right word. Times of words
    within a turn are interpolated if the reference does not have them.
    """
    turns = in_order(clip.reference)
    if any(turn.span is None for turn in turns if turn.text.strip()):
        return None
    key = key_in(clip.language)
    said = [(found, ms) for turn in turns for word, ms in _timed(turn) if (found := key(word))]
    shown = [
        (found, cue.start_ms if at == 0 else None)
        for cue in clip.shown
        for at, word in enumerate(cue.text.split())
        if (found := key(word))
    ]
    left, right = iter(said), iter(shown)
    late: list[int] = []
    for pair in wer_of_long([word for word, _ in said], [word for word, _ in shown]).alignment:
        spoken = next(left)[1] if pair.reference is not None else None
        begins = next(right)[1] if pair.hypothesis is not None else None
        if pair.reference == pair.hypothesis and spoken is not None and begins is not None:
            late.append(begins - spoken)
    return round(median(late)) if len(late) >= FEWEST else None


def _timed(turn: Turn) -> Iterator[tuple[str, int]]:
    """Return each word with its start."""
    if turn.words:
        yield from ((word.text, word.start_ms) for word in turn.words)
    elif turn.span:
        words = turn.text.split()
        begin, end = turn.span
        yield from ((word, begin + (end - begin) * n // len(words)) for n, word in enumerate(words))
