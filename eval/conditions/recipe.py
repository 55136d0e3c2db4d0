"""The conditions under which a corpus is played, chosen on the command line, with a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from captioner.audio_file import read_audio
from eval.conditions.codec import OPUS_RATES, through_opus
from eval.conditions.effects import (
    at_level,
    babble,
    mixed,
    overlapped,
    pink_noise,
    reverberant,
    with_losses,
)
from eval.conditions.microphones import RECIPES, Microphone, drifted, fan_noise, telephone
from streaming.audio import Pcm

CLEAN = "clean"
CROWD = 5
"""The number of other recordings that make up the babble."""

OVERLAP_DB = -6.0


class RecipeError(ValueError):
    """A condition is malformed. The message says how to write it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The effects on a voice, in the order in which they are applied.

    overlap: share of the time, and level of the other voice relative to this one in dB.
    noise: ratio in dB, and "pink", "fan", "babble" or a file. opus: bits per second. loss: share of
    packets. drift_ppm: how slow the microphone's clock is.
    """

    overlap: tuple[float, float] | None = None
    reverb_s: float | None = None
    noise: tuple[float, str] | None = None
    level_db: float | None = None
    opus: int | None = None
    loss: float | None = None
    telephone: bool = False
    drift_ppm: float | None = None
    seed: int = 0

    @property
    def name(self) -> str:
        """A name for reports: equal conditions have equal names; "clean" if there are none."""
        return ", ".join(self._parts()) or CLEAN

    def _parts(self) -> Iterator[str]:
        if self.overlap:
            yield f"overlap {self.overlap[0]:.0%} at {self.overlap[1]:g} dB"
        if self.reverb_s is not None:
            yield f"reverberation {self.reverb_s:g} s"
        if self.noise:
            yield f"{Path(self.noise[1]).name} noise {self.noise[0]:g} dB below"
        if self.level_db is not None:
            yield f"level {self.level_db:g} dB"
        if self.telephone:
            yield "telephone band"
        if self.drift_ppm is not None:
            yield f"clock {self.drift_ppm:g} ppm slow"
        if self.opus is not None:
            yield f"opus at {self.opus / 1000:g} kbit/s"
        if self.loss is not None:
            yield f"{self.loss:.0%} of packets lost"

    def made(self, pcm: Pcm, rate: int, name: str, others: Sequence[Callable[[], Pcm]]) -> Pcm:
        """Return the audio of the clip ``name`` under these conditions, the same each time.

        others: other recordings of the corpus, read on demand.
        Raises ConfigurationError.
        """
        if self.overlap and others:
            chance = self._chance(name, "overlap")
            other = others[int(chance.integers(len(others)))]()
            share, level = self.overlap
            pcm = overlapped(pcm, rate, other, share=share, level_db=level, chance=chance)
        if self.reverb_s is not None:
            pcm = reverberant(pcm, rate, self.reverb_s, self._chance(name, "reverb"))
        if self.noise:
            pcm = mixed(pcm, rate, self._noise(len(pcm), rate, name, others), self.noise[0])
        if self.level_db is not None:
            pcm = at_level(pcm, rate, self.level_db)
        if self.telephone:
            pcm = telephone(pcm, rate)
        if self.drift_ppm is not None:
            pcm = drifted(pcm, self.drift_ppm)
        if self.opus is not None:
            pcm = through_opus(pcm, rate, self.opus)
        if self.loss is not None:
            pcm = with_losses(pcm, rate, self.loss, self._chance(name, "loss"))
        return pcm

    def _noise(
        self, samples: int, rate: int, name: str, others: Sequence[Callable[[], Pcm]]
    ) -> Pcm:
        assert self.noise
        chance = self._chance(name, "noise")
        match self.noise[1]:
            case "pink":
                return pink_noise(samples, rate, chance)
            case "fan":
                return fan_noise(samples, rate, chance)
            case "babble":
                chosen = chance.permutation(len(others))[:CROWD]
                return babble([others[int(index)]() for index in chosen], samples, chance)
            case path:
                found = read_audio(Path(path), rate=rate)
                return np.roll(found, int(chance.integers(len(found))))

    def _chance(self, name: str, what: str) -> np.random.Generator:
        """A generator for each clip and effect, so that the order of processing does not matter."""
        return np.random.default_rng([self.seed, crc32(name.encode()), crc32(what.encode())])


def recipe_of(microphone: Microphone | None, **chosen: Any) -> Recipe:
    """Return a recipe of what was chosen and, where nothing was, what the microphone does."""
    known = {name: value for name, value in chosen.items() if value is not None}
    return Recipe(**{**(RECIPES[microphone] if microphone else {}), **known})


def read_noise(text: str) -> tuple[float, str]:
    """Parse "SNR", "SNR:fan", "SNR:babble" or "SNR:FILE". Raises RecipeError."""
    ratio, _, kind = text.partition(":")
    found = _number(ratio, "10, 10:babble or 10:cafe.wav: dB below the voice, and which noise")
    kind = kind or "pink"
    if kind not in ("pink", "fan", "babble") and not Path(kind).is_file():
        raise RecipeError(f"{kind!r} is neither pink, fan, babble, nor a file that is there")
    return found, kind


def read_overlap(text: str) -> tuple[float, float]:
    """Parse "PERCENT" or "PERCENT@dB". Raises RecipeError."""
    share, _, level = text.partition("@")
    how = "30 or 30@-6: percent of the time, and dB against the first voice"
    return _share(share, how), _number(level, how) if level else OVERLAP_DB


def read_codec(text: str) -> int:
    """Parse "opus@24k" or "opus@24000", in bits per second. Raises RecipeError."""
    codec, _, rate = text.lower().partition("@")
    how = "opus@24k: libopus at 24,000 bits a second"
    if codec != "opus":
        raise RecipeError(f"{text!r}: write it as {how}")
    thousand = rate.endswith("k")
    found = round(_number(rate.removesuffix("k"), how) * (1000 if thousand else 1))
    if found not in OPUS_RATES:
        raise RecipeError(f"opus has 6k to 510k, not {rate}")
    return found


def read_share(text: str) -> float:
    """Parse "5" or "5%". Raises RecipeError."""
    return _share(text, "5: percent of the packets")


def _share(text: str, how: str) -> float:
    found = _number(text.removesuffix("%"), how)
    if not 0 <= found <= 100:
        raise RecipeError(f"{text!r} is not a share from 0 to 100 percent")
    return found / 100


def _number(text: str, how: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise RecipeError(f"{text!r} is not a number; write it as {how}") from None
