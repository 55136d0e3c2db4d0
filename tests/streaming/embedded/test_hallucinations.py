from __future__ import annotations

import numpy as np
import pytest

from streaming.embedded.hallucinations import INVENTIONS, NOTHING, Limits, once, plausible
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.segments import SpeechSegment


def segment(voiced: int, silent: int = 20) -> SpeechSegment:
    chunk = np.zeros(512, np.float32)
    voice = [0.9] * voiced + [0.0] * silent
    return SpeechSegment(0, voiced, [chunk] * len(voice), voice)


def said(text: str, probability: float, *, complete: bool = True) -> Hypothesis:
    words = (HeardWord(w, probability, (n, n + 1)) for n, w in enumerate(text.split()))
    return Hypothesis(tuple(words), (), complete)


def test_words_without_a_voice_are_nothing() -> None:
    assert plausible(said("thank you", 0.9), segment(3), 23, Limits()) == NOTHING


def test_a_lone_word_that_the_model_doubts_is_nothing() -> None:
    assert plausible(said("You", 0.2), segment(8), 28, Limits()) == NOTHING


def test_a_lone_word_that_the_model_is_sure_of_stays() -> None:
    answer = said("Yes.", 0.9)
    assert plausible(answer, segment(8), 28, Limits()) == answer


def test_more_words_than_anybody_can_say_are_nothing() -> None:
    answer = said("I am going to tell you a little bit about", 0.9)
    assert plausible(answer, segment(15, 60), 75, Limits()) == NOTHING


def test_a_doubtful_sentence_stays() -> None:
    answer = said("patience is genius", 0.3)
    assert plausible(answer, segment(40), 60, Limits()) == answer


def test_of_a_phrase_repeated_until_the_model_is_stopped_one_stays() -> None:
    answer = said("so we go we go we go we go", 0.9, complete=False)
    assert plausible(answer, segment(40), 60, Limits()).text == "so we go"


def test_a_phrase_said_twice_stays() -> None:
    assert once(["tick", "tock", "tick", "tock"]) == (4, 0)


def test_a_phrase_that_the_model_stutters_at_the_end_of_the_sound_stays_once() -> None:
    answer = said("the epoch. " + "It was a season of light. " * 3, 0.9)
    kept = plausible(answer, segment(80), 100, Limits())
    assert kept.text == "the epoch. It was a season of light."


def test_of_a_sentence_that_the_model_says_four_times_over_one_stays() -> None:
    sentence = "in being comparatively modern for although the Chinese took impressions"
    answer = said(" ".join([sentence] * 4), 0.9)
    assert plausible(answer, segment(100), 120, Limits()).text == sentence


def test_a_word_that_the_model_loops_on_is_nothing() -> None:
    assert plausible(said("you " * 40, 0.9), segment(40), 60, Limits()) == NOTHING


def test_a_phrase_that_somebody_repeats_stays_as_often_as_there_is_voice_for_it() -> None:
    answer = said("I tell thee the truth. " * 3, 0.9)
    assert plausible(answer, segment(115), 130, Limits()) == answer


def test_a_short_answer_stays_though_the_model_is_not_sure() -> None:
    assert plausible(said("Oui.", 0.45), segment(8), 28, Limits()).text == "Oui."


INVENTIVE = Limits(inventions=INVENTIONS)


@pytest.mark.parametrize(
    ("said_so_far", "made_up"),
    [
        ("", "Sous-titrage ST' 501"),
        ("Nous reprenons demain.", "Merci d'avoir regardé cette vidéo!"),
        ("See you tomorrow.", "Thanks for watching!"),
    ],
)
def test_thanks_and_credits_that_the_model_makes_up_are_left_out(
    said_so_far: str, made_up: str
) -> None:
    heard = said(f"{said_so_far} {made_up}", 0.9)
    assert plausible(heard, segment(300), 320, INVENTIVE).text == said_so_far


@pytest.mark.parametrize(
    "text", ["Thank you.", "Merci.", "Merci d'avoir regardé cette vidéo avec nous.", "Oui."]
)
def test_thanks_that_somebody_says_stay(text: str) -> None:
    assert plausible(said(text, 0.9), segment(300), 320, INVENTIVE).text == text


def test_a_word_said_three_times_over_stays_as_it_was_said() -> None:
    answer = said("no, no, no.", 0.9)
    assert plausible(answer, segment(60), 80, Limits()) == answer
