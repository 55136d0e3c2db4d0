"""Detects cheaply whether somebody speaks on a track: by level, then by voice activity. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from streaming.audio import FRAME_MS, AudioFrame
from streaming.voice.frames import VoiceFinder, VoiceInFrames
from streaming.voice.meter import VoiceMeter
from streaming.voice.silero import SileroVoiceActivity


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """ms of audio before the voice that a recogniser gets too, and levels as root mean squares.

    The recognisers' own voice activity detection needs 0.5 s of it.

    nothing: quieter audio is never speech; the quietest speech measured has 0.0005.
    over_floor: ratio of speech to the steady noise of the track.
    floor_ms: window in which the noise is measured.
    hang_ms: how long after the last loud frame voice activity detection continues.
    """

    before_ms: int = 1_000
    nothing: float = 1e-4
    over_floor: float = 1.5
    floor_ms: int = 4_000
    hang_ms: int = 1_000


class Loudness:
    """Decides whether a frame can be speech: whether it is louder than the steady noise.

    The quietest recent frames have the level of the noise, because only speech has gaps.
    """

    def __init__(self, policy: GatePolicy) -> None:
        self._policy = policy
        self._levels: deque[float] = deque(maxlen=policy.floor_ms // FRAME_MS)
        self._hang = 0

    def __call__(self, frame: AudioFrame) -> bool:
        """Return whether it can be, also for a while after a loud frame. Takes a few µs."""
        level = frame.level
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
        """Return the noise level; a tenth of the frames, such as holes, may be quieter."""
        return sorted(self._levels)[len(self._levels) // 10]


_WARM = 4  # frames that voice activity detection gets again when it resumes


def sensitive_voice() -> VoiceFinder:
    """Detect voice of any level by Silero's detector. Raises RecognizerUnavailable."""
    return VoiceInFrames(VoiceMeter(SileroVoiceActivity()))


def any_sound() -> VoiceFinder:
    """Count everything louder than the steady noise as voice."""
    return Loudness(GatePolicy())


class VoiceGate:
    """Takes every frame of a track, decides whether there is voice, and keeps the preceding audio.

    quiet_ms: audio since the last voice.
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
        """Take the next frame; return whether it has voice."""
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
        """Return the kept audio, including the last frame."""
        return list(self._kept)

    def forget(self, *, before: int) -> None:
        """Drop frames that began before position ``before``, because they became words."""
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
