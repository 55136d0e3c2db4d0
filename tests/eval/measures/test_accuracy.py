import random
from collections.abc import Sequence
from math import inf

import jiwer
import kaldialign
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from eval.measures.accuracy import Pair, WordErrors, cer, wer, wer_of_long

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


plain = st.lists(st.sampled_from(["it", "was", "the", "best", "été"]), max_size=12)


@given(plain, plain)
def test_words_are_counted_as_jiwer_and_kaldialign_count_them(
    reference: list[str], said: list[str]
) -> None:
    ours = wer(reference, said)
    theirs = jiwer.process_words(" ".join(reference), " ".join(said))
    assert ours.reference_words == len(reference)
    counts = (ours.hits, ours.substitutions, ours.deletions, ours.insertions)
    assert counts == (theirs.hits, theirs.substitutions, theirs.deletions, theirs.insertions)
    assert ours.errors == kaldialign.edit_distance(reference, said)["total"]


@given(plain, plain)
def test_characters_are_counted_as_jiwer_counts_them(reference: list[str], said: list[str]) -> None:
    ours = cer(reference, said)
    theirs = jiwer.process_characters(" ".join(reference), " ".join(said))
    counts = (ours.hits, ours.substitutions, ours.deletions, ours.insertions)
    assert counts == (theirs.hits, theirs.substitutions, theirs.deletions, theirs.insertions)
    assert ours.errors == levenshtein(" ".join(reference), " ".join(said))
    assert ours.reference_words == len(" ".join(reference))


def test_a_long_text_has_the_errors_of_its_parts() -> None:
    chance = random.Random(5)
    reference = [f"w{chance.randrange(800)}" for _ in range(30_000)]
    said = [word for word in reference if chance.random() > 0.03]
    said = ["x" if chance.random() < 0.05 else word for word in said]
    found = wer_of_long(reference, said)
    assert found.errors == Levenshtein.distance(reference, said)
    assert [p.reference for p in found.alignment if p.reference is not None] == reference
    assert [p.hypothesis for p in found.alignment if p.hypothesis is not None] == said


def test_long_texts_that_share_nothing_are_all_errors() -> None:
    found = wer_of_long(["a"] * 40_000, ["b"] * 39_000)
    assert (found.hits, found.reference_words) == (0, 40_000)
