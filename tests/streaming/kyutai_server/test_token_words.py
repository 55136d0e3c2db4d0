from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streaming.kyutai_server.token_words import (
    PADDING,
    PAUSE_STEPS,
    PIECES_MAX,
    WORD_STARTS,
    Spoken,
    WordAssembler,
    WordEnded,
    WordSaid,
)
from streaming.testing.scripted import ToyVocabulary

VOCABULARY = ToyVocabulary(["▁hello", "▁world", "▁4", "00", "é-a", "é-b", "▁"])
HELLO, WORLD, FOUR, HUNDRED, HALF_A, HALF_B, SPACE = range(4, 11)
TOKENS = st.lists(st.sampled_from([0, 3, 3, 3, *range(4, 11)]), max_size=80)


def words(tokens: Sequence[int], *, flush: bool = True) -> list[Spoken]:
    assembler = WordAssembler(VOCABULARY)
    said = [event for i, token in enumerate(tokens) for event in assembler.feed(token, i * 80)]
    return said + (assembler.flush(len(tokens) * 80) if flush else [])


def test_a_word_starts_where_the_padding_ends_and_is_complete_at_the_next_padding() -> None:
    assert words([3, 3, WORD_STARTS, HELLO, PADDING], flush=False) == [
        WordSaid("hello", 160, joined=False)
    ]


def test_a_word_ends_where_the_next_one_starts() -> None:
    assert words([0, HELLO, 3, 3, 0, WORLD, 3], flush=False) == [
        WordSaid("hello", 0, joined=False),
        WordEnded(320),
        WordSaid("world", 320, joined=False),
    ]


def test_a_word_without_padding_before_the_next_is_ended_by_it() -> None:
    assert words([0, HELLO, 0, WORLD, 0], flush=False) == [
        WordSaid("hello", 0, joined=False),
        WordEnded(160),
        WordSaid("world", 160, joined=False),
        WordEnded(320),
    ]


def test_the_last_word_of_a_turn_gets_its_end_when_padding_has_lasted() -> None:
    said = words([0, HELLO, *[PADDING] * PAUSE_STEPS], flush=False)
    assert said == [WordSaid("hello", 0, joined=False), WordEnded(160)]


def test_a_piece_without_a_space_before_it_continues_the_word_before() -> None:
    said = [event for event in words([0, FOUR, 3, 0, HUNDRED, 3]) if isinstance(event, WordSaid)]
    assert [(word.text, word.joined) for word in said] == [("4", False), ("00", True)]


def test_nothing_is_joined_to_a_word_that_was_never_said() -> None:
    assert words([0, HUNDRED, 3])[0] == WordSaid("00", 0, joined=False)


def test_half_a_character_waits_for_the_other_half() -> None:
    assert words([0, HALF_A, 3], flush=False) == []
    assert words([0, HALF_A, 3, 0, HALF_B, 3], flush=False) == [WordSaid("é", 0, joined=False)]


def test_half_a_character_alone_is_never_said() -> None:
    assert words([0, HALF_A, 3, 3]) == []


def test_an_empty_word_is_not_said() -> None:
    assert words([0, SPACE, 3, 0, 3, 0]) == []


def test_a_model_that_never_ends_its_word_fills_no_memory() -> None:
    assembler = WordAssembler(VOCABULARY)
    for step in range(100_000):
        assembler.feed(HELLO, step * 80)
    said, _ = assembler.flush(100_000 * 80)
    assert said == WordSaid(VOCABULARY.text([HELLO] * PIECES_MAX), 0, joined=False)


@given(TOKENS)
def test_every_word_has_one_end_before_the_next_begins_and_times_never_go_back(
    tokens: list[int],
) -> None:
    said = words(tokens)
    assert [type(event) for event in said] == [WordSaid, WordEnded] * (len(said) // 2)
    times = [event.start_ms if isinstance(event, WordSaid) else event.end_ms for event in said]
    assert times == sorted(times)


@given(st.lists(st.sampled_from([0, 3, HELLO, WORLD, FOUR, HUNDRED]), max_size=80))
def test_every_piece_is_said_once_and_in_order(tokens: list[int]) -> None:
    pieces = [token for token in tokens if token not in (WORD_STARTS, PADDING)]
    said = "".join(event.text for event in words(tokens) if isinstance(event, WordSaid))
    assert said.replace(" ", "") == VOCABULARY.text(pieces).replace(" ", "")
