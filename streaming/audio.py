"""Audio for recognisers: frames of 80 ms, mono, 24 kHz, float32 in [-1, 1]."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
import soxr

SAMPLE_RATE = 24_000
"""The sample rate of every AudioFrame, in Hz."""

FRAME_SAMPLES = 1_920
"""Samples of one AudioFrame: 80 ms, one step of Kyutai's model."""

FRAME_MS = 80
"""Milliseconds of one AudioFrame."""

Pcm = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """80 ms of audio.

    pcm: float32[1920], finite, within [-1, 1].
    position: samples since the stream began; there is a hole before a frame whose position is
        beyond the end of the previous one.
    voiced: whether somebody speaks in it; False if nobody has looked.
    """

    pcm: Pcm
    position: int
    voiced: bool = False

    @property
    def start_ms(self) -> int:
        """Stream time of the first sample."""
        return samples_to_ms(self.position)

    @property
    def end_ms(self) -> int:
        """Stream time after the last sample."""
        return samples_to_ms(self.position + len(self.pcm))

    @property
    def level(self) -> float:
        """Root mean square of the samples."""
        return float(np.sqrt(np.dot(self.pcm, self.pcm) / len(self.pcm)))


def samples_to_ms(samples: int) -> int:
    """Return the duration of ``samples`` at 24 kHz in ms, rounded down."""
    return samples * 1000 // SAMPLE_RATE


def clean(pcm: Pcm) -> Pcm:
    """Return ``pcm`` with NaN replaced by silence, and clipped to [-1, 1].

    One invalid sample corrupts a model's caches for minutes, so none must pass.
    """
    return np.clip(np.nan_to_num(pcm, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)


def wav(pcm: Pcm) -> bytes:
    """Return ``pcm`` at 24 kHz as a WAV file, mono, 16 bits."""
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes((pcm * 32_767).astype("<i2").tobytes())
    return file.getvalue()


class Resampler:
    """From 24 kHz to ``rate``, chunk by chunk; gives as much as it can each time."""

    def __init__(self, rate: int) -> None:
        self._stream = soxr.ResampleStream(SAMPLE_RATE, rate, 1, "float32")

    def feed(self, pcm: Pcm) -> Pcm:
        """Take float32[n] in [-1, 1]."""
        return clean(self._stream.resample_chunk(pcm))

    def flush(self) -> Pcm:
        """End the audio; return the rest."""
        return clean(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))


class Framer:
    """Cuts audio of any chunk size and rate into AudioFrames.

    The frames depend only on the audio, not on its division into chunks.
    """

    def __init__(self, rate: int = SAMPLE_RATE, *, position: int = 0) -> None:
        """rate: of the audio to be fed, in Hz. position: of the first frame."""
        if rate <= 0:
            raise ValueError(f"a sample rate is a positive number, not {rate}")
        self._resampler = (
            None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32")
        )
        self._pending: Pcm = np.zeros(0, np.float32)
        self._position = position

    def feed(self, pcm: Pcm) -> list[AudioFrame]:
        """Take float32[n] in [-1, 1]; return the complete frames."""
        return self._cut(clean(pcm), last=False)

    def flush(self) -> list[AudioFrame]:
        """End the audio; return the rest, padded with silence."""
        frames = self._cut(np.zeros(0, np.float32), last=True)
        if len(self._pending):
            rest = np.zeros(FRAME_SAMPLES, np.float32)
            rest[: len(self._pending)] = self._pending
            self._pending = self._pending[:0]
            frames.append(self._frame(rest))
        return frames

    def skip(self, samples: int) -> None:
        """Leave a hole of ``samples`` (24 kHz) before the next frame."""
        self._position += samples

    def _cut(self, pcm: Pcm, *, last: bool) -> list[AudioFrame]:
        if self._resampler is not None:
            pcm = clean(self._resampler.resample_chunk(pcm, last=last))
        pending = np.concatenate([self._pending, pcm])
        count = len(pending) // FRAME_SAMPLES
        self._pending = pending[count * FRAME_SAMPLES :]
        return [
            self._frame(pending[i * FRAME_SAMPLES : (i + 1) * FRAME_SAMPLES]) for i in range(count)
        ]

    def _frame(self, pcm: Pcm) -> AudioFrame:
        frame = AudioFrame(pcm, self._position)
        self._position += FRAME_SAMPLES
        return frame
