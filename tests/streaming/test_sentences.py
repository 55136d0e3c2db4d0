from __future__ import annotations

import pytest

from streaming.sentences import ends_sentence


@pytest.mark.parametrize("word", ["now.", 'over."', "No.", "?", "so!”", "well…", "(yes.)"])
def test_closing_punctuation_ends_a_sentence(word: str) -> None:
    assert ends_sentence(word)


@pytest.mark.parametrize("word", ["Mr.", "J.", "e.g.", "(Dr.", "now,", "now", "3.5"])
def test_an_abbreviation_or_a_comma_ends_no_sentence(word: str) -> None:
    assert not ends_sentence(word)
