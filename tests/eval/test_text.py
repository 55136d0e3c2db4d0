import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.text import NoNormalizer, normalize, spoken_key, word_key


def test_english_is_compared_without_case_punctuation_and_fillers() -> None:
    words = normalize("Uh, Mr. Hale can't — I MEAN, won't!", "en")
    assert " ".join(words) == "mister hale can not i mean will not"


def test_numbers_are_compared_as_digits() -> None:
    assert normalize("four thousand, two hundred", "en") == normalize("4,200", "en") == ["4200"]


def test_a_region_does_not_change_the_normaliser() -> None:
    assert normalize("Colour", "en-GB") == normalize("color", "en")


def test_a_language_without_normaliser_is_named() -> None:
    with pytest.raises(NoNormalizer, match="'fr'; there is one for: en"):
        normalize("l'école", "fr")


def test_spellings_of_one_spoken_word_have_one_key() -> None:
    assert spoken_key("Mr.", "en") == spoken_key("mister", "en")
    assert spoken_key("Can't", "en") == "can not"
    assert spoken_key("Uh,", "en") == ""


def test_a_word_key_has_no_case_and_no_punctuation() -> None:
    assert word_key("“Don't!”") == word_key("dont") == "dont"
    assert word_key("—") == ""
    assert word_key("5 €") != word_key("5")


@given(st.text())
def test_a_word_key_is_its_own_key(word: str) -> None:
    assert word_key(word_key(word)) == word_key(word)
