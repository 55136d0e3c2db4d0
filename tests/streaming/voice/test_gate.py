from __future__ import annotations

import numpy as np
import pytest

from streaming.audio import FRAME_MS, FRAME_SAMPLES, AudioFrame
from streaming.voice.gate import VoiceGate

CHANCE = np.random.default_rng(1)


def frame(number: int, level: float) -> AudioFrame:
    pcm = (CHANCE.standard_normal(FRAME_SAMPLES) * level).astype(np.float32)
    return AudioFrame(pcm, number * FRAME_SAMPLES)


class Asked:
    """A voice finder that finds none and counts how often it is asked."""

    def __init__(self, *voiced: int) -> None:
        self.times = 0
        self._voiced = voiced

    def __call__(self, frame: AudioFrame) -> bool:
        self.times += 1
        return frame.position // FRAME_SAMPLES in self._voiced


@pytest.mark.parametrize("noise", [0.0, 1e-5, 1e-3, 1e-2])
def test_steady_noise_soon_costs_no_voice_activity(noise: float) -> None:
    asked = Asked()
    gate = VoiceGate(asked)
    for number in range(1_500):
        gate.feed(frame(number, noise))
    before = asked.times
    for number in range(1_500, 2_500):
        gate.feed(frame(number, noise))
    assert asked.times - before < 20


def test_noise_with_holes_in_it_costs_no_voice_activity_either() -> None:
    asked = Asked()
    gate = VoiceGate(asked)
    for number in range(1_000):
        gate.feed(frame(number, 0.0 if number % 20 == 0 else 1e-3))
    before = asked.times
    for number in range(1_000, 2_000):
        gate.feed(frame(number, 0.0 if number % 20 == 0 else 1e-3))
    assert asked.times - before < 20


@pytest.mark.parametrize("noise", [0.0, 1e-5, 1e-3])
def test_speech_passes_whatever_its_level(noise: float) -> None:
    gate = VoiceGate(Asked(*range(200, 300)))
    for number in range(200):
        assert not gate.feed(frame(number, noise))
    assert gate.feed(frame(200, max(noise * 3, 5e-4)))


def test_a_recogniser_gets_a_second_from_before_the_voice() -> None:
    gate = VoiceGate(Asked(50))
    for number in range(51):
        voiced = gate.feed(frame(number, 0.1))
    lead = gate.lead()
    assert voiced
    assert lead[-1].position == 50 * FRAME_SAMPLES
    assert 1_000 <= len(lead) * FRAME_MS <= 1_100


def test_sound_from_before_a_hole_is_no_beginning() -> None:
    gate = VoiceGate(Asked(100))
    for number in (*range(10), 100):
        gate.feed(frame(number, 0.1))
    assert [f.position for f in gate.lead()] == [100 * FRAME_SAMPLES]
