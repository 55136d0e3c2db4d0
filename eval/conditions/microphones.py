"""Simulates the microphones of meetings: far away, in a laptop, on the telephone.

Pure functions as in ``effects``: the length and the onsets of words stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np

from eval.conditions.effects import coloured_noise
from streaming.audio import Pcm

Microphone = Literal["far", "laptop", "telephone"]
MICROPHONES: tuple[Microphone, ...] = get_args(Microphone)

RECIPES: Mapping[Microphone, Mapping[str, Any]] = {
    "far": {"reverb_s": 0.6, "noise": (15.0, "fan")},
    "laptop": {"drift_ppm": 150.0, "loss": 0.03},
    "telephone": {"telephone": True},
}
"""The effects of each. A far microphone stands on a meeting-room table, with a fan; the clock of a
laptop is slow, and 3 % of its packets are lost."""

BAND_HZ = (300, 3400)
_MU = 255
_FAN_HZ, _BLADES_DB = 120, -6.0


def fan_noise(samples: int, rate: int, chance: np.random.Generator) -> Pcm:
    """Return the hiss of a fan (brown up to 1 kHz) with the hum of its blades, at level 1."""
    time = np.arange(samples) / rate
    hum = sum(np.sin(2 * np.pi * _FAN_HZ * n * time + chance.uniform(0, 6)) / n for n in (1, 2, 3))
    hiss = coloured_noise(samples, rate, chance, slope=1.0, band=(40, 1000))
    noise = hiss + 10 ** (_BLADES_DB / 20) * hum
    found: Pcm = (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
    return found


def telephone(pcm: Pcm, rate: int) -> Pcm:
    """Pass a voice through a telephone: 300 to 3400 Hz (ITU-T G.712), 8 bits by mu-law (G.711)."""
    size = 1 << max(len(pcm) - 1, 1).bit_length()
    spectrum = np.fft.rfft(pcm.astype(np.float64), size)
    frequency = np.fft.rfftfreq(size, 1 / rate)
    spectrum[(frequency < BAND_HZ[0]) | (frequency > BAND_HZ[1])] = 0
    band = np.clip(np.fft.irfft(spectrum, size)[: len(pcm)], -1, 1)
    bent = np.sign(band) * np.log1p(_MU * np.abs(band)) / np.log1p(_MU)
    steps = np.round(bent * 127) / 127
    heard: Pcm = (np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(_MU)) / _MU).astype(np.float32)
    return heard


def drifted(pcm: Pcm, ppm: float) -> Pcm:
    """Play a voice by a clock that is slow by ``ppm`` millionths: 150 are half a second an hour."""
    places = np.arange(len(pcm)) * (1 - ppm / 1e6)
    heard: Pcm = np.interp(places, np.arange(len(pcm)), pcm).astype(np.float32)
    return heard
