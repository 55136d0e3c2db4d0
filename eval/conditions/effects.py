"""Simulates the effects of a room, a microphone and a network on a voice, reproducibly by a seed.

Pure functions over float32[samples] of one channel, full scale ±1, at any rate. The length never
changes, and the onset of each word stays where it was, so word times remain valid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.audio import Pcm

WINDOW_S = 0.02
ACTIVE_DB = 30.0
"""Windows this far below the loudest count as a pause."""

DIRECT_TO_REVERBERANT_DB = 0.0
"""For ``reverberant``: a microphone about a metre from the mouth in a meeting room."""


def speech_level(pcm: Pcm, rate: int) -> float:
    """Return the root mean square of the windows with speech, in dB below full scale.

    Windows of 20 ms that are less than 30 dB below the loudest count, so pauses do not, similar to
    the active speech level of ITU-T P.56. -inf for digital silence.
    """
    size = max(1, round(rate * WINDOW_S))
    whole = np.pad(pcm, (0, -len(pcm) % size)).astype(np.float64)
    power = np.mean(whole.reshape(-1, size) ** 2, axis=1)
    loudest = float(power.max(initial=0.0))
    if loudest == 0:
        return -np.inf
    return decibels(float(power[power >= loudest * 10 ** (-ACTIVE_DB / 10)].mean()))


def at_level(pcm: Pcm, rate: int, level_db: float) -> Pcm:
    """Scale the voice to ``level_db`` below full scale (``speech_level``), and clip it."""
    found = speech_level(pcm, rate)
    if found == -np.inf:
        return pcm
    loud: Pcm = np.clip(pcm * np.float32(_gain(level_db - found)), -1, 1)
    return loud


def mixed(pcm: Pcm, rate: int, noise: Pcm, snr_db: float) -> Pcm:
    """Add a noise that is ``snr_db`` below the voice.

    noise: repeated if it is shorter. The ratio is that of the voice's level without pauses to the
    noise's level over the whole length, so it is not meaningful for intermittent noises.
    """
    there = np.resize(noise, len(pcm)) if len(noise) else np.zeros_like(pcm)
    power = float(np.mean(there.astype(np.float64) ** 2)) if len(there) else 0.0
    voice = speech_level(pcm, rate)
    if power == 0 or voice == -np.inf:
        return pcm
    return pcm + there * np.float32(_gain(voice - decibels(power) - snr_db))


def pink_noise(samples: int, rate: int, chance: np.random.Generator) -> Pcm:
    """Noise of level 1 with equal power per octave from 20 Hz up: air, fans, distant traffic."""
    return _float32(coloured_noise(samples, rate, chance, slope=0.5))


def coloured_noise(
    samples: int,
    rate: int,
    chance: np.random.Generator,
    *,
    slope: float,
    band: tuple[float, float] | None = None,
) -> NDArray[np.float64]:
    """Noise of level 1 whose amplitude falls with frequency**slope: 0.5 is pink, 1 is brown.

    band: of frequencies in Hz; by default from 20 Hz up.
    """
    # A power of two, because a transform of a large prime size takes minutes.
    size = 1 << max(samples - 1, 1).bit_length()
    low, high = band or (20, rate / 2)
    frequency = np.fft.rfftfreq(size, 1 / rate)
    spectrum = np.fft.rfft(chance.standard_normal(size))
    inside = (frequency >= low) & (frequency <= high)
    shape = np.where(inside, np.maximum(frequency, 1.0) ** -slope, 0.0)
    noise = np.fft.irfft(spectrum * shape, size)
    return np.asarray(noise[:samples] / np.sqrt(np.mean(noise**2)))


def babble(voices: Sequence[Pcm], samples: int, chance: np.random.Generator) -> Pcm:
    """Mix many people at the same level, each from a random offset, repeated."""
    crowd = np.zeros(samples, np.float64)
    for voice in voices:
        power = float(np.mean(voice.astype(np.float64) ** 2)) if len(voice) else 0.0
        if power:
            turned = np.roll(voice, int(chance.integers(len(voice))))
            crowd += np.resize(turned, samples) / np.sqrt(power)
    return _float32(crowd)


def impulse_response(rate: int, t60_s: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """A room's impulse response: direct sound, then noise that decays by 60 dB in ``t60_s``.

    Polack's model (1988): no distinct echoes, the same decay at all frequencies. The tail has
    as much energy as the direct sound.
    """
    time = np.arange(1, max(2, round(rate * t60_s))) / rate
    tail = chance.standard_normal(len(time)) * 10 ** (-3 * time / t60_s)
    tail *= _gain(-DIRECT_TO_REVERBERANT_DB) / np.sqrt(np.sum(tail**2))
    return np.concatenate([[1.0], tail])


def reverberant(pcm: Pcm, rate: int, t60_s: float, chance: np.random.Generator) -> Pcm:
    """Place the voice in a room with that reverberation time (T60), without changing its level."""
    room = impulse_response(rate, t60_s, chance)
    size = 1 << (len(pcm) + len(room)).bit_length()
    heard = np.fft.irfft(np.fft.rfft(pcm, size) * np.fft.rfft(room, size), size)[: len(pcm)]
    before = np.sum(pcm.astype(np.float64) ** 2)
    after = np.sum(heard**2)
    return _float32(heard * np.sqrt(before / after)) if after else pcm


def overlapped(
    pcm: Pcm,
    rate: int,
    other: Pcm,
    *,
    share: float,
    level_db: float,
    chance: np.random.Generator,
) -> Pcm:
    """Add a second voice in the same microphone for ``share`` (0 to 1) of the time.

    It is one stretch at a random place. level_db: of the other voice relative to this one.
    other: repeated if it is too short.
    """
    length = round(min(max(share, 0.0), 1.0) * len(pcm))
    if not length or not len(other):
        return pcm
    begin = int(chance.integers(len(pcm) - length + 1))
    voice, words = speech_level(pcm, rate), np.resize(other, length)
    loudness = speech_level(words, rate)
    if -np.inf in (voice, loudness):
        return pcm
    both = pcm.copy()
    both[begin : begin + length] += words * np.float32(_gain(voice - loudness + level_db))
    return both


def with_losses(
    pcm: Pcm, rate: int, share: float, chance: np.random.Generator, *, packet_ms: int = 20
) -> Pcm:
    """Silence ``share`` (0 to 1) of the packets, chosen independently.

    Real receivers (WebRTC's NetEq, Opus FEC) conceal a lost packet with the preceding sound, or
    recover it from the next one. Silence is worse, so results are conservative. The number of
    packets is exact; which ones is random.
    """
    size = round(rate * packet_ms / 1000)
    packets = -(-len(pcm) // size)
    heard = pcm.copy()
    for packet in chance.permutation(packets)[: round(share * packets)]:
        heard[packet * size : (packet + 1) * size] = 0
    return heard


def decibels(power: float) -> float:
    """A mean square as dB of full scale."""
    return 10 * float(np.log10(power)) if power else -np.inf


def _gain(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def _float32(pcm: NDArray[np.float64]) -> Pcm:
    return pcm.astype(np.float32)
