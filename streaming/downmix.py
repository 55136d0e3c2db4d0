"""Mixes the channels of a recording or a track into one, without cancelling a voice. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streaming.audio import Pcm

# Energy of the mean of the channels as a part of the loudest channel's. Of a voice on one of two
# channels it is 0.25; only channels of opposite phase give less.
_CANCELS = 0.1
_ADDS_UP = 0.2

_MEMORY_S = 0.1  # over which energies are averaged
_FADE_S = 0.01  # from one signal to the other, so that nothing clicks


class Downmix:
    """Gives the mean of the channels, or the loudest channel while they cancel each other.

    A microphone or cable with one channel inverted gives such sound: its mean is silence.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._energies: npt.NDArray[np.float64] | None = None  # of the mean, then of each channel
        self._taken: int | None = None  # the channel; None for the mean

    def feed(self, pcm: npt.NDArray[np.float32]) -> Pcm:
        """Take float32[samples, channels]; return float32[samples]."""
        if pcm.shape[1] == 1 or not len(pcm):
            return pcm.mean(axis=1, dtype=np.float32) if len(pcm) else np.zeros(0, np.float32)
        signals = np.concatenate([pcm.mean(axis=1, keepdims=True), pcm], axis=1)
        first = self._energies is None
        before, self._taken = self._taken, self._choice(signals)
        new = self._signal(signals, self._taken)
        if first or before == self._taken:
            return new
        fade = np.arange(len(new), dtype=np.float32) / (self._rate * _FADE_S)
        fade = np.minimum(fade, np.float32(1))
        faded: Pcm = new * fade + self._signal(signals, before) * (1 - fade)
        return faded

    def _choice(self, signals: npt.NDArray[np.float32]) -> int | None:
        now = np.mean(np.square(signals, dtype=np.float64), axis=0)
        if self._energies is None:
            self._energies = now
        kept = np.exp(-len(signals) / (self._rate * _MEMORY_S))
        self._energies = kept * self._energies + (1 - kept) * now
        mean, channels = self._energies[0], self._energies[1:]
        limit = _CANCELS if self._taken is None else _ADDS_UP
        if mean >= limit * channels.max():
            return None
        return self._taken if self._taken is not None else int(channels.argmax())

    def _signal(self, signals: npt.NDArray[np.float32], channel: int | None) -> Pcm:
        signal: Pcm = signals[:, 0 if channel is None else 1 + channel]
        return signal
