"""Words as sounds that simple arithmetic distinguishes, even after Opus and a media server.

The truth of a meeting of such words is known exactly: each is said once, so every word that is
lost, doubled or shown under a wrong name is found. They say nothing about accuracy on speech.
"""

from __future__ import annotations

import numpy as np

from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Pcm

SYLLABLES = tuple(consonant + vowel for consonant in "kzvb" for vowel in "aeio")
"""A word consists of four; each is one of sixteen tones in a band of its own."""

WORDS = len(SYLLABLES) ** 4
"""The number of different words."""

RAISES = WORDS - 1
"""The number of the word upon which a ``Fragile`` recogniser raises."""

WORD_MS = 280
"""Duration of a word, which fills two frames of 80 ms wherever it starts."""

PAUSE_MS = 120
"""Silence after a word, too short for a pause."""

LEVEL = 0.08
"""Amplitude of each of a word's five tones, 0 to 1."""

_BANDS = 5  # four syllables and a check
_LOWEST_HZ = 300.0
_SPACING_HZ = 31.25  # up to 2.8 kHz: where bits are few, Opus replaces what lies above
_RAMP_S = 0.01
_LOUD = 0.05
_CLEAR = 2.0  # times as strong as any other tone of its band
_WINDOW = np.hanning(FRAME_SAMPLES)


def _hertz(band: int, digit: int) -> float:
    return _LOWEST_HZ + _SPACING_HZ * (band * len(SYLLABLES) + digit)


_TONES = np.array(
    [
        _WINDOW * np.exp(-2j * np.pi * _hertz(band, digit) * np.arange(FRAME_SAMPLES) / SAMPLE_RATE)
        for band in range(_BANDS)
        for digit in range(len(SYLLABLES))
    ],
    np.complex64,
)


def word(number: int) -> str:
    """Return the word with ``number`` (0 to WORDS - 1): "kakakaka", "kakakake"…"""
    return "".join(SYLLABLES[digit] for digit in _digits(number))


def chord(number: int, *, rate: int = SAMPLE_RATE) -> Pcm:
    """Return float32[n] at ``rate``: the word with ``number``, and the silence after it."""
    time = np.arange(rate * WORD_MS // 1000) / rate
    digits = [*_digits(number), _check(_digits(number))]
    tones = [
        np.sin(2 * np.pi * _hertz(band, digit) * time + band) for band, digit in enumerate(digits)
    ]
    ramp = np.minimum(
        1, np.minimum(time, time[::-1]) / _RAMP_S
    )  # a click would have energy in every band
    silence = np.zeros(rate * PAUSE_MS // 1000)
    return np.concatenate([LEVEL * ramp * np.sum(tones, axis=0), silence]).astype(np.float32)


def hear(pcm: Pcm) -> str | None:
    """Return the word in float32[1920], or None if there is none or it is ambiguous."""
    if float(np.abs(pcm).max(initial=0.0)) < _LOUD:
        return None
    power = np.abs(_TONES @ pcm).reshape(_BANDS, len(SYLLABLES))
    ordered = np.sort(power, axis=1)
    if np.any(ordered[:, -1] < _CLEAR * ordered[:, -2]):
        return None
    *digits, check = (int(digit) for digit in power.argmax(axis=1))
    return "".join(SYLLABLES[digit] for digit in digits) if check == _check(digits) else None


def has_tone(frame: AudioFrame) -> bool:
    """The voice detector for such words."""
    return bool(np.abs(frame.pcm).max(initial=0.0) >= _LOUD)


def _digits(number: int) -> list[int]:
    if not 0 <= number < WORDS:
        raise ValueError(f"there are words 0 to {WORDS - 1}, not {number}")
    return [number >> shift & 15 for shift in (12, 8, 4, 0)]


def _check(digits: list[int]) -> int:
    return sum((place + 3) * digit for place, digit in enumerate(digits)) % len(SYLLABLES)
