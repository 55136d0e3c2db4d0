"""The six tones that the test checkpoint knows, each standing for a word.

They show that audio becomes words of the right stream, in order and in time. They say nothing
about accuracy on speech.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, Pcm

TONES = {"hello": 400, "world": 700, "live": 1100, "caption": 1700, "test": 2500, "room": 3600}
"""Word → Hz."""

TONE_FRAMES = 3
"""Length of a tone in frames of 80 ms: two are needed, five would be recognised twice."""

GAP_FRAMES = 3
"""Silence after each tone."""

FRAMES_PER_WORD = TONE_FRAMES + GAP_FRAMES


def sing(words: Iterable[str], *, level: float = 0.3) -> Pcm:
    """Return float32[n]: a tone of 240 ms and 240 ms of silence for each word.

    level: the amplitude, 0 to 1; the checkpoint was trained from 0.03 to 0.7.
    """
    time = np.arange(TONE_FRAMES * FRAME_SAMPLES) / SAMPLE_RATE
    silence = np.zeros(GAP_FRAMES * FRAME_SAMPLES)
    parts = [np.zeros(0)]
    for word in words:
        parts += [level * np.sin(2 * np.pi * TONES[word] * time), silence]
    return np.concatenate(parts).astype(np.float32)


def start_ms(number: int) -> int:
    """Return when the tone of word ``number`` (from 0) of ``sing`` begins."""
    return number * FRAMES_PER_WORD * 80
