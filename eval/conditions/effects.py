"""What a room, a microphone and a network do to a voice, made from a seed: it can be done again.

Pure functions over float32[samples] of one channel, full scale ±1, at any rate. The length never
changes, and the first sound that is heard of a word stays where it was, so word times hold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.audio import Pcm

WINDOW_S = 0.02
ACTIVE_DB = 30.0
"""Windows that far below the loudest count as a pause."""

DIRECT_TO_REVERBERANT_DB = 0.0
"""Of ``reverberant``: what a microphone hears about a metre from the mouth in a meeting room."""


def speech_level(pcm: Pcm, rate: int) -> float:
    """Root mean square, in dB below full scale, of the windows in which there is speech.

    Windows of 20 ms that are less than 30 dB below the loudest: pauses do not count, in the manner
    of the active speech level of ITU-T P.56. -inf for digital silence.
    """
    size = max(1, round(rate * WINDOW_S))
    whole = np.pad(pcm, (0, -len(pcm) % size)).astype(np.float64)
    power = np.mean(whole.reshape(-1, size) ** 2, axis=1)
    loudest = float(power.max(initial=0.0))
    if loudest == 0:
        return -np.inf
    return decibels(float(power[power >= loudest * 10 ** (-ACTIVE_DB / 10)].mean()))


def at_level(pcm: Pcm, rate: int, level_db: float) -> Pcm:
    """The voice at ``level_db`` below full scale (``speech_level``); what is over it is clipped."""
    found = speech_level(pcm, rate)
    if found == -np.inf:
        return pcm
    loud: Pcm = np.clip(pcm * np.float32(_gain(level_db - found)), -1, 1)
    return loud


def mixed(pcm: Pcm, rate: int, noise: Pcm, snr_db: float) -> Pcm:
    """The voice with a noise that is ``snr_db`` below it.

    noise: as it lies; repeated if it is shorter. The ratio is that of the voice's level without
    its pauses to the noise's level over the whole length, so it says nothing of noises that stop.
    """
    there = np.resize(noise, len(pcm)) if len(noise) else np.zeros_like(pcm)
    power = float(np.mean(there.astype(np.float64) ** 2)) if len(there) else 0.0
    voice = speech_level(pcm, rate)
    if power == 0 or voice == -np.inf:
        return pcm
    return pcm + there * np.float32(_gain(voice - decibels(power) - snr_db))


def pink_noise(samples: int, rate: int, chance: np.random.Generator) -> Pcm:
    """Noise of level 1 with as much power in each octave from 20 Hz up: air, fans, a street far."""
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
    # A whole power of two: a transform of a large prime takes minutes.
    size = 1 << max(samples - 1, 1).bit_length()
    low, high = band or (20, rate / 2)
    frequency = np.fft.rfftfreq(size, 1 / rate)
    spectrum = np.fft.rfft(chance.standard_normal(size))
    inside = (frequency >= low) & (frequency <= high)
    shape = np.where(inside, np.maximum(frequency, 1.0) ** -slope, 0.0)
    noise = np.fft.irfft(spectrum * shape, size)
    return np.asarray(noise[:samples] / np.sqrt(np.mean(noise**2)))


def babble(voices: Sequence[Pcm], samples: int, chance: np.random.Generator) -> Pcm:
    """Many people at once: all at the same level, each from a place drawn by chance, repeated."""
    crowd = np.zeros(samples, np.float64)
    for voice in voices:
        power = float(np.mean(voice.astype(np.float64) ** 2)) if len(voice) else 0.0
        if power:
            turned = np.roll(voice, int(chance.integers(len(voice))))
            crowd += np.resize(turned, samples) / np.sqrt(power)
    return _float32(crowd)


def impulse_response(rate: int, t60_s: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """A room: the direct sound, and noise behind it that loses 60 dB in ``t60_s``.

    Polack's model (1988): no single echoes, the same decay at all frequencies. The tail has as much
    energy as the direct sound.
    """
    time = np.arange(1, max(2, round(rate * t60_s))) / rate
    tail = chance.standard_normal(len(time)) * 10 ** (-3 * time / t60_s)
    tail *= _gain(-DIRECT_TO_REVERBERANT_DB) / np.sqrt(np.sum(tail**2))
    return np.concatenate([[1.0], tail])


def reverberant(pcm: Pcm, rate: int, t60_s: float, chance: np.random.Generator) -> Pcm:
    """The voice in a room with that reverberation time (T60), as loud as before; see above."""
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
    """Somebody else speaks into the same microphone during ``share`` (0 to 1) of the time.

    In one stretch at a place drawn by chance; ``level_db``: the other voice against this one.
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
    """``share`` (0 to 1) of the packets is lost, each by itself, and is silent.

    Real receivers (WebRTC's NetEq, Opus FEC) fill a lost packet with what came before it or from
    the next one; silence is worse, so this is a cautious figure. The number of packets is
    exact; which ones is drawn by chance.
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
