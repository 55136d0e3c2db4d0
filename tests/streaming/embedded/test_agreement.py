from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.embedded.agreement import Agreement, AgreementPolicy
from streaming.embedded.alignment import Slot, align, key
from streaming.embedded.hypothesis import HeardWord, spaced

LETTERS = st.sampled_from("abcd")
HYPOTHESES = st.lists(st.lists(LETTERS, max_size=8), max_size=8)


def policy(*, show: float = 2.0, settle: float = 3.0) -> AgreementPolicy:
    """Small numbers, so that few hypotheses do, each of which has a vote."""
    return AgreementPolicy(vote_ms=0, show=show, settle=settle, revise=2.0, sure=0.9, doubt=0.5)


def heard(text: str, probability: float = 0.8, *, after: int = 0) -> list[HeardWord]:
    """Each word lasts 0.3 s; after: words before the first."""
    return [
        HeardWord(word, probability, (300 * n, 300 * (n + 1)))
        for n, word in enumerate(text.split(), after)
    ]


def texts(slots: list[Slot]) -> list[str]:
    return [slot.word for slot in slots]


def test_a_word_is_shown_once_two_hypotheses_agree_on_it() -> None:
    agreement = Agreement(policy())
    agreement.feed(heard("we"))
    assert texts(agreement.tail) == []
    agreement.feed(heard("we begin"))
    assert texts(agreement.tail) == ["we"]


def test_a_word_that_the_model_is_sure_of_is_shown_at_first_sight_if_another_follows() -> None:
    agreement = Agreement(policy())
    agreement.feed(heard("we begin", 0.99))
    assert texts(agreement.tail) == ["we"]


def test_an_unsure_word_waits_for_new_sound_however_often_it_is_decoded() -> None:
    agreement = Agreement(AgreementPolicy(vote_ms=200, show=2.0, doubt=0.5))
    for until_ms in (1_000, 1_050, 1_100, 1_150):
        agreement.feed(heard("we", 0.6), until_ms=until_ms)
    assert texts(agreement.tail) == []
    agreement.feed(heard("we begin", 0.6), until_ms=1_200)
    assert texts(agreement.tail) == ["we"]


def test_the_last_word_is_shown_at_second_sight_if_the_model_is_sure_of_it() -> None:
    agreement = Agreement(AgreementPolicy(show=2.2, again=0.8))
    agreement.feed(heard("we", 0.9), until_ms=1_000)
    assert texts(agreement.tail) == []
    agreement.feed(heard("we", 0.9), until_ms=1_160)
    assert texts(agreement.tail) == ["we"]


def test_a_word_is_settled_after_as_much_sound_whether_it_is_decoded_often_or_rarely() -> None:
    def settled_ms(interval_ms: int) -> int:
        agreement = Agreement(AgreementPolicy(vote_ms=320, settle=4.0))
        until_ms = 0
        while not agreement.feed(heard("we begin", 0.9), until_ms=until_ms):
            until_ms += interval_ms
        return until_ms

    assert settled_ms(320) <= settled_ms(160) <= settled_ms(320) + 320


def test_a_word_is_settled_when_hypotheses_go_on_agreeing() -> None:
    agreement = Agreement(policy(settle=3))
    settled = [texts(agreement.feed(heard("we begin with the budget"))) for _ in range(3)]
    assert settled == [[], [], ["we", "begin", "with", "the", "budget"]]


def test_a_word_that_flips_keeps_what_is_shown_and_holds_nothing_back() -> None:
    agreement = Agreement(policy(settle=10))
    for text in ("I best", "I best of", "by best of all", "I best of all", "by best of all"):
        agreement.feed(heard(text))
    assert texts(agreement.tail) == ["I", "best", "of", "all"]


def test_what_is_shown_is_taken_back_when_hypotheses_agree_against_it() -> None:
    agreement = Agreement(policy(settle=10))
    for text in ("the cat", "the cat", "the hat", "the hat"):
        agreement.feed(heard(text))
    assert texts(agreement.tail) == ["the", "hat"]


@pytest.mark.parametrize("left", ["", "begin now", "we now", "we begin"])
def test_words_that_a_single_hypothesis_leaves_out_stay(left: str) -> None:
    agreement = Agreement(policy(settle=10))
    for text in ("we begin now", "we begin now", left):
        agreement.feed(heard(text))
    assert texts(agreement.tail) == ["we", "begin", "now"]
    agreement.feed(heard(left))
    assert texts(agreement.tail) == left.split()


