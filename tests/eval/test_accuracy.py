from collections.abc import Sequence
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.accuracy import Pair, WordErrors, bootstrap_interval, wer

words = st.lists(st.sampled_from(["it", "was", "the", "best", "of times", ""]), max_size=12)


def levenshtein(one: Sequence[str], other: Sequence[str]) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            diagonal, row[j] = row[j], min(diagonal + (a != b), row[j] + 1, row[j - 1] + 1)
    return row[-1]


@given(words, words)
def test_errors_are_the_levenshtein_distance(reference: list[str], said: list[str]) -> None:
    assert wer(reference, said).errors == levenshtein(reference, said)


@given(words, words)
def test_the_alignment_explains_every_count(reference: list[str], said: list[str]) -> None:
    errors = wer(reference, said)
    pairs = errors.alignment
    assert [p.reference for p in pairs if p.reference is not None] == reference
    assert [p.hypothesis for p in pairs if p.hypothesis is not None] == said
    assert errors.hits == sum(p.reference == p.hypothesis for p in pairs)
    assert errors.deletions == sum(p.hypothesis is None for p in pairs)
    assert errors.insertions == sum(p.reference is None for p in pairs)
    assert errors.reference_words == len(reference)


def test_each_kind_of_error_is_counted() -> None:
    errors = wer(["a", "b", "c", "d", "e", "f"], ["a", "x", "c", "e", "f", "g"])
    assert errors == WordErrors(4, 1, 1, 1, errors.alignment)
    assert [p for p in errors.alignment if p.reference != p.hypothesis] == [
        Pair("b", "x"),
        Pair("d", None),
        Pair(None, "g"),
    ]
    assert errors.rate == 0.5


def test_the_rate_of_many_clips_is_the_rate_of_their_sum() -> None:
    long, short = wer(["a"] * 9, ["a"] * 9), wer(["b"], ["c"])
    total = sum([long, short])
    assert isinstance(total, WordErrors)
    assert total.rate == 0.1


def test_nothing_but_errors_is_added_to_errors() -> None:
    with pytest.raises(TypeError):
        sum([wer(["a"], ["a"])], start=1)


def test_words_where_nobody_spoke_have_no_finite_rate() -> None:
    assert wer([], []).rate == 0
    assert wer([], ["thank", "you"]).rate == inf
    assert wer([], ["thank", "you"]).insertions == 2


def test_clips_that_are_all_alike_leave_no_doubt() -> None:
    interval = bootstrap_interval([wer(["a", "b"], ["a"])] * 20)
    assert interval.low == interval.high == 0.5


def test_the_interval_holds_the_rate_and_narrows_with_more_clips() -> None:
    clips = [wer(["a", "b"], ["a", "b"]), wer(["a", "b"], ["a"])]
    few, many = bootstrap_interval(clips * 5), bootstrap_interval(clips * 100)
    assert few.low < many.low < 0.25 < many.high < few.high


def test_the_same_seed_gives_the_same_interval() -> None:
    clips = [wer(["a", "b"], ["a"]), wer(["a"], ["a"]), wer([], [])]
    assert bootstrap_interval(clips, seed=3) == bootstrap_interval(clips, seed=3)


def test_an_interval_needs_reference_words() -> None:
    with pytest.raises(ValueError, match="no reference words"):
        bootstrap_interval([wer([], ["a"])])
