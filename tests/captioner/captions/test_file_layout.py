"""Files keep the rules of captions: lines that fit, cues that can be read."""

from __future__ import annotations

import io
import random
from itertools import pairwise

import webvtt
from hypothesis import given
from hypothesis import strategies as st

from captioner.captions.cues import Cue
from captioner.captions.file_layout import (
    CUE_MAX_MS,
    CUE_MIN_MS,
    LINE_MAX,
    LINES_MAX,
    Layout,
    file_of,
    laid_out,
    wrapped,
)

LONG = "it was the best that we could do with all of the money there was"


def cue(number: int, start_ms: int, end_ms: int, text: str, speaker: str = "anna") -> Cue:
    return Cue(f"c-{number}", speaker, start_ms, end_ms, text, "en")


def laid(*cues: Cue) -> list[tuple[int, int, str]]:
    return [
        (done.start_ms, done.end_ms, done.text)
        for done, _ in laid_out((one, one.speaker) for one in cues)
    ]


def test_a_long_line_becomes_lines_of_about_the_same_length() -> None:
    assert len(LONG) == 64
    assert wrapped(LONG) == ["it was the best that we could do", "with all of the money there was"]
    assert wrapped("Yes.") == ["Yes."]
    assert wrapped("x" * 60) == ["x" * 60]


def test_a_file_has_the_lines_that_the_rules_give() -> None:
    text = file_of([(cue(1, 0, 7_000, LONG), "Anna")])
    (read,) = webvtt.from_buffer(io.StringIO(text))
    assert read.text.split("\n") == wrapped(LONG)


def test_the_beginning_of_a_sentence_is_joined_to_what_follows() -> None:
    assert laid(cue(1, 0, 600, "It was the"), cue(2, 1_500, 3_500, "best that we could do.")) == [
        (0, 3_500, "It was the best that we could do.")
    ]


def test_a_fragment_that_does_not_fit_takes_words_of_its_neighbour() -> None:
    first, second = laid(cue(1, 0, 600, "It was the"), cue(2, 700, 7_700, LONG))
    assert f"{first[2]} {second[2]}" == f"It was the {LONG}"
    assert min(first[1] - first[0], second[1] - second[0]) >= CUE_MIN_MS
    assert min(len(first[2].split()), len(second[2].split())) > 3


def test_a_short_answer_stays_on_longer_where_nobody_is_in_its_way() -> None:
    assert laid(cue(1, 5_000, 5_300, "Yes.")) == [(5_000, 6_000, "Yes.")]
    apart = laid(cue(1, 0, 300, "Yes."), cue(2, 5_000, 6_500, "I think so."))
    assert apart == [(0, 1_000, "Yes."), (5_000, 6_500, "I think so.")]


def test_two_people_are_never_joined() -> None:
    assert laid(cue(1, 0, 500, "So I"), cue(2, 600, 1_700, "Go on.", speaker="bob")) == [
        (0, 1_000, "So I"), (600, 1_700, "Go on."),
    ]  # fmt: skip


WORD = st.sampled_from(["a", "the", "budget", "of", "considerably", "is", "good.", "so,", "x" * 30])
CUES = st.lists(
    st.tuples(
        st.lists(WORD, min_size=1, max_size=14), st.integers(1, 7_000), st.integers(0, 3_000)
    ),
    max_size=12,
)


@given(CUES)
def test_whatever_was_said_no_word_is_lost_and_every_cue_keeps_the_rules(
    said: list[tuple[list[str], int, int]],
) -> None:
    cues, at = [], 0
    for number, (words, length, gap) in enumerate(said):
        cues.append(cue(number, at, at + length, " ".join(words)))
        at += length + gap
    done = [one for one, _ in laid_out((one, "Anna") for one in cues)]
    assert " ".join(one.text for one in done) == " ".join(one.text for one in cues)
    assert len({one.id for one in done}) == len(done)
    for before, after in pairwise(done):
        assert before.start_ms < before.end_ms <= after.start_ms
    for one in done:
        assert one.end_ms - one.start_ms <= CUE_MAX_MS
        lines = wrapped(one.text)
        assert all(len(line) <= LINE_MAX or " " not in line for line in lines)
        if all(len(word) <= LINE_MAX // 2 for word in one.text.split()) and len(one.text) <= 100:
            assert len(lines) <= LINES_MAX


def test_chinese_lines_hold_half_as_many_characters_and_no_spaces() -> None:
    lines = wrapped("我们今天讨论预算，" * 4)
    assert "".join(lines) == "我们今天讨论预算，" * 4
    assert max(map(len, lines)) <= LINE_MAX // 2
    assert laid(cue(1, 0, 600, "我们"), cue(2, 700, 3_500, "今天讨论预算。")) == [
        (0, 3_500, "我们今天讨论预算。")
    ]


@given(CUES, st.randoms(use_true_random=False))
def test_in_whatever_order_cues_are_put_taken_and_put_again_the_file_is_the_same(
    said: list[tuple[list[str], int, int]], chance: random.Random
) -> None:
    cues, at = [], 0
    for number, (words, length, gap) in enumerate(said):
        cues.append(cue(number, at, at + length, " ".join(words), chance.choice(["anna", "bob"])))
        at += length + gap
    layout, put = Layout(), chance.sample(cues, len(cues))
    for one in put:
        layout.put(one, one.speaker)
        if chance.random() < 0.4:
            other = chance.choice(put[: put.index(one) + 1])
            layout.take(other, other.speaker)
            layout.put(other, other.speaker)
    assert layout.cues() == laid_out((one, one.speaker) for one in cues)