def test_a_pause_shows_all_words_at_once() -> None:
    agreement = Agreement(policy())
    agreement.feed(heard("that is all."), paused=True)
    assert texts(agreement.tail) == ["that", "is", "all."]


def test_the_end_of_the_sound_is_not_shown_as_the_end_of_a_sentence() -> None:
    agreement = Agreement(policy())
    agreement.feed(heard("and so."))
    agreement.feed(heard("and so."))
    assert texts(agreement.tail) == ["and", "so"]


def test_a_tail_does_not_run_on_past_the_end_of_a_sentence() -> None:
    agreement = Agreement(policy(settle=10))
    agreement.feed(heard("it is. and so", 0.99))
    assert texts(agreement.tail) == ["it", "is."]


def test_the_end_of_a_sentence_is_settled_early_when_words_follow() -> None:
    agreement = Agreement(policy(settle=10))
    agreement.feed(heard("it is. and"))
    assert texts(agreement.feed(heard("it is. and so"))) == ["it", "is."]
    assert texts(agreement.tail) == ["and"]


def test_finishing_settles_everything_and_leaves_no_tail() -> None:
    agreement = Agreement(policy())
    agreement.feed(heard("one two"))
    assert texts(agreement.finish(heard("one two three"))) == ["one", "two", "three"]
    assert texts(agreement.tail) == []


def test_forgetting_sound_settles_its_words_and_keeps_the_rest() -> None:
    agreement = Agreement(policy(settle=10))
    agreement.feed(heard("one two three"))
    agreement.feed(heard("one two three"))
    assert texts(agreement.forget(2)) == ["one", "two"]
    agreement.feed(heard("three four", after=2))
    agreement.feed(heard("three four", after=2))
    assert texts(agreement.tail) == ["three", "four"]


def test_a_phrase_like_the_one_before_it_is_not_taken_for_it_when_a_word_is_left_out() -> None:
    agreement = Agreement(policy(settle=2))
    for _ in range(2):
        agreement.feed(heard("it was the age of wisdom"))
    said = agreement.finish(heard("was the age of wisdom it was the age of foolishness", after=1))
    assert texts(said) == ["it", "was", "the", "age", "of", "foolishness"]


@given(HYPOTHESES, st.lists(LETTERS, max_size=8))
def test_settled_words_are_said_once_and_never_revised(
    hypotheses: list[list[str]], last: list[str]
) -> None:
    agreement = Agreement(policy())
    settled: list[Slot] = []
    said: list[str] = []
    for words in [*hypotheses, last]:
        take = agreement.finish if words is last else agreement.feed
        new = take(heard(" ".join(words)))
        settled += new
        said += texts(new)
        assert texts(settled) == said
    assert len({id(slot) for slot in settled}) == len(settled)
    assert texts(agreement.tail) == []


@given(HYPOTHESES, st.lists(LETTERS, max_size=8))
def test_what_is_settled_at_once_is_what_one_hypothesis_has(
    hypotheses: list[list[str]], last: list[str]
) -> None:
    agreement = Agreement(policy())
    heard_so_far: list[str] = []
    for words in [*hypotheses, last]:
        heard_so_far.append("".join(words))
        take = agreement.finish if words is last else agreement.feed
        new = "".join(texts(take(heard(" ".join(words)))))
        assert any(new in text for text in heard_so_far)


def test_a_word_that_takes_over_a_place_takes_its_neighbours_along() -> None:
    agreement = Agreement(policy(settle=10))
    for text in ("with performance and", "with performance and", "with for former and"):
        agreement.feed(heard(text))
    assert texts(agreement.tail) == ["with", "performance", "and"]
    agreement.feed(heard("with for former and"))
    assert texts(agreement.tail) == ["with", "for", "former", "and"]


def test_a_contraction_is_another_word_than_its_beginning() -> None:
    agreement = Agreement(policy(settle=10))
    for text in ("we", "we", "we're all", "we're all going", "we're all going"):
        agreement.feed(heard(text))
    assert texts(agreement.tail) == ["we're", "all", "going"]


def test_a_settled_word_is_not_said_again_when_it_turns_out_to_be_a_contraction() -> None:
    agreement = Agreement(policy(settle=2))
    said = [texts(agreement.feed(heard("we"))), texts(agreement.feed(heard("we")))]
    said.append(texts(agreement.finish(heard("we're all going"))))
    assert said == [[], ["we"], ["all", "going"]]


