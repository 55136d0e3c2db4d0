from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.conditions.recipe import (
    Recipe,
    RecipeError,
    read_codec,
    read_noise,
    read_overlap,
    read_share,
)
from streaming.audio import Pcm

RATE = 16_000


def tone(pitch: float) -> Pcm:
    return (0.1 * np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE)).astype(np.float32)


OTHERS: list[Callable[[], Pcm]] = [lambda pitch=pitch: tone(pitch) for pitch in (300, 500, 700)]
HARSH = Recipe((0.5, -6), 0.4, (10, "babble"), -30, 16_000, 0.1)


def test_without_conditions_a_clip_is_played_as_it_is() -> None:
    assert Recipe().name == "clean"
    assert np.array_equal(Recipe().made(tone(200), RATE, "a", OTHERS), tone(200))


def test_the_same_seed_makes_a_clip_the_same_whatever_was_made_before_it() -> None:
    first = HARSH.made(tone(200), RATE, "a", OTHERS)
    HARSH.made(tone(210), RATE, "b", OTHERS)
    assert np.array_equal(HARSH.made(tone(200), RATE, "a", OTHERS), first)
    assert not np.array_equal(HARSH.made(tone(200), RATE, "b", OTHERS), first)
    assert len(first) == RATE


def test_conditions_are_named_in_full() -> None:
    assert HARSH.name == (
        "overlap 50% at -6 dB, reverberation 0.4 s, babble noise 10 dB below, level -30 dB, "
        "opus at 16 kbit/s, 10% of packets lost"
    )


def test_a_corpus_of_one_clip_has_nobody_to_overlap_with() -> None:
    alone = Recipe(overlap=(0.5, 0)).made(tone(200), RATE, "a", [])
    assert np.array_equal(alone, tone(200))


def test_noise_comes_from_a_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "cafe.wav", tone(900), RATE)
    noise = read_noise(f"10:{tmp_path / 'cafe.wav'}")
    made = Recipe(noise=noise).made(tone(200), RATE, "a", [])
    spectrum = np.abs(np.fft.rfft(made))
    assert spectrum[900] == pytest.approx(spectrum[200] * 10 ** (-10 / 20), rel=0.02)


def test_options_are_read_as_they_are_written() -> None:
    assert read_noise("10") == (10, "pink")
    assert read_noise("-5:babble") == (-5, "babble")
    assert read_overlap("30") == (0.3, -6)
    assert read_overlap("30%@0") == (0.3, 0)
    assert read_codec("opus@24k") == read_codec("Opus@24000") == 24_000
    assert read_share("5%") == 0.05


@pytest.mark.parametrize(
    ("read", "text", "complaint"),
    [
        (read_noise, "loud", "not a number; write it as 10, 10:babble"),
        (read_noise, "10:nowhere.wav", "neither pink, nor babble, nor a file"),
        (read_codec, "mp3@24k", "write it as opus@24k"),
        (read_codec, "opus@1k", "6k to 510k"),
        (read_share, "120", "not a share"),
        (read_overlap, "30@near", "not a number"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(
    read: Callable[[str], object], text: str, complaint: str
) -> None:
    with pytest.raises(RecipeError, match=complaint):
        read(text)
