import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kaldialign import bootstrap_wer_ci

from eval.measures.bootstrap import (
    Numbers,
    Statistic,
    draws,
    interval,
    quantiles,
    ratios,
    resampled,
)
from eval.measures.catalogue import quantile


def of(clips: int, statistic: Statistic, resamples: int = 1000) -> Numbers:
    (found,) = resampled([statistic], clips, resamples=resamples)
    return found


def test_each_resample_draws_as_many_clips_as_there_are() -> None:
    parts = list(draws(7, resamples=50, seed=1))
    counts = np.concatenate(parts)
    assert counts.shape == (50, 7)
    assert (counts.sum(axis=1) == 7).all()


def test_many_clips_are_drawn_in_parts() -> None:
    parts = list(draws(900_000, resamples=5))
    assert [len(part) for part in parts] == [2, 2, 1]


def test_clips_that_are_all_alike_leave_no_doubt() -> None:
    found = interval(of(20, ratios([1] * 20, [2] * 20)))
    assert found is not None
    assert found.low == found.high == 0.5


def test_the_interval_narrows_with_more_clips() -> None:
    few = interval(of(10, ratios([0, 1] * 5, [2, 2] * 5)))
    many = interval(of(200, ratios([0, 1] * 100, [2, 2] * 100)))
    assert few is not None
    assert many is not None
    assert few.low < many.low < 0.25 < many.high < few.high


def test_clips_without_words_have_no_interval() -> None:
    assert interval(of(2, ratios([1, 0], [0, 0]))) is None
    assert interval(of(0, ratios([], []))) is None
    assert interval(of(2, quantiles([[], []], [0.5]))) is None


def test_the_interval_of_word_errors_is_that_of_kaldialign() -> None:
    chance = np.random.default_rng(3)
    pairs = []
    for _ in range(200):
        words = [str(n) for n in chance.integers(20, size=12)]
        pairs.append((words, [w if chance.random() > 0.1 else "x" for w in words]))
    theirs = bootstrap_wer_ci(
        [ref for ref, _ in pairs], [hyp for _, hyp in pairs], replications=4000, seed=1
    )
    wrong = [sum(a != b for a, b in zip(*pair, strict=True)) for pair in pairs]
    ours = interval(of(200, ratios(wrong, [12] * 200), 4000))
    assert ours is not None
    # Theirs is mean ± 1.96 deviations, ours is by ranks.
    assert ours.low == pytest.approx(theirs["ci95min"], abs=0.002)
    assert ours.high == pytest.approx(theirs["ci95max"], abs=0.002)


@given(st.lists(st.floats(-9, 99), min_size=1, max_size=9), st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(values: list[float], q: float) -> None:
    assert quantile(values, q) == pytest.approx(np.quantile(values, q))


@given(
    st.lists(st.lists(st.integers(-9, 99), max_size=4), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.5, 0.9, 0.95, 1.0]),
)
def test_quantiles_are_those_of_the_drawn_values_written_out(
    values: list[list[float]], q: float
) -> None:
    found = of(len(values), quantiles(values, [0.25, q]), 20)
    counts = np.concatenate(list(draws(len(values), resamples=20)))
    for drawn, ours in zip(counts, found[:, 1], strict=True):
        written_out = [v for clip, n in zip(values, drawn, strict=True) for v in clip * int(n)]
        if written_out:
            assert ours == pytest.approx(np.quantile(written_out, q))
        else:
            assert np.isnan(ours)
