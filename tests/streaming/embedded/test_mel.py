from __future__ import annotations

import numpy as np
import pytest

from streaming.audio import Pcm
from streaming.embedded.mel import log_mel

# By the feature extractor of faster-whisper 1.2.1, of ``sweep()`` followed by 9 s of silence.
PLACES = [0, 7, 33, 64, 99, 100, 101, 500]
REFERENCE = {
    (80, 0): [1.0541, -0.2763, -0.5182, -0.5182, -0.3062, 0.2040, -0.3062, -0.5182],
    (80, 20): [0.4661, -0.1373, -0.5182, -0.5182, -0.2949, 0.2154, -0.2950, -0.5182],
    (80, 60): [-0.1873, -0.5182, -0.5182, -0.5182, 1.1480, 1.0668, 0.2309, -0.5182],
    (80, 79): [-0.3643, -0.5182, -0.5182, -0.5182, -0.3384, 0.1718, -0.3384, -0.5182],
    (128, 20): [0.6958, 1.4022, -0.4725, -0.4725, -0.3124, 0.1978, -0.3124, -0.4725],
    (128, 60): [0.1596, -0.4725, 0.3232, -0.4725, -0.2598, 0.2506, -0.2599, -0.4725],
}


def sweep() -> Pcm:
    time = np.arange(16_000) / 16_000
    tone = np.sin(2 * np.pi * (200 * time + 1_800 * time**2))
    return (0.3 * tone * (1 + np.sin(2 * np.pi * 3 * time))).astype(np.float32)


@pytest.mark.parametrize(("bands", "band"), REFERENCE)
def test_features_are_those_that_whisper_was_trained_on(bands: int, band: int) -> None:
    features = log_mel(sweep(), bands=bands, frames=1_000)
    assert features[band, PLACES] == pytest.approx(REFERENCE[bands, band], abs=2e-4)


@pytest.mark.parametrize("samples", [1, 199, 16_000, 160_000, 170_000])
def test_features_have_the_length_asked_for(samples: int) -> None:
    assert log_mel(np.ones(samples, np.float32), bands=80, frames=1_000).shape == (80, 1_000)
