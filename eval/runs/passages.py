"""Cuts one long recording into passages, so that resampling them gives intervals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from eval.corpus.spoken_words import Turn
from eval.measures.accuracy import wer_of_long
from eval.normalization.normalize import word_key
from eval.observation import Observation, Shown, in_order

PASSAGE = 50
"""The least number of reference words in a passage."""

_PLACE = re.compile(r" (?:\d+:\d\d|part \d+)$")
"""What a passage's id has after that of its recording."""


def passages(clip: Observation) -> list[Observation]:
    """Cut the clip where a caption begins with a correct word, every PASSAGE words or more.

    Each has a clock of its own, and its own captions and turns; a turn may be cut.
    """
    turns = in_order(clip.reference)
    # If times and words do not match one to one, they cannot be cut together.
    turns = [t if len(t.words) == len(t.text.split()) else replace(t, words=()) for t in turns]
    said = [(turn, n, word) for turn in turns for n, word in enumerate(turn.text.split())]
    spoken = [word for _, _, word in said]
    cuts = list(_cuts(spoken, clip.shown))
    if not cuts:
        return [clip]
    end = (len(said), len(clip.shown), round(clip.seconds * 1000))
    return [
        _passage(clip, said[a[0] : b[0]], clip.shown[a[1] : b[1]], (a[2], b[2]), number)
        for number, (a, b) in enumerate(pairwise([(0, 0, 0), *cuts, end]), start=1)
    ]


def recording_of(passage: str) -> str:
    """Return the id of the recording of which this is the id of a passage."""
    return _PLACE.sub("", passage)


def _cuts(said: Sequence[str], shown: Sequence[Shown]) -> Iterator[tuple[int, int, int]]:
    """Count the reference words, captions and ms before each cut."""
    captions = [(n, word) for n, cue in enumerate(shown) for word in cue.text.split()]
    begins = {at for at, (n, _) in enumerate(captions) if at == 0 or captions[at - 1][0] != n}
    keys = [[word_key(word) for word in words] for words in (said, (w for _, w in captions))]
    i = j = last = 0
    for pair in wer_of_long(keys[0], keys[1]).alignment:
        right = pair.reference == pair.hypothesis
        if right and j in begins and i - last >= PASSAGE and len(said) - i >= PASSAGE:
            last = i
            yield i, captions[j][0], shown[captions[j][0]].start_ms or 0
        i += pair.reference is not None
        j += pair.hypothesis is not None


def _passage(
    clip: Observation,
    said: Sequence[tuple[Turn, int, str]],
    shown: Sequence[Shown],
    span: tuple[int, int],
    number: int,
) -> Observation:
    begin, end = span
    parts = ([*words] for _, words in groupby(said, key=lambda place: id(place[0])))
    at = f"{begin // 60_000}:{begin // 1000 % 60:02}" if end else f"part {number}"
    return replace(
        clip,
        id=f"{clip.id} {at}",
        seconds=max(end - begin, 0) / 1000,
        offset_ms=clip.offset_ms + begin,
        reference=tuple(_cut_turn(words, span) for words in parts),
        shown=tuple(
            replace(
                cue,
                at_ms=cue.at_ms - begin,
                start_ms=_moved(cue.start_ms, begin),
                end_ms=_moved(cue.end_ms, begin),
            )
            for cue in shown
        ),
        vtt_problems=clip.vtt_problems if number == 1 else None,
        left_out=clip.left_out if number == 1 else (),
    )


def _cut_turn(said: Sequence[tuple[Turn, int, str]], span: tuple[int, int]) -> Turn:
    """Return the words of one turn as (turn, index, word), on a clock that starts with the span."""
    (turn, first, _), (_, last, _) = said[0], said[-1]
    begin, end = span
    words = tuple(word.later(-begin) for word in turn.words[first : last + 1])
    start, stop = turn.start_ms, turn.end_ms
    if start is not None and stop is not None:
        start, stop = max(start, begin) - begin, min(stop, end) - begin
        stop = max(start, stop)
    return Turn(" ".join(word for _, _, word in said), turn.speaker, start, stop, words)


def _moved(ms: int | None, by: int) -> int | None:
    return None if ms is None else ms - by
