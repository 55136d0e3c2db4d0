"""Sounds of rooms in which nobody speaks: a word recognised in them is made up.

All generators give float32[samples] at 24 kHz, full scale ±1, and the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.conditions.effects import coloured_noise

Sound = NDArray[np.float32]

RATE = 24_000

MUSIC = Path("/usr/share/asterisk/moh")  # where Debian's asterisk-moh-opsound-wav puts it


def silence(seconds: float, seed: int = 0) -> Sound:
    """Digital silence: nothing but zeros."""
    return np.zeros(_samples(seconds), dtype=np.float32)


def room(seconds: float, seed: int = 0) -> Sound:
    """A quiet room at -50 dB: pink and brown noise with the hum of the mains (50 Hz)."""
    chance = np.random.default_rng(seed)
    count = _samples(seconds)
    time = np.arange(count) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * time) / n**2 for n in (1, 2, 3))
    noise = coloured_noise(count, RATE, chance, slope=0.5) + 0.5 * coloured_noise(
        count, RATE, chance, slope=1.0
    )
    return _level(noise + 0.3 * hum, -50)


def fan(seconds: float, seed: int = 0) -> Sound:
    """A fan at -40 dB: brown noise that its blades modulate, and their tone (161 Hz)."""
    chance = np.random.default_rng(seed)
    count = _samples(seconds)
    time = np.arange(count) / RATE
    blades = 2 * np.pi * 161 * time
    air = coloured_noise(count, RATE, chance, slope=0.8) * (1 + 0.2 * np.sin(blades / 7))
    return _level(air + 0.2 * np.sin(blades) + 0.1 * np.sin(2 * blades), -40)


def breath(seconds: float, seed: int = 0) -> Sound:
    """Breath into a headset, about 15 times a minute, at -30 dB when loudest.

    Band-passed noise: in (higher, 1 to 1.6 s), a short rest, out (lower, 1.2 to 2 s).
    """
    chance = np.random.default_rng(seed)
    count = _samples(seconds)
    drawn_in = coloured_noise(count, RATE, chance, slope=0.3, band=(600, 5000))
    let_out = coloured_noise(count, RATE, chance, slope=0.5, band=(200, 2500))
    sound = 0.05 * coloured_noise(count, RATE, chance, slope=0.5)
    at = chance.uniform(0, 1.5)
    while at < seconds:
        for air, shortest, longest, loud in ((drawn_in, 1.0, 1.6, 0.7), (let_out, 1.2, 2.0, 1.0)):
            length = chance.uniform(shortest, longest)
            place = np.linspace(0, 1, _samples(length))
            swell = np.sin(np.pi * place**0.7) ** 1.5
            heard = slice(_samples(at), _samples(at) + len(swell))
            sound[heard] += loud * swell[: len(air[heard])] * air[heard]
            at += length + chance.uniform(0.1, 0.4)
        at += chance.uniform(0.3, 1.2)
    return _peak(sound, -30 + 12)  # noise peaks about 12 dB above its level


def keyboard(seconds: float, seed: int = 0) -> Sound:
    """Typing close to the microphone, peaks at -12 dB: each key clicks going down and coming up.

    Keys follow each other after 80 to 250 ms, with occasional pauses.
    """
    chance = np.random.default_rng(seed)
    sound = 0.002 * coloured_noise(_samples(seconds), RATE, chance, slope=0.5)
    at = chance.uniform(0, 0.5)
    while at < seconds:
        _click(sound, chance, at, loud=chance.uniform(0.5, 1.0))
        _click(sound, chance, at + chance.uniform(0.06, 0.11), loud=chance.uniform(0.15, 0.4))
        at += chance.uniform(0.08, 0.25)
        if chance.random() < 0.08:
            at += chance.uniform(0.5, 2.5)
    return _peak(sound, -12)


GENERATORS: Mapping[str, Callable[[float, int], Sound]] = {
    "silence": silence,
    "room": room,
    "fan": fan,
    "breath": breath,
    "keyboard": keyboard,
}


def music_files(folder: Path = MUSIC) -> list[Path]:
    """Recorded music, sorted by name; empty if it is not installed.

    Five pieces at 8 kHz (18 minutes): what a caller on hold brings into a meeting.
    """
    return sorted(folder.glob("*.wav"))


def _samples(seconds: float) -> int:
    return round(seconds * RATE)


def _click(
    sound: NDArray[np.float64], chance: np.random.Generator, at: float, *, loud: float
) -> None:
    """Add a click: a burst that decays in 5 ms, and the case, which rings for 20 ms."""
    begin = _samples(at)
    time = np.arange(_samples(0.04)) / RATE
    tone = np.sin(2 * np.pi * chance.uniform(350, 900) * time)
    burst = chance.standard_normal(len(time)) * np.exp(-time / 0.002)
    click = loud * (burst + 0.4 * tone * np.exp(-time / 0.008))
    room_left = sound[begin : begin + len(click)]
    room_left += click[: len(room_left)]


def _level(sound: NDArray[np.float64], decibels: float) -> Sound:
    """Scale to a root mean square of so many dB below full scale."""
    rms = np.sqrt(np.mean(sound**2))
    return np.asarray(sound / rms * 10 ** (decibels / 20), dtype=np.float32)


def _peak(sound: NDArray[np.float64], decibels: float) -> Sound:
    return np.asarray(sound / np.abs(sound).max() * 10 ** (decibels / 20), dtype=np.float32)
