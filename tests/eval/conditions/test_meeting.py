from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.conditions.meeting import MeetingRecipe, Part, overlapped_share, planned, voiced
from eval.corpus.manifest import Clip
from eval.corpus.spoken_words import RefWord

RATE = 1_000
WORDS = (RefWord("so", 100, 300), RefWord("yes", 600, 900), RefWord("then", 1_300, 1_600))


def clip(name: str, seconds: float = 6.0, words: tuple[RefWord, ...] = WORDS) -> Clip:
    return Clip(Path(name), "en", seconds, " ".join(w.text for w in words), words, name=name)


def voices(people: int) -> dict[str, list[Clip]]:
    lengths = [4.0, 7.0, 11.0]
    return {f"p{n}": [clip(f"p{n}-{i}", s) for i, s in enumerate(lengths)] for n in range(people)}


@given(st.integers(2, 5), st.floats(0.0, 0.2), st.integers(0, 1_000))
def test_as_much_is_overlapped_as_asked_for_and_nobody_talks_over_themself(
    people: int, overlap: float, seed: int
) -> None:
    parts = planned(voices(people), MeetingRecipe(people, 300, overlap, 12.0, seed))
    turns = [part for part in parts if part.cut_ms is None]
    assert overlapped_share(turns) == pytest.approx(overlap, abs=0.06)
    assert max(part.end_s for part in parts) >= 300
    for name in {part.speaker for part in parts}:
        own = [part for part in parts if part.speaker == name]
        assert all(a.end_s <= b.start_s for a, b in pairwise(own))


def test_others_say_a_short_word_in_a_long_turn_about_as_often_as_asked_for() -> None:
    parts = planned(voices(3), MeetingRecipe(3, 600, 0.1, 12.0, seed=1))
    short = [part for part in parts if part.cut_ms is not None]
    assert 0.4 < len(short) / (600 / 12) < 1.2
    assert {part.turn.text for part in short} == {"yes"}
    for one in short:
        assert any(
            part.start_s < one.start_s and one.end_s < part.end_s and part.speaker != one.speaker
            for part in parts
        )


def test_without_word_times_there_are_turns_alone() -> None:
    silent = {"a": [clip("a", words=())], "b": [clip("b", words=())]}
    parts = planned(silent, MeetingRecipe(2, 60, 0.1, 5.0))
    assert parts
    assert all(part.cut_ms is None for part in parts)


def test_a_seed_is_one_meeting() -> None:
    recipe = MeetingRecipe(seed=3)
    assert planned(voices(4), recipe) == planned(voices(4), recipe)
    assert planned(voices(4), recipe) != planned(voices(4), MeetingRecipe(seed=4))


def test_words_and_sound_are_where_the_reference_says() -> None:
    parts = [
        Part("a", clip("one", 2.0), 1.0, words=WORDS),
        Part("b", clip("one", 2.0), 1.5, (600, 900), WORDS[1:2]),
    ]
    sound = np.zeros(2 * RATE, np.float32)
    sound[600:900] = 0.1
    microphones = voiced(parts, {"one": sound}, RATE, seed=0)
    assert [word.start_ms for word in parts[0].turn.words] == [1_100, 1_600, 2_300]
    (yes,) = parts[1].turn.words
    assert (yes.start_ms, yes.end_ms) == (1_500, 1_800)
    heard = {name: np.flatnonzero(pcm) for name, pcm in microphones.items()}
    assert (heard["a"][0], heard["a"][-1]) == (1_600, 1_899)
    assert (heard["b"][0], heard["b"][-1]) == (1_500, 1_799)
    assert len({len(pcm) for pcm in microphones.values()}) == 1
