from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.corpus.spoken_words import RefWord, Update
from eval.measures.alignment import Reference
from eval.measures.latency import Latency, latency

WORD_MS = 300
vocabulary = st.sampled_from(["it", "was", "the", "best", "worst"])


def spoken(text: str) -> list[RefWord]:
    """Each word takes 300 ms, the first begins at 0."""
    return [
        RefWord(word, number * WORD_MS, (number + 1) * WORD_MS)
        for number, word in enumerate(text.split())
    ]


def test_a_word_counts_from_its_end_to_the_update_that_shows_it() -> None:
    found = latency(spoken("it was"), [Update(500, "a", "It"), Update(1000, "a", "It was.")])
    assert found == Latency(first=(200, 400), final=(200, 400))


def test_a_word_that_was_taken_back_and_came_again_was_shown_the_first_time() -> None:
    found = latency(
        spoken("it was the"),
        [
            Update(1000, "a", "it was the"),
            Update(1200, "a", "it saw"),
            Update(1500, "a", "it was the"),
        ],
    )
    assert found.first == (700, 400, 100)
    assert found.final == (700, 900, 600)


def test_a_right_word_that_ends_up_wrong_was_shown_but_did_not_stay() -> None:
    found = latency(spoken("it was"), [Update(900, "a", "it was"), Update(1000, "a", "it saw")])
    assert found.first == (600, 300)
    assert found.final == (600, None)


def test_a_word_before_which_another_is_put_in_later_counts_from_its_first_show() -> None:
    found = latency(
        spoken("it was the best"),
        [Update(1300, "a", "it the best"), Update(1600, "a", "it was the best")],
    )
    assert found.first == (1000, 1000, 400, 100)
    assert found.final == (1000, 1000, 700, 400)


def test_a_word_that_moves_to_the_next_cue_counts_from_the_cue_before() -> None:
    found = latency(
        spoken("it was the best"),
        [
            Update(1300, "a", "it was the"),
            Update(1500, "a", "it was"),
            Update(1500, "b", "the best"),
        ],
    )
    assert found.first == (1000, 700, 400, 300)
    assert found.final == (1000, 700, 600, 300)


def test_words_of_a_removed_cue_were_shown_but_did_not_stay() -> None:
    found = latency(
        spoken("it was the best"),
        [Update(700, "a", "it was"), Update(800, "a", None), Update(1300, "b", "the best")],
    )
    assert found.first == (400, 100, 400, 100)
    assert found.final == (None, None, 400, 100)


def test_words_never_shown_are_counted_apart() -> None:
    found = latency(spoken("it was the best"), [Update(1300, "a", "it was best")])
    assert found.first == (1000, 700, None, 100)
    assert found.never_shown == 1
    assert latency(spoken("it"), []).never_shown == 1


def test_a_repeated_phrase_is_the_one_that_had_been_spoken_by_then() -> None:
    text = spoken("it was the best it was the worst")
    # Half a second before its second occurrence, "it was the" can only be the first one.
    assert latency(text, [Update(600, "a", "it was the")]).first[4:7] == (None, None, None)
    # The recogniser slept through the first half: what it shows is what was just said.
    late = latency(text, [Update(2500, "a", "it was the worst")])
    assert late.first == (None, None, None, None, 1000, 700, 400, 100)


def test_a_beginning_of_a_repeated_phrase_does_not_reach_ahead() -> None:
    text = spoken("it was the best it was the worst")
    found = latency(
        text,
        [Update(2000, "a", "it was"), Update(2700, "a", "it was the best it was the worst")],
    )
    assert found.first == (1700, 1400, 1800, 1500, 1200, 900, 600, 300)


def test_a_wrong_first_guess_shows_none_of_the_words_further_on() -> None:
    found = latency(
        spoken("it was the best it was the worst"),
        [Update(2500, "a", "it saw"), Update(3000, "a", "it was the best it was the worst")],
    )
    assert found.first[1] == 3000 - 600
    assert found.first[5] == 3000 - 1800


