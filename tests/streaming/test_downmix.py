from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.audio import Pcm
from streaming.downmix import Downmix

RATE = 8_000
TONE = (0.5 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)).astype(np.float32)


def mixed(*channels: Pcm, size: int = 400) -> Pcm:
    """What comes of the channels, fed ``size`` samples at a time."""
    downmix, sound = Downmix(RATE), np.stack(channels, axis=1)
    pieces = [downmix.feed(sound[i : i + size]) for i in range(0, len(sound), size)]
    return np.concatenate(pieces)


def loudness(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(pcm**2)))


def test_one_channel_is_given_as_it_is() -> None:
    np.testing.assert_array_equal(mixed(TONE), TONE)


def test_equal_channels_are_given_as_one_of_them() -> None:
    np.testing.assert_allclose(mixed(TONE, TONE), TONE)


def test_both_of_two_voices_are_heard() -> None:
    other = TONE[::-1].copy()
    other[: RATE // 2] = 0
    one = TONE.copy()
    one[RATE // 2 :] = 0
    np.testing.assert_allclose(mixed(one, other), (one + other) / 2)


@pytest.mark.parametrize("right", [-1.0, -0.8, -1.25])
def test_channels_of_opposite_phase_give_the_louder_one(right: float) -> None:
    louder = TONE if abs(right) <= 1 else TONE * np.float32(right)
    np.testing.assert_array_equal(mixed(TONE, TONE * np.float32(right)), louder)


def test_a_voice_is_heard_however_its_phase_changes_and_nothing_clicks() -> None:
    turned = TONE.copy()
    turned[RATE // 2 :] *= -1
    turned[RATE // 2 - 20 : RATE // 2 + 20] *= np.abs(np.linspace(-1, 1, 40, dtype=np.float32))
    sound = mixed(TONE, turned)
    assert loudness(sound[-RATE // 4 :]) == pytest.approx(loudness(TONE), rel=0.05)
    assert np.abs(np.diff(sound)).max() <= 1.5 * np.abs(np.diff(TONE)).max()


def test_no_samples_give_no_samples() -> None:
    assert len(Downmix(RATE).feed(np.zeros((0, 2), np.float32))) == 0


LEVELS = st.integers(-100, 100).map(lambda percent: percent / 100)


@given(LEVELS, LEVELS, st.integers(100, 1_000))
def test_what_is_heard_is_a_third_as_loud_as_the_loudest_channel_or_more(
    left: float, right: float, size: int
) -> None:
    sound = mixed(TONE * np.float32(left), TONE * np.float32(right), size=size)
    assert loudness(sound) >= 0.3 * max(abs(left), abs(right)) * loudness(TONE)
