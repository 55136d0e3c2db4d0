from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.corpus.spoken_words import Update
from eval.measures.stability import Erasure, erasure, line_jumps, revision_ages, wrapped


def shown(*texts: str | None, cue: str = "a") -> list[Update]:
    return [Update(at_ms, cue, text) for at_ms, text in enumerate(texts)]


texts = st.lists(st.sampled_from(["a", "b", "c", "B,", "—"]), max_size=6).map(" ".join)


def test_text_that_only_grows_erases_nothing() -> None:
    assert erasure(shown("it", "it was", "it was the best")) == Erasure(0, 4, 0, 4)


def test_a_changed_word_erases_all_old_words_from_it_on() -> None:
    found = erasure(shown("it was a best", "it was the best of"))
    assert (found.erased, found.final, found.rate) == (2, 5, 0.4)


def test_case_and_punctuation_count_in_the_raw_figure_only() -> None:
    found = erasure(shown("in short.", "In short — the period"))
    assert (found.erased, found.final) == (0, 4)
    assert (found.raw_erased, found.raw_final) == (2, 5)
    assert found.raw_rate == 0.4


def test_a_removed_cue_erases_its_words_and_has_no_final_ones() -> None:
    assert erasure(shown("thank you", None)) == Erasure(2, 0, 2, 0)
    assert erasure(shown("thank you", None)).rate == inf
    assert erasure([]).rate == 0


@given(st.lists(texts, max_size=6), st.lists(texts, max_size=6))
def test_cues_do_not_disturb_each_other(one: list[str], two: list[str]) -> None:
    left, right = shown(*one, cue="a"), shown(*two, cue="b")
    mixed = sorted(left + right, key=lambda update: update.at_ms)
    assert erasure(mixed) == sum([erasure(left), erasure(right)], start=Erasure())


@given(st.lists(texts, min_size=1, max_size=6))
def test_words_shown_are_words_that_stayed_or_were_erased(history: list[str]) -> None:
    found = erasure(shown(*history))
    # Counted the other way round: each update adds what does not continue the text before.
    added, before = 0, []
    for text in history:
        words = text.split()
        same = next(
            (i for i, (a, b) in enumerate(zip(before, words, strict=False)) if a != b),
            min(len(before), len(words)),
        )
        added, before = added + len(words) - same, words
    assert added == found.raw_erased + found.raw_final
    assert found.erased <= found.raw_erased


@given(st.lists(texts, min_size=1, max_size=6))
def test_erasure_is_what_its_definition_says(history: list[str]) -> None:
    plain = [[w.strip(",—").lower() for w in text.split() if w != "—"] for text in history]
    expected = sum(
        min(len(old) - n for n in range(len(old) + 1) if old[:n] == new[:n])
        for old, new in pairwise(plain)
    )
    found = erasure(shown(*history))
    assert (found.erased, found.final) == (expected, len(plain[-1]))


def test_nothing_but_erasures_is_added_to_erasures() -> None:
    with pytest.raises(TypeError):
        sum([Erasure()], start=1)


def at(*changes: tuple[int, str | None]) -> list[Update]:
    return [Update(at_ms, "a", text) for at_ms, text in changes]


def test_a_word_is_as_old_as_it_stood_where_it_was_taken_back() -> None:
    updates = at((100, "it was"), (400, "it was a best"), (900, "It was the best"), (1500, None))
    assert sorted(revision_ages(updates)) == sorted([500, 500, 1400, 1400, 600, 600])
    assert revision_ages(at((0, "it"), (9, "It was"))) == []


@given(st.lists(texts, min_size=1, max_size=6))
def test_every_erased_word_has_an_age(history: list[str]) -> None:
    updates = shown(*history)
    assert len(revision_ages(updates)) == erasure(updates).erased


def test_a_line_takes_as_many_words_as_fit() -> None:
    assert wrapped("it was the best of times", 10) == ("it was the", "best of", "times")
    assert wrapped("incomprehensibilities of it", 10) == ("incomprehensibilities", "of it")
    assert wrapped("") == ()


def test_a_word_before_the_first_changed_one_that_moves_has_jumped() -> None:
    assert line_jumps([["it was the"], ["it was", "the best"]]) == 1
    assert line_jumps([["it was the"], ["it was the", "best"]]) == 0
    assert line_jumps([["it was a"], ["it was", "the best"]]) == 0


@given(st.lists(st.text(st.sampled_from("ab "), max_size=30), max_size=5))
def test_text_that_only_grows_makes_no_word_jump(pieces: list[str]) -> None:
    grown = ["".join(f"{piece} " for piece in pieces[:n]) for n in range(len(pieces) + 1)]
    assert line_jumps([wrapped(text, 8) for text in grown]) == 0
