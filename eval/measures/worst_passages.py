"""Finds the passages with most errors, with their aligned words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eval.corpus.spoken_words import RefWord
from eval.measures.accuracy import Pair, wer_of_long
from eval.measures.clip_score import Part, Score, parts_of
from eval.measures.error_kinds import WEIGHTS, kind_of, names_in
from eval.normalization.normalize import key_in
from eval.observation import Observation

WINDOW = 25  # pairs of words in a passage
_CLIPS = 50  # clips searched: those with the most errors
_A_CLIP = 2  # passages per clip, so that one bad recording does not hide the others
_BEFORE_MS, _AFTER_MS = 300, 600
_WHOLE_S = 20.0  # a clip without word times is played whole up to this length


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """A spoken word and the shown one, both as written; one may be missing."""

    said: str | None
    shown: str | None
    wrong: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """Successive words. start_ms, end_ms: in the clip's audio, if known."""

    clip: Observation
    speaker: str
    steps: tuple[AlignedPair, ...]
    weight: float
    start_ms: int | None = None
    end_ms: int | None = None

    @property
    def errors(self) -> int:
        """The number of wrong, missing and made-up words."""
        return sum(step.wrong for step in self.steps)

    @property
    def words(self) -> int:
        """The number of reference words."""
        return sum(step.said is not None for step in self.steps)


def worst(scores: Sequence[Score], count: int = 10) -> list[Passage]:
    """Return the passages with the heaviest errors, the worst first."""
    bad = [one for one in scores if one.errors and one.errors.errors]
    bad.sort(key=lambda one: one.errors.errors if one.errors else 0, reverse=True)
    found = [passage for one in bad[:_CLIPS] for passage in _of_clip(one.clip)]
    found.sort(key=lambda passage: passage.weight, reverse=True)
    return found[:count]


def _of_clip(clip: Observation) -> Iterator[Passage]:
    passages = [passage for part in parts_of(clip) for passage in _of_part(clip, part)]
    passages.sort(key=lambda passage: passage.weight, reverse=True)
    yield from passages[:_A_CLIP]


def _of_part(clip: Observation, part: Part) -> Iterator[Passage]:
    key = key_in(clip.language)
    said = [
        (word, time)
        for whole, time in _timed_words(part)
        for word in _spelled(whole, key)
        if key(word)
    ]
    shown = [word for whole in part.captions.split() for word in _spelled(whole, key) if key(word)]
    pairs = wer_of_long([key(word) for word, _ in said], [key(word) for word in shown]).alignment
    names = names_in(part.said, clip.language)
    weights = [
        WEIGHTS[kind_of(pair, clip.language, names=names)] if _wrong(pair) else 0.0
        for pair in pairs
    ]
    steps, times = _written(pairs, said, shown)
    for begin, end in _heaviest(weights):
        start, stop = _span(clip, times[begin:end])
        yield Passage(
            clip, part.speaker, tuple(steps[begin:end]), sum(weights[begin:end]), start, stop
        )


def _spelled(word: str, key: Callable[[str], str]) -> Sequence[str]:
    """Split what the normaliser takes for several words: "whole-number"."""
    first, *rest = word.split("-")
    parts = [first, *(f"-{part}" for part in rest)]
    return parts if list(map(key, parts)) == key(word).split() else [word]


def _wrong(pair: Pair) -> bool:
    return pair.reference != pair.hypothesis


def _timed_words(part: Part) -> Iterator[tuple[str, RefWord | None]]:
    for turn in part.turns:
        words = turn.text.split()
        known = turn.words if len(turn.words) == len(words) else [None] * len(words)
        yield from zip(words, known, strict=True)


def _written(
    pairs: Sequence[Pair], said: Sequence[tuple[str, RefWord | None]], shown: Sequence[str]
) -> tuple[list[AlignedPair], list[RefWord | None]]:
    """Return the pairs with words as written, and the times of the reference words."""
    steps, times = list[AlignedPair](), list[RefWord | None]()
    left, right = iter(said), iter(shown)
    for pair in pairs:
        word, time = next(left) if pair.reference is not None else (None, None)
        other = next(right) if pair.hypothesis is not None else None
        steps.append(AlignedPair(word, other, _wrong(pair)))
        times.append(time)
    return steps, times


def _heaviest(weights: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Return up to _A_CLIP windows without overlaps, the heaviest first."""
    left = list(weights)
    for _ in range(_A_CLIP):
        sums = [sum(left[:WINDOW])]
        for at in range(1, max(1, len(left) - WINDOW + 1)):
            sums.append(sums[-1] - left[at - 1] + left[at + WINDOW - 1])
        best = max(range(len(sums)), key=sums.__getitem__)
        if sums[best] <= 1e-9:
            return
        yield best, min(best + WINDOW, len(left))
        left[best : best + WINDOW] = [-1e9] * len(left[best : best + WINDOW])


def _span(clip: Observation, times: Sequence[RefWord | None]) -> tuple[int | None, int | None]:
    words = [word for word in times if word]
    if words:
        start = max(0, words[0].start_ms - _BEFORE_MS)
        end = min(round(clip.seconds * 1000), words[-1].end_ms + _AFTER_MS)
    elif clip.seconds <= _WHOLE_S:
        start, end = 0, round(clip.seconds * 1000)
    else:
        return None, None
    return start + clip.offset_ms, end + clip.offset_ms
