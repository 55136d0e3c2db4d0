"""A voice that is being captioned, and when it pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from captioner.room.frame_queue import Missing
from captioner.room.protocol import Voice
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.audio import FRAME_MS

QUIET_MS, QUIET_MAX_MS = 400, 1_000
"""From then on, and up to how much, sound without voice counts as a pause."""


@dataclass(slots=True, eq=False)
class Running:
    """given_up: what of it is not going to be said."""

    voice: Voice
    captioner: TrackCaptioner
    task: asyncio.Task[None] | None = None
    given_up: Missing | None = None

    @property
    def pause_ms(self) -> int:
        """How long nothing has been said, up to what was received last."""
        frames, quiet_ms = self.voice.frames, self.captioner.quiet_ms
        if frames.still_ms >= QUIET_MS:
            return QUIET_MS
        # The level alone tells little where there is noise, or nobody has spoken for long.
        unread = frames.waiting_ms > FRAME_MS
        is_quiet = quiet_ms >= QUIET_MS and not unread
        return min(quiet_ms, QUIET_MAX_MS) if is_quiet else frames.hush_ms


def pauses(voices: Iterable[Running], *, least_ms: int) -> dict[str, int] | None:
    """See TrackSet.pauses."""
    found = {}
    for running in voices:
        pause_ms = running.pause_ms
        if pause_ms < least_ms:
            return None
        found[running.voice.track] = running.voice.frames.heard_ms - pause_ms // 2
    return found
