"""Ours, as a bot runs it: the embedded engine and the segmenter, without room, network and page."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import Self

from benchmarks.peers.program import Shown, blocks
from captioner import engines
from captioner.captions.cues import CaptionEvent, CueDeleted
from captioner.captions.segmenter import Segmenter
from captioner.settings import read_settings
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.audio import SAMPLE_RATE, AudioFrame, Framer


class _Heard:
    """The frames of stdin."""

    waiting_ms = 0

    def __init__(self) -> None:
        self._framer = Framer()
        self._blocks = blocks(SAMPLE_RATE)
        self._frames: deque[AudioFrame] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        while not self._frames:
            block = await asyncio.to_thread(next, self._blocks, None)
            if block is None:
                raise StopAsyncIteration
            self._frames.extend(self._framer.feed(block))
        return self._frames.popleft()


async def main(language: str) -> None:
    shown = Shown()

    async def publish(event: CaptionEvent, _heard_ms: int) -> None:
        if isinstance(event, CueDeleted):
            shown.show(event.id, "")
        else:
            shown.show(event.cue.id, event.cue.text)

    settings = read_settings(engine="embedded", language=language, fallback="none")
    async with engines.chosen(settings) as engine:
        await TrackCaptioner(
            _Heard(),
            engine=lambda: engine,
            segmenter=Segmenter("speaker", prefix="c", language=language),
            publish=publish,
        ).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
