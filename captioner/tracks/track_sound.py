"""A track's sound, and where in it there is voice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from captioner.room.frame_queue import Missing
from captioner.tracks.speech_span import SpeechSpan
from streaming.audio import SAMPLE_RATE, AudioFrame
from streaming.voice.frames import VoiceFinder
from streaming.voice.gate import VoiceGate

Unheard = Callable[[Missing], Awaitable[None]]
"""Told of sound of a track that nobody heard."""


class Frames(Protocol):
    """A track's sound, and what is missing of it, in order.

    Waiting for the next one can be cancelled and taken up again.
    """

    @property
    def waiting_ms(self) -> int:
        """Sound that came in and was not read yet."""
        ...

    def __aiter__(self) -> AsyncIterator[AudioFrame | Missing]: ...


class TrackSound:
    """Reads a track. recording: all of it counts as speech, whether there is voice or not."""

    def __init__(
        self,
        frames: Frames,
        finds_voice: VoiceFinder,
        *,
        unheard: Unheard | None,
        recording: bool,
    ) -> None:
        self._frames = frames
        self._gate = VoiceGate(finds_voice)
        self._unheard = unheard
        self._recording = recording
        self._ended = False  # there are no more frames

    @property
    def waiting_ms(self) -> int:
        """Sound that came in and was not read yet."""
        return self._frames.waiting_ms

    @property
    def quiet_ms(self) -> int:
        """Sound since the last voice."""
        return self._gate.quiet_ms

    async def speech(self) -> list[AudioFrame]:
        """Wait until somebody speaks; gives the sound to begin with. Empty at the end."""
        while not self._ended:
            frame = await self.next()
            if frame and (frame.voiced or self._recording):
                lead = self._gate.lead()
                return [*lead[:-1], replace(lead[-1], voiced=True)]
        return []

    async def next(self) -> AudioFrame | None:
        """The next frame; None where sound is missing, and at the end."""
        async for item in self._frames:
            if isinstance(item, AudioFrame):
                return replace(item, voiced=self._gate.feed(item))
            await self.miss(item)
            # No sentence runs across sound that is missing.
            self._gate.forget(before=item.end_ms * SAMPLE_RATE // 1000)
            return None
        self._ended = True
        return None

    async def miss(self, missing: Missing) -> None:
        """Tell that nobody heard something."""
        if self._unheard is not None:
            await self._unheard(missing)

    def pass_over(self, span: SpeechSpan) -> None:
        """What became words is not said again as the beginning of the next span."""
        lead = self._gate.lead()
        if lead and span.said_ms is not None and span.said_ms >= lead[0].start_ms:
            self._gate.forget(before=span.end)
