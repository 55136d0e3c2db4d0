from dataclasses import replace

import pytest

from eval.measures.clip_score import score
from eval.measures.readability import is_long, is_wide, pace
from eval.observation import Observation, Shown


def test_a_caption_is_read_over_its_own_time() -> None:
    found = pace("It was the best of times.", 2500)
    assert (found.characters_a_second, found.words_a_minute) == (10.0, 144.0)


def test_no_caption_is_on_a_screen_for_less_than_a_second() -> None:
    assert pace("one two", 10) == pace("one two", 1000)


def test_broken_lines_are_as_fast_to_read_as_whole_ones() -> None:
    assert pace("one two\n three", 2000) == pace("one two three", 2000)


@pytest.mark.parametrize(
    ("text", "lasts_ms", "long"),
    [("x" * 120, 7000, False), ("x" * 121, 1000, True), ("x", 7001, True), ("é" * 120, 1, False)],
)
def test_a_caption_holds_120_characters_or_7_seconds(text: str, lasts_ms: int, long: bool) -> None:
    assert is_long(text, lasts_ms) is long


def test_lines_of_50_characters_are_as_wide_as_they_may_be() -> None:
    assert not is_wide("x" * 50)
    assert is_wide("x" * 51)


def test_the_last_form_of_each_caption_counts() -> None:
    first = Shown(100, "a", "x" * 130, start_ms=0, end_ms=1000, lines=("x" * 130,))
    shown = (
        first,
        replace(first, text="one two", lines=("one two",), end_ms=2000, state="closed"),
        Shown(5000, "b", "y" * 60, state="closed", start_ms=0, end_ms=8000, lines=("y" * 60,)),
    )
    found = score(Observation("a", "en", 9.0, (), shown, "browser"))
    assert found.sums["long_cues"] == (1, 2)
    assert found.sums["long_lines"] == (1, 2)
    assert found.values["words_a_minute"] == [60.0, 7.5]
