from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.embedded.hypothesis import HeardWord
from streaming.embedded.vocabulary import ENTRIES_MAX, ENTRY_MAX, entries, made_up


def test_entries_are_clean_and_each_is_there_once() -> None:
    assert entries([" Zoé\n Martin ", "ZOÉ martin", "…", "", "Étretat; Yport"]) == (
        "Zoé Martin",
        "Étretat Yport",
    )


@pytest.mark.parametrize("mark", ["<|endoftext|>", "<|startoftranscript|>", "<|0.00|>"])
def test_marks_of_a_model_are_no_part_of_an_entry(mark: str) -> None:
    assert entries([mark, f"Zoé{mark}"]) == ("Zoé",)


@given(st.lists(st.text(max_size=2 * ENTRY_MAX), max_size=2 * ENTRIES_MAX))
def test_any_list_has_few_short_entries_and_cleaning_them_again_changes_nothing(
    given: list[str],
) -> None:
    kept = entries(given)
    assert len(kept) <= ENTRIES_MAX
    assert all(len(entry) <= ENTRY_MAX and entry.isprintable() for entry in kept)
    assert entries(kept) == kept


def test_a_word_that_only_the_vocabulary_suggests_is_made_up() -> None:
    doubted = HeardWord("Zoé,", 0.001, (0, 300))
    assert made_up([doubted], ["Zoé Martin"])
    others = [replace(doubted, probability=0.4), HeardWord("budget", 0.001, (300, 600))]
    assert not made_up(others, ["Zoé Martin"])
