from __future__ import annotations

import numpy as np
import pytest

from eval.corpus.manifest import bundled_corpus
from streaming.audio import Pcm
from streaming.voice.meter import VoiceMeter
from streaming.voice.silero import CHUNK_SAMPLES, SileroVoiceActivity


def noise(level: float, chunks: int) -> Pcm:
    chance = np.random.default_rng(1)
    return (level * chance.standard_normal(chunks * CHUNK_SAMPLES)).astype(np.float32)


def voiced(sound: Pcm) -> list[bool]:
    meter = VoiceMeter(SileroVoiceActivity())
    whole = sound[: len(sound) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
    return [meter(chunk) >= 0.5 for chunk in whole]


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """Ten seconds of a quiet recording: 12 dB below a microphone in a meeting."""
    return bundled_corpus()[0].audio(16_000)[: 312 * CHUNK_SAMPLES]


def quieter(sound: Pcm, decibels: float) -> Pcm:
    whole = np.round(sound * np.float32(10 ** (-decibels / 20)) * 32_767)
    return (whole / 32_767).astype(np.float32)


@pytest.mark.parametrize("decibels", [20, 32])
def test_quiet_speech_is_found_as_loud_speech_is(speech: Pcm, decibels: float) -> None:
    assert sum(voiced(quieter(speech, decibels))) >= 0.9 * sum(voiced(speech))


@pytest.mark.parametrize("pause", [0.0, 3e-5])
def test_a_quiet_speaker_is_found_right_after_a_loud_one(speech: Pcm, pause: float) -> None:
    both = np.concatenate([speech, noise(pause, 16), quieter(speech, 32)])
    assert sum(voiced(both)[-312:]) >= 0.9 * sum(voiced(speech))


def test_a_loud_speaker_stays_as_they_are_after_a_quiet_one(speech: Pcm) -> None:
    both = np.concatenate([quieter(speech, 32), noise(0.0, 16), speech])
    assert sum(voiced(both)[-312:]) >= 0.95 * sum(voiced(speech))


@pytest.mark.parametrize("level", [1e-5, 3e-5, 1e-3, 1e-2])
def test_noise_after_speech_is_no_voice(speech: Pcm, level: float) -> None:
    after = voiced(np.concatenate([speech, noise(level, 300)]))[-290:]
    assert sum(after) <= 3
