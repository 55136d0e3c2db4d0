"""When somebody speaks on a track, for little: loudness first, then voice activity. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from streaming.audio import FRAME_MS, AudioFrame
from streaming.voice.frames import VoiceFinder, VoiceInFrames
from streaming.voice.meter import VoiceMeter
from streaming.voice.silero import SileroVoiceActivity


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """ms of sound from before the voice that a recogniser gets too; root mean squares of sound.

    The recognisers' own voice activity needs 0.5 s of that.

    nothing: what is quieter is never speech; the quietest speech measured has 0.0005.
    over_floor: speech is so many times louder than the steady noise of the track.
    floor_ms: in which that is looked for.
    hang_ms: so long after the last loud frame, voice activity goes on looking.
    """

    before_ms: int = 1_000
    nothing: float = 1e-4
    over_floor: float = 1.5
    floor_ms: int = 4_000
    hang_ms: int = 1_000


class Loudness:
    """Whether a frame can be speech at all: louder than the noise that is always there.

    That is among the quietest of the last frames: speech has gaps, and noise has none.
    """

    def __init__(self, policy: GatePolicy) -> None:
        self._policy = policy
        self._levels: deque[float] = deque(maxlen=policy.floor_ms // FRAME_MS)
        self._hang = 0

    def __call__(self, frame: AudioFrame) -> bool:
        """A few µs. Also true for a while after a loud frame."""
        level = float(np.sqrt(np.dot(frame.pcm, frame.pcm) / len(frame.pcm)))
        unknown = len(self._levels) < (self._levels.maxlen or 0)
        self._levels.append(level)
        self._hang = max(self._hang - FRAME_MS, 0)
        if level >= self._policy.nothing and (
            unknown or level > self._floor * self._policy.over_floor
        ):
            self._hang = self._policy.hang_ms
        return self._hang > 0

    @property
    def _floor(self) -> float:
        """The noise: a tenth of the frames may be quieter, holes in the sound."""
        return sorted(self._levels)[len(self._levels) // 10]


_WARM = 4  # frames that voice activity hears again when it takes up listening


def sensitive_voice() -> VoiceFinder:
    """Voice by Silero's detector, whatever its level. Raises RecognizerUnavailable."""
    return VoiceInFrames(VoiceMeter(SileroVoiceActivity()))


def any_sound() -> VoiceFinder:
    """Whatever is louder than the noise that is always there counts as voice."""
    return Loudness(GatePolicy())


class VoiceGate:
    """Hears every frame of one track; says whether there is voice, and keeps what came before.

    quiet_ms: sound since the last voice.
    """

    def __init__(self, finds_voice: VoiceFinder, policy: GatePolicy | None = None) -> None:
        self._policy = policy or GatePolicy()
        self._finds_voice = finds_voice
        self._loud = Loudness(self._policy)
        self._kept: deque[AudioFrame] = deque(maxlen=self._policy.before_ms // FRAME_MS + 1)
        self._listening = False
        self._end_ms = 0
        self.quiet_ms = 0

    def feed(self, frame: AudioFrame) -> bool:
        """Take the next frame; whether there is voice in it."""
        if self._kept and frame.start_ms - self._end_ms > self._policy.before_ms:
            self._kept.clear()
        self.quiet_ms += max(frame.end_ms - self._end_ms, 0)
        self._end_ms = frame.end_ms
        self._kept.append(frame)
        voiced = self._voice(frame)
        if voiced:
            self.quiet_ms = 0
        return voiced

    def lead(self) -> list[AudioFrame]:
        """The sound from before, the last frame included."""
        return list(self._kept)

    def forget(self, *, before: int) -> None:
        """Let go of what began before position ``before``: it became words already."""
        while self._kept and self._kept[0].position < before:
            self._kept.popleft()

    def _voice(self, frame: AudioFrame) -> bool:
        if not self._loud(frame):
            self._listening = False
            return False
        if self._listening:
            return self._finds_voice(frame)
        self._listening = True
        voiced = [self._finds_voice(kept) for kept in list(self._kept)[-_WARM:]]
        return any(voiced)
