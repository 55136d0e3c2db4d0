"""A model that never says the same twice: what is settled is still said once, in order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.measures.accuracy import wer
from streaming.audio import SAMPLE_RATE, Framer
from streaming.embedded.decoder import DecodeRequest, StreamDecoder
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.segments import CHUNK_MS
from streaming.recognizer import RecognizerEvent, Word, WordEnd

SPOKEN = [
    word
    for what in ("best", "worst", "age", "epoch", "season", "spring", "winter")
    for whose in ("times", "wisdom", "foolishness", "belief")
    for word in ("it", "was", "the", what, "of", f"{whose},")
]
WORD_CHUNKS = 10
WORD_MS = WORD_CHUNKS * CHUNK_MS
SECONDS = 35


class NervousModel:
    """Says what is spoken, with words changed, left out and put in at random.

    The speech never pauses: word n is spoken in the chunks from n * WORD_CHUNKS on.
    """

    def __init__(self, seed: int, flips: float) -> None:
        self._chance = random.Random(seed)
        self._flips = flips

    def decode(self, request: DecodeRequest) -> Hypothesis:
        start = request.until - len(request.pcm) // 512
        words: list[HeardWord] = []
        for number in range(-(-start // WORD_CHUNKS), request.until // WORD_CHUNKS):
            texts = self._nervously(SPOKEN[number % len(SPOKEN)])
            begin_ms = (number * WORD_CHUNKS - start) * CHUNK_MS
            edges = range(begin_ms, begin_ms + WORD_MS + 1, WORD_MS // max(1, len(texts)))
            for text, span in zip(texts, pairwise(edges), strict=False):
                likely = self._chance.choice([0.3, 0.6, 0.8, 0.95])
                words.append(HeardWord(text, likely, span, len(words)))
        return Hypothesis(tuple(words), tuple(range(len(words))))

    def _nervously(self, word: str) -> Sequence[str]:
        if self._chance.random() >= self._flips:
            return [word]
        return self._chance.choice([[], [word + "s"], ["a", word], [word, "and"]])


def hear(model: NervousModel, skip: random.Random) -> list[RecognizerEvent]:
    """All events of speech without a pause, where some decodes are left out."""
    hearing = StreamDecoder(lambda chunk: 1.0)
    framer = Framer()
    events: list[RecognizerEvent] = []

    def answer(share: float) -> None:
        while (request := hearing.request) is not None:
            if not request.must and skip.random() < share:
                return
            events.extend(hearing.decoded(request, model.decode(request)))

    for frame in framer.feed(np.full(SAMPLE_RATE * SECONDS, 0.5, np.float32)):
        events += hearing.feed(frame)
        answer(0.6)
    events += hearing.finish()
    answer(0.0)
    assert hearing.finished
    return events


def longest_doubled(words: Sequence[str]) -> int:
    """The most words in a row that nobody spoke: a phrase said twice is such a row."""
    alignment = wer(spoken(), [word.strip(",") for word in words]).alignment
    rows = groupby(alignment, key=lambda pair: pair.reference is None)
    return max((len(list(row)) for extra, row in rows if extra), default=0)


def spoken() -> list[str]:
    count = SECONDS * 1000 // 32 // WORD_CHUNKS
    return [SPOKEN[n % len(SPOKEN)].strip(",") for n in range(count)]


def said(events: Sequence[RecognizerEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Word)]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.15]))
def test_no_phrase_is_said_twice_however_nervous_the_model(
    seed: int, skips: int, flips: float
) -> None:
    events = hear(NervousModel(seed, flips), random.Random(skips))
    words = said(events)
    assert longest_doubled(words) <= 3
    assert abs(len(words) - len(spoken())) <= 3 + 2 * flips * len(spoken())
    times = [
        e.start_ms if isinstance(e, Word) else e.end_ms
        for e in events
        if isinstance(e, Word | WordEnd)
    ]
    assert all(a <= b for a, b in pairwise(times))


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_a_steady_model_is_repeated_word_for_word_whatever_is_left_out(skips: int) -> None:
    words = said(hear(NervousModel(0, 0.0), random.Random(skips)))
    assert [word.strip(",") for word in words] == spoken()