def test_the_caller_says_which_words_are_equal() -> None:
    titles = {"mr": "mister", "uh": ""}
    found = latency(
        spoken("uh mister hale"),
        [Update(1000, "a", "mr hale")],
        key=lambda word: titles.get(word, word),
    )
    assert found.first == (400, 100)


@given(
    st.lists(st.tuples(vocabulary, st.integers(0, 2000)), max_size=30),
    st.integers(1, 8),
)
def test_delays_put_in_are_found_again(said: list[tuple[str, int]], cue_words: int) -> None:
    words = spoken(" ".join(word for word, _ in said))
    times = list(accumulate((w.end_ms + d for w, (_, d) in zip(words, said, strict=True)), max))
    updates = [
        Update(
            at_ms,
            str(number // cue_words),
            " ".join(w.text for w in words[number - number % cue_words : number + 1]),
        )
        for number, at_ms in enumerate(times)
    ]
    delays = tuple(at_ms - word.end_ms for at_ms, word in zip(times, words, strict=True))
    assert latency(words, updates) == Latency(delays, delays)
    # Wrong words shown for a while at the end change neither.
    wrong = [Update(u.at_ms, u.cue, f"{u.text} something else") for u in updates]
    nervous = [update for pair in zip(wrong, updates, strict=True) for update in pair]
    assert latency(words, nervous) == Latency(delays, delays)


@given(st.lists(vocabulary, max_size=8), st.lists(st.lists(vocabulary, max_size=8), max_size=5))
def test_no_word_stays_before_it_is_shown(text: list[str], revisions: list[list[str]]) -> None:
    updates = [
        Update(1000 * number, "a", " ".join(words)) for number, words in enumerate(revisions)
    ]
    found = latency(spoken(" ".join(text)), updates)
    for first, final in zip(found.first, found.final, strict=True):
        assert final is None or (first is not None and first <= final)


@given(
    st.lists(vocabulary, max_size=12),
    st.lists(st.lists(vocabulary, max_size=12), min_size=1, max_size=4),
    st.integers(-5000, 5000),
)
def test_only_the_distance_of_the_clocks_counts(
    text: list[str], revisions: list[list[str]], by_ms: int
) -> None:
    words = spoken(" ".join(text))
    updates = [Update(700 * number, "a", " ".join(words)) for number, words in enumerate(revisions)]
    moved = [Update(u.at_ms + by_ms, u.cue, u.text) for u in updates]
    assert latency([word.later(by_ms) for word in words], moved) == latency(words, updates)


def distance(one: list[str], other: list[str]) -> int:
    if not one or not other:
        return len(one) + len(other)
    return min(
        distance(one[1:], other[1:]) + (one[0] != other[0]),
        distance(one[1:], other) + 1,
        distance(one, other[1:]) + 1,
    )


@given(st.lists(vocabulary, max_size=5), st.lists(vocabulary, max_size=5))
def test_an_alignment_has_the_fewest_errors(text: list[str], said: list[str]) -> None:
    reference = Reference(text, [0] * len(text), [0] * len(text))
    found = reference.align(said, [0] * len(said), 0, len(text), whole=True)
    beside = [index for index in found.partners if index is not None]
    hits = [index for index in found.hits if index is not None]
    assert beside == sorted(set(beside))
    assert all(text[i] == word for i, word in zip(found.hits, said, strict=True) if i is not None)
    assert len(text) + len(said) - len(beside) - len(hits) == distance(text, said)


def test_too_many_words_are_refused() -> None:
    many = ["a"] * 16_385
    with pytest.raises(ValueError, match="measure in parts"):
        Reference(many, [0] * len(many), [0] * len(many)).align([], [], 0, len(many), whole=True)


def test_measurements_add_up() -> None:
    one, two = Latency((1, None), (5, None)), Latency((2,), (None,))
    total = sum([one, two], start=Latency())
    assert total == Latency((1, None, 2), (5, None, None))
    assert (total.shown, total.stayed, total.never_shown) == ([1, 2], [5], 1)
    with pytest.raises(TypeError):
        sum([one], start=1)
