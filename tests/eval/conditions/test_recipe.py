from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.conditions.microphones import MICROPHONES, Microphone, drifted, telephone
from eval.conditions.recipe import (
    Recipe,
    RecipeError,
    read_codec,
    read_noise,
    read_overlap,
    read_share,
    recipe_of,
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
        (read_noise, "10:nowhere.wav", "neither pink, fan, babble, nor a file"),
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


@pytest.mark.parametrize("microphone", MICROPHONES)
def test_a_microphone_changes_the_sound_reproducibly_and_keeps_its_length(
    microphone: Microphone,
) -> None:
    made = recipe_of(microphone, seed=3)
    heard = [made.made(tone(440), RATE, "a", OTHERS) for _ in range(2)]
    assert len(heard[0]) == RATE
    assert np.array_equal(heard[0], heard[1])
    assert not np.allclose(heard[0], tone(440), atol=1e-3)
    assert made.name != "clean"


def test_what_is_chosen_beats_what_the_microphone_does() -> None:
    assert recipe_of("far", reverb_s=1.0, noise=None) == Recipe(reverb_s=1.0, noise=(15, "fan"))
    assert recipe_of(None, noise=None, seed=0) == Recipe()


def test_a_telephone_passes_its_band_alone() -> None:
    def level(pitch: float) -> float:
        return float(np.sqrt(np.mean(telephone(tone(pitch), RATE) ** 2)))

    assert level(100) < 0.01 * level(1000)
    assert level(6000) < 0.01 * level(1000)
    assert level(1000) == pytest.approx(0.1 / np.sqrt(2), rel=0.05)


def test_a_slow_clock_moves_sound_by_its_millionths() -> None:
    click = np.zeros(RATE * 100, np.float32)
    click[RATE * 90] = 1
    assert np.argmax(drifted(click, 150)) == pytest.approx(RATE * 90 * (1 + 150e-6), abs=1)
