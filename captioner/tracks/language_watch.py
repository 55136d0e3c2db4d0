"""Listens to one track for the language of its voice, beside the recogniser."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from captioner.tracks.language_evidence import LanguageEvidence
from streaming.audio import FRAME_MS, SAMPLE_RATE, AudioFrame, Pcm
from streaming.errors import StreamingError
from streaming.languages import Languages
from streaming.recognizer import primary

log = structlog.get_logger()

Detect = Callable[[Pcm, Sequence[str]], Awaitable[Mapping[str, float]]]
"""(float32[n] at 24 kHz, primary tags to choose from or none) → their probabilities."""

KEEP_MS = 15_000
"""Sound kept, to be heard again in another language."""

LOOK_MS = 2_000
"""Voice that is looked at together: in 2 s, English and French are told apart 60 times of 61."""

SOON_MS, LATER_MS = 1_000, 2_000
"""New voice after which it is looked at again: while its language is in doubt, and otherwise. Each
look takes 0.17 s of a processor."""

SHORT_MS = 500
"""So much voice before a pause is looked at too."""

PAUSE_MS = 400
"""After a pause the language may be another one: what is before it is not looked at any more."""

LEAD_MS = 320
"""Sound before the voice that belongs to it."""


@dataclass(frozen=True, slots=True)
class Window:
    """The last voice of a track. start: the position of its first sample."""

    pcm: Pcm
    start: int


class VoiceWindows:
    """What of the sound is to be looked at, and when. Pure."""

    def __init__(self) -> None:
        self._kept: deque[AudioFrame] = deque(maxlen=KEEP_MS // FRAME_MS)
        self._start = 0  # of what was said since the last pause
        self._quiet_ms = PAUSE_MS
        self._new_ms = 0  # voice that was not looked at
        self._looked = False  # since the last pause

    def feed(self, frame: AudioFrame) -> None:
        """Take the next frame."""
        self._kept.append(frame)
        if not frame.voiced:
            self._quiet_ms += FRAME_MS
            return
        if self._quiet_ms >= PAUSE_MS:
            self._start = frame.position - LEAD_MS * SAMPLE_RATE // 1000
            self._new_ms, self._looked = 0, False
        self._quiet_ms = 0
        self._new_ms += FRAME_MS

    def due(self, *, doubted: bool) -> Window | None:
        """Return what to look at now, if anything. doubted: whether the language is in doubt."""
        enough_ms = SOON_MS if doubted or not self._looked else LATER_MS
        if self._quiet_ms >= PAUSE_MS - FRAME_MS:
            enough_ms = SHORT_MS
        if self._new_ms < enough_ms:
            return None
        self._new_ms, self._looked = 0, True
        return self._window()

    def since(self, position: int) -> list[AudioFrame]:
        """Return the frames that are kept, from a position on."""
        return [frame for frame in self._kept if frame.position >= position]

    def _window(self) -> Window:
        taken: list[AudioFrame] = []
        voice_ms = 0
        for frame in reversed(self._kept):
            if frame.position < self._start or voice_ms >= LOOK_MS:
                break
            if frame.voiced or taken:  # without the silence at the end
                taken.append(frame)
                voice_ms += FRAME_MS * frame.voiced
        taken.reverse()
        return Window(np.concatenate([frame.pcm for frame in taken]), taken[0].position)


class LanguageWatch:
    """Beside one recogniser of a track; does nothing unless the language is found by the voice.

    found: called once it is known what the voice speaks, if that is what was supposed.
    waits: whether each look is waited for, so that a file gives the same captions every time.
    """

    def __init__(
        self,
        evidence: LanguageEvidence,
        languages: Languages,
        detect: Detect | None,
        *,
        found: Callable[[], Awaitable[None]],
        waits: bool,
    ) -> None:
        self._evidence = evidence
        self._among = [primary(tag) for tag in languages.among]
        self._detect = detect if languages.by_voice else None
        self._found = found
        self._waits = waits
        self._windows = VoiceWindows()
        self._look: tuple[Window, asyncio.Task[Mapping[str, float]]] | None = None

    async def feed(self, frame: AudioFrame) -> list[AudioFrame]:
        """Take the next frame, in room time.

        Gives the sound since another language is spoken, which has to be heard again; nothing
        while the language is the same.
        """
        if self._detect is None:
            return []
        self._windows.feed(frame)
        if self._look is None and (window := self._windows.due(doubted=self._evidence.doubted)):
            looking = asyncio.create_task(self._languages_in(self._detect, window))
            self._look = window, looking
        if self._look is None or not (self._waits or self._look[1].done()):
            return []
        (window, looking), self._look = self._look, None
        likely, supposed = await looking, not self._evidence.decided
        began = self._evidence.feed(likely, start=window.start) if likely else None
        if began is not None:
            return self._windows.since(began)
        if supposed and self._evidence.decided:
            await self._found()
        return []

    def close(self) -> None:
        """Look no more."""
        if self._look is not None:
            self._look[1].cancel()

    async def _languages_in(self, detect: Detect, window: Window) -> Mapping[str, float]:
        try:
            return await detect(window.pcm, self._among)
        except StreamingError as exc:
            log.warning("language_not_detected", kind=type(exc).__name__)
            return {}
