from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streaming.embedded.word_times import token_starts


@given(st.lists(st.integers(1, 9), max_size=6), st.floats(0.0, 0.1))
def test_tokens_begin_where_the_attention_moves_on(steps: list[int], elsewhere: float) -> None:
    edges = np.cumsum([0, *steps])
    attention = np.full((len(steps), max(1, edges[-1])), elsewhere, np.float32)
    for row, begin, end in zip(attention, edges, edges[1:], strict=False):
        row[begin:end] = 0.5
    assert token_starts(attention) == edges[:-1].tolist()


@given(st.integers(0, 6), st.integers(1, 9), st.integers(0, 99))
def test_tokens_follow_one_another_whatever_they_attend_to(
    tokens: int, steps: int, seed: int
) -> None:
    attention = np.random.default_rng(seed).random((tokens, steps), np.float32)
    starts = token_starts(attention)
    assert len(starts) == tokens
    assert starts == sorted(starts)
    assert set(starts) <= set(range(steps))
