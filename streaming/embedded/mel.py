"""Whisper's features: the energy in mel bands every 10 ms, on a logarithmic scale.

The bands are Slaney's (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from streaming.audio import Pcm

FRAMES_A_SECOND = 100
"""Features of one second."""

_RATE = 16_000
_WINDOW = 400  # samples: 25 ms
_HOP = _RATE // FRAMES_A_SECOND
_LINEAR_HZ, _LINEAR_MEL = 1_000.0, 15.0
_MEL_PER_LOG = 27.0 / np.log(6.4)
_LEAST = 1e-10
_RANGE = 8.0  # powers of ten below the loudest value

Features = npt.NDArray[np.float32]


def log_mel(pcm: Pcm, *, bands: int, frames: int) -> Features:
    """Return float32[bands, frames] of float32[n] at 16 kHz, followed by silence.

    Sound beyond ``frames`` is left out.
    """
    pcm = pcm[: frames * _HOP]
    heard = min(frames, (len(pcm) + _WINDOW // 2) // _HOP + 1)  # the others are silent
    after = (heard - 1) * _HOP + _WINDOW // 2 - len(pcm)
    padded = np.pad(np.pad(pcm, (_WINDOW // 2, 0), mode="reflect"), (0, after))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(pieces * _hann(), axis=1)
    levels = np.full((bands, frames), np.log10(_LEAST), np.float32)
    energy = _filters(bands) @ (np.abs(spectrum) ** 2).astype(np.float32).T
    levels[:, :heard] = np.log10(np.maximum(energy, _LEAST))
    return np.asarray((np.maximum(levels, levels.max() - _RANGE) + 4.0) / 4.0, np.float32)


@cache
def _hann() -> npt.NDArray[np.float32]:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters(bands: int) -> Features:
    """Return triangles of equal area, float32[bands, frequencies]."""
    frequencies = np.fft.rfftfreq(_WINDOW, 1 / _RATE)
    edges = _hertz(np.linspace(0.0, _mel(_RATE / 2), bands + 2))
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    triangles = np.maximum(0.0, np.minimum(rising, falling)) * area[:, None]
    return np.asarray(triangles, np.float32)


def _mel(hertz: float) -> float:
    """Return the place of a frequency above 1 kHz."""
    return float(_LINEAR_MEL + _MEL_PER_LOG * np.log(hertz / _LINEAR_HZ))


def _hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    linear = mel * _LINEAR_HZ / _LINEAR_MEL
    above = _LINEAR_HZ * np.exp((mel - _LINEAR_MEL) / _MEL_PER_LOG)
    return np.where(mel < _LINEAR_MEL, linear, above)
