"""The audio of one stretch of speech, with its voice activity and places to cut it.

Everything here counts *chunks* of 32 ms (512 samples at 16 kHz) since the stream began.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import soxr

from streaming.audio import SAMPLE_RATE, AudioFrame, Pcm, clean
from streaming.voice.silero import CHUNK_SAMPLES

CHUNK_MS = 32
"""Milliseconds of one chunk."""

_RATE = 16_000
_CHUNK_AT_24 = CHUNK_SAMPLES * SAMPLE_RATE // _RATE
_HOLE = 2 * SAMPLE_RATE


def chunks(ms: int) -> int:
    """Return ``ms`` in chunks, at least one."""
    return max(1, round(ms / CHUNK_MS))


@dataclass(frozen=True, slots=True)
class Chunk:
    """32 ms of audio. number: since the stream began. voice: probability of speech."""

    pcm: Pcm
    number: int
    voice: float


@dataclass(slots=True)
class SpeechSegment:
    """A stretch of speech that is decoded as one piece.

    start: number of its first chunk. last_voice: number after its last chunk with voice.
    """

    start: int
    last_voice: int
    pcm: list[Pcm] = field(default_factory=list)
    voice: list[float] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The number after its last chunk."""
        return self.start + len(self.pcm)

    @property
    def silence(self) -> int:
        """The number of chunks since the last voice."""
        return self.end - self.last_voice

    def append(self, chunk: Chunk, *, voiced: bool) -> None:
        """Take the next chunk."""
        self.pcm.append(chunk.pcm)
        self.voice.append(chunk.voice)
        if voiced:
            self.last_voice = chunk.number + 1

    def sound(self, end: int) -> Pcm:
        """Return float32[…] from the start up to chunk ``end``."""
        return np.concatenate(self.pcm[: end - self.start])

    def quietest(self, first: int, last: int) -> int:
        """Return the chunk between ``first`` and ``last`` where a cut does least harm.

        There three successive chunks have the least energy, weighted by their voice.
        """
        energy = np.array([float(np.mean(c * c)) for c in self.pcm])
        cost = np.log(energy + 1e-10) + 2.0 * np.array(self.voice)
        smooth = np.convolve(cost, np.ones(3) / 3, mode="same")
        window = smooth[first - self.start : last - self.start]
        return first + int(np.argmin(window))

    def went_on(self, pause: int, *, offset: float, until: int) -> int | None:
        """Return the last chunk up to ``until`` where voice resumes after ``pause`` chunks or more.

        offset: chunks with a lower probability of speech are part of a pause.
        """
        voiced = self.start + np.flatnonzero(np.array(self.voice) >= offset)
        begins = voiced[1:][np.diff(voiced) > pause]
        early = begins[begins <= until]
        return int(early[-1]) if len(early) else None

    def forget(self, *, before: int) -> None:
        """Drop the audio before chunk ``before``."""
        del self.pcm[: before - self.start], self.voice[: before - self.start]
        self.start = before


class Lead:
    """The chunks just before speech begins, some of which help the model."""

    def __init__(self, length: int) -> None:
        self._chunks: deque[Chunk] = deque(maxlen=length)

    def append(self, chunk: Chunk) -> None:
        """Take the next chunk, and drop the oldest."""
        self._chunks.append(chunk)

    def clear(self) -> None:
        """Drop all chunks."""
        self._chunks.clear()

    def open(self, *, voiced_from: int) -> SpeechSegment:
        """Return a segment of all chunks; those from ``voiced_from`` on count as voice."""
        segment = SpeechSegment(self._chunks[0].number, voiced_from)
        for chunk in self._chunks:
            segment.append(chunk, voiced=chunk.number >= voiced_from)
        self.clear()
        return segment


def at_model_rate(pcm: Pcm) -> Pcm:
    """Return a whole piece of sound at 24 kHz as the models take it, at 16 kHz."""
    converted: Pcm = soxr.resample(clean(pcm), SAMPLE_RATE, _RATE, "MQ")
    return converted


def silence(samples: int) -> Pcm:
    """Return zeros, float32[samples]."""
    return np.zeros(samples, np.float32)


class Intake:
    """Turns frames into chunks at 16 kHz, and the lengths of holes.

    A hole is silence; a long one is given as a number after its first seconds, to be cheap.
    """

    def __init__(self) -> None:
        self._resampler = soxr.ResampleStream(SAMPLE_RATE, _RATE, 1, "float32", "MQ")
        self._position = 0  # samples at 24 kHz
        self._rest = silence(0)
        self._waiting: deque[Pcm | int] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def next(self) -> Pcm | int:
        """Return the next chunk, float32[512], or the number of chunks in a hole."""
        return self._waiting.popleft()

    def put_back(self, item: Pcm | int) -> None:
        """Put the item back, to be next again."""
        self._waiting.appendleft(item)

    def feed(self, frame: AudioFrame) -> None:
        """Take the next frame, without audio that was received already."""
        known = max(0, self._position - frame.position)
        if frame.position > self._position:
            self._hole(frame.position - self._position)
        self._position = max(self._position, frame.position + len(frame.pcm))
        self._sound(clean(frame.pcm[known:]))

    def finish(self) -> None:
        """End the input: pad the last samples with silence."""
        self._sound(silence(0), last=True)
        self._cut(silence(-len(self._rest) % CHUNK_SAMPLES))

    def _hole(self, samples: int) -> None:
        skipped = max(0, samples - _HOLE) // _CHUNK_AT_24
        self._sound(silence(samples - skipped * _CHUNK_AT_24))
        if skipped:
            self._waiting.append(skipped)

    def _sound(self, pcm: Pcm, *, last: bool = False) -> None:
        self._cut(self._resampler.resample_chunk(pcm, last=last))

    def _cut(self, pcm: Pcm) -> None:
        whole = np.concatenate([self._rest, pcm])
        count = len(whole) // CHUNK_SAMPLES
        self._rest = whole[count * CHUNK_SAMPLES :]
        self._waiting.extend(whole[: count * CHUNK_SAMPLES].reshape(count, CHUNK_SAMPLES))