def test_nothing_new_is_shown_after_a_word_that_hypotheses_disagree_about() -> None:
    agreement = Agreement(policy(settle=10))
    for text in ("the cat", "the cat", "the hat sat", "the bat sat"):
        agreement.feed(heard(text))
    assert texts(agreement.tail) == ["the", "cat"]


def test_words_of_new_sound_are_not_taken_for_settled_ones() -> None:
    agreement = Agreement(replace(policy(settle=2), apart_ms=300))
    for _ in range(2):
        agreement.feed(placed(("seventeen", 300), ("people", 600)))
    assert texts(agreement.finish(placed(("despite", 1_500), ("his", 1_800)))) == ["despite", "his"]


def test_a_word_that_moves_when_more_is_heard_is_the_same_if_places_decide_nothing() -> None:
    agreement = Agreement(policy(settle=2))
    assert texts(agreement.feed(placed(("his", 400), ("he", 600)))) == []
    assert texts(agreement.feed(placed(("his", 400), ("he", 1_200)))) == ["his", "he"]


def test_a_settled_word_that_is_then_heard_as_two_is_said_once() -> None:
    agreement = Agreement(policy(settle=2))
    for _ in range(2):
        agreement.feed(placed(("to", 300), ("mashhad", 800)))
    said = agreement.finish(placed(("to", 300), ("mash", 550), ("had", 800), ("and", 1_200)))
    assert texts(said) == ["and"]


def test_a_word_that_was_placed_too_long_hides_none_of_those_after_it() -> None:
    agreement = Agreement(policy(settle=2))
    agreement.feed(heard("he"))
    agreement.feed([HeardWord("he", 0.8, (0, 1_400))])
    assert texts(agreement.finish(heard("he might have been"))) == ["might", "have", "been"]


@given(st.lists(LETTERS, min_size=1, max_size=8), st.integers(4, 8))
def test_a_steady_hypothesis_is_settled_as_it_is(words: list[str], times: int) -> None:
    agreement = Agreement(policy())
    said: list[str] = []
    for _ in range(times):
        said += texts(agreement.feed(heard(" ".join(words))))
    assert said == words


@given(st.lists(LETTERS, max_size=8), st.lists(LETTERS, max_size=8))
def test_alignment_uses_every_slot_and_every_word_once_in_order(
    left: list[str], right: list[str]
) -> None:
    words = heard(" ".join(right))
    row = [Slot(word.text, word.span) for word in heard(" ".join(left))]
    pairs = align(row, words)
    assert [pair.slot for pair in pairs if pair.slot is not None] == row
    assert [pair.word for pair in pairs if pair.word is not None] == words


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert key("Don't,") == key("don’t")
    assert key("We're") != key("were")
    assert key("…") == "…"


def test_characters_without_spaces_are_words_that_know_it() -> None:
    agreement = Agreement(policy(settle=2))
    words = [replace(word, joined=n > 0) for n, word in enumerate(heard("我 们 今 天"))]
    agreement.feed(words[:2])
    settled = agreement.feed(words)
    assert spaced((slot.word, slot.joined) for slot in settled) == "我们"
    agreement.feed(words)
    assert spaced((slot.word, slot.joined) for slot in agreement.tail) == ""


def placed(*words: tuple[str, int]) -> list[HeardWord]:
    """Each with the end of its place in the sound."""
    return [HeardWord(text, 0.5, (end_ms - 200, end_ms)) for text, end_ms in words]


def test_a_word_with_enough_sound_after_it_is_shown_at_first_sight() -> None:
    agreement = Agreement(replace(policy(), after_ms=600))
    agreement.feed(placed(("we", 300), ("begin", 600), ("with", 900)), until_ms=1_200)
    assert texts(agreement.tail) == ["we", "begin"]


def test_a_word_that_replaces_another_is_not_shown_for_the_sound_after_the_other() -> None:
    agreement = Agreement(replace(policy(), after_ms=600, show=9.0))
    agreement.feed(placed(("hat", 900)), until_ms=1_000)
    agreement.feed(placed(("cat", 900)), until_ms=1_200)
    assert agreement.tail == []
    agreement.feed(placed(("cat", 900)), until_ms=1_600)
    assert texts(agreement.tail) == ["cat"]
