"""Observes the engine and the segmenter: no room, no network, no page."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Self

import numpy as np

from captioner import engines
from captioner.bot.bot import Engine
from captioner.captions.cues import CaptionEvent, CueClosed, CueDeleted, CueUpdated
from captioner.captions.segmenter import Segmenter
from captioner.settings import Settings
from captioner.tracks.track_captioner import STALE_S, TrackCaptioner
from eval.observation import Shown
from eval.runs.watch import RATE, TRAIL_S, Performance, Seen
from streaming.audio import AudioFrame, Framer, Pcm


class EngineWatch:
    """Gives frames in real time, or on demand if ``fast``."""

    def __init__(self, engine: Engine, *, fast: bool) -> None:
        self.versions: Mapping[str, str] = {}
        self._engine = engine
        self._fast = fast

    async def observe(self, played: Performance) -> Seen:
        """See ``Watch.observe``. Raises RecognizerError."""
        start = time.monotonic()
        voices = [
            self._caption(number, name, pcm, start)
            for number, (name, pcm) in enumerate(played.microphones.items())
        ]
        found = [one for shown in await asyncio.gather(*voices) for one in shown]
        found.sort(key=lambda one: one.at_ms)
        until_ms = round((played.seconds + TRAIL_S) * 1000)
        return Seen(found, max([until_ms, *(one.at_ms for one in found)]))

    async def _caption(self, number: int, name: str, pcm: Pcm, start: float) -> list[Shown]:
        shown: list[Shown] = []

        async def publish(event: CaptionEvent, heard_ms: int) -> None:
            at_ms = heard_ms if self._fast else round((time.monotonic() - start) * 1000)
            one = replace(shown_of(event, at_ms), speaker=name, heard_ms=heard_ms)
            shown.append(one if self._fast else replace(one, said_ms=at_ms))

        captioner = TrackCaptioner(
            _Frames(pcm, None if self._fast else start),
            engine=lambda: self._engine,
            segmenter=Segmenter(name or "speaker", prefix=f"e{number}"),
            publish=publish,
            stale_s=math.inf if self._fast else STALE_S,
            recording=True,
        )
        await captioner.run()
        return shown


def shown_of(event: CaptionEvent, at_ms: int) -> Shown:
    """Return what an event shows."""
    match event:
        case CueDeleted(id=name):
            return Shown(at_ms, name, "", state="deleted")
        case CueClosed(cue=cue):
            text = cue.text
            return Shown(
                at_ms, cue.id, text, state="closed", settled=len(text),
                start_ms=cue.start_ms, end_ms=cue.end_ms,
            )  # fmt: skip
        case CueUpdated(cue=cue, settled=settled):
            return Shown(
                at_ms, cue.id, cue.text, settled=settled, start_ms=cue.start_ms, end_ms=cue.end_ms
            )


class _Frames:
    """Give the frames of the audio and of silence; in real time from ``start`` on, if given."""

    def __init__(self, pcm: Pcm, start: float | None) -> None:
        self._frames = _framed(pcm)
        self.waiting_ms = 0
        self._start = start

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        for frame in self._frames:
            if self._start is not None:
                await asyncio.sleep(self._start + frame.end_ms / 1000 - time.monotonic())
            return frame
        raise StopAsyncIteration


def _framed(pcm: Pcm) -> Iterator[AudioFrame]:
    framer = Framer(rate=RATE)
    yield from framer.feed(pcm)
    yield from framer.feed(np.zeros(round(TRAIL_S * RATE), np.float32))
    yield from framer.flush()


@asynccontextmanager
async def through_engine(settings: Settings, *, fast: bool) -> AsyncIterator[EngineWatch]:
    """Open the engine. Raises CaptionerError or StreamingError if there is no such engine."""
    async with engines.chosen(settings, live=not fast) as engine:
        yield EngineWatch(engine, fast=fast)
