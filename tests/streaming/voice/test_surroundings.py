from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.conditions.effects import at_level, mixed, pink_noise, reverberant
from streaming.audio import Pcm
from streaming.embedded.model_files import model_folder
from streaming.voice.silero import CHUNK_SAMPLES, SileroVoiceActivity
from streaming.voice.surroundings import Surroundings, SurroundingsPolicy

RATE = 16_000
POLICY = SurroundingsPolicy()


def chunk(level_db: float) -> Pcm:
    """32 ms of a square wave."""
    wave = np.tile(np.array([1, -1], np.float32), CHUNK_SAMPLES // 2)
    return wave * np.float32(10 ** (level_db / 20))


def after(levels: list[float], voiced: list[bool]) -> list[bool]:
    room = Surroundings()
    bad = []
    for level, is_voice in zip(levels, voiced, strict=True):
        room.feed(chunk(level), voiced=is_voice)
        bad.append(room.bad)
    return bad


LEVELS = st.lists(st.floats(-40.0, -10.0), min_size=1, max_size=300)


@given(LEVELS, st.floats(-20.0, 10.0))
@settings(max_examples=30)
def test_how_loud_a_voice_is_makes_no_difference(levels: list[float], gain: float) -> None:
    near = [round(level) for level in levels]  # away from the limits by more than rounding
    voiced = [True] * len(near)
    assert after([level + gain for level in near], voiced) == after([*map(float, near)], voiced)


@given(LEVELS)
@settings(max_examples=30)
def test_where_nobody_speaks_nothing_is_learnt(levels: list[float]) -> None:
    assert not any(after(levels, [False] * len(levels)))


@given(st.data())
@settings(max_examples=30)
def test_a_room_is_judged_by_the_fall_that_one_of_twenty_reaches(data: st.DataObject) -> None:
    levels = [float(x) for x in data.draw(st.lists(st.integers(-60, -10), max_size=250))]
    voiced = data.draw(st.lists(st.booleans(), min_size=len(levels), max_size=len(levels)))
    falls: list[float] = []
    bad = False
    for n, found in enumerate(after(levels, voiced)):
        if n >= POLICY.apart and voiced[n - POLICY.apart]:
            falls.append(levels[n - POLICY.apart] - levels[n])
        known = falls[-POLICY.most :]
        if voiced[n] and len(known) >= POLICY.least:
            limit = POLICY.good_db if bad else POLICY.bad_db
            reaching = sum(fall >= limit - 0.01 for fall in known)
            bad = reaching <= len(known) // POLICY.one_of
        assert found == bad


@pytest.fixture(scope="module")
def voice() -> Pcm:
    pcm, rate = soundfile.read(model_folder().parent / "two_cities.wav", dtype="float32")
    resampled: Pcm = soxr.resample(pcm, rate, RATE)
    return resampled


def share_bad(pcm: Pcm) -> float:
    """The share of the chunks with voice that sound as if in a bad room."""
    room, detector = Surroundings(), SileroVoiceActivity()
    bad = []
    for begin in range(0, len(pcm) - CHUNK_SAMPLES, CHUNK_SAMPLES):
        piece = pcm[begin : begin + CHUNK_SAMPLES]
        voiced = detector(piece) >= 0.35
        room.feed(piece, voiced=voiced)
        if voiced:
            bad.append(room.bad)
    return sum(bad) / len(bad)


@pytest.mark.parametrize("level_db", [-20.0, -50.0])
def test_real_speech_is_not_in_a_bad_room(voice: Pcm, level_db: float) -> None:
    assert share_bad(at_level(voice, RATE, level_db)) == 0


def test_real_speech_in_an_echoing_room_is_known_within_two_seconds(voice: Pcm) -> None:
    echoing = reverberant(voice, RATE, 0.6, np.random.default_rng(0))
    assert share_bad(echoing) > 1 - 2 / 44


def test_most_real_speech_in_noise_is_in_a_bad_room(voice: Pcm) -> None:
    chance = np.random.default_rng(0)
    assert share_bad(mixed(voice, RATE, pink_noise(len(voice), RATE, chance), 10.0)) > 0.5
