"""A file through the same pipeline as a room's voice, as fast as it goes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from pathlib import Path

from captioner.bot import Engine
from captioner.cues import CaptionEvent, Cue, CueClosed
from captioner.media import read_chunks
from captioner.segmenter import Segmenter
from captioner.track import TrackCaptioner
from captioner.webvtt import document
from streaming.audio import SAMPLE_RATE, AudioFrame, Framer

Progress = Callable[[int], None]
"""Told how many ms of the file were heard."""


class Format(StrEnum):
    """What a transcript looks like."""

    VTT = "vtt"
    TXT = "txt"
    JSON = "json"


async def transcribe(path: Path, engine: Engine, progress: Progress) -> list[Cue]:
    """The finished cues of one file. Raises ConfigurationError if it has no sound."""
    cues: list[Cue] = []

    async def publish(event: CaptionEvent, heard_ms: int) -> None:
        progress(heard_ms)
        if isinstance(event, CueClosed):
            cues.append(event.cue)

    captioner = TrackCaptioner(
        _frames(path),
        open_recognizer=engine.open,
        segmenter=Segmenter(path.stem, prefix="f", language=engine.language),
        publish=publish,
        retry=False,
    )
    await captioner.run()
    return cues


async def _frames(path: Path) -> AsyncIterator[AudioFrame]:
    for frame in _framed(path):
        yield frame


def _framed(path: Path) -> Iterator[AudioFrame]:
    framer = Framer()
    for chunk in read_chunks(path, rate=SAMPLE_RATE):
        yield from framer.feed(chunk)
    yield from framer.flush()


def render(files: list[tuple[Path, list[Cue]]], form: Format) -> str:
    """Transcripts as text; several files follow each other in time in WebVTT."""
    match form:
        case Format.VTT:
            return document([(cue, cue.speaker) for _, cues in files for cue in cues])
        case Format.TXT:
            return "\n\n".join(" ".join(cue.text for cue in cues) for _, cues in files) + "\n"
        case Format.JSON:
            whole = [
                {
                    "file": str(path),
                    "cues": [
                        {"id": c.id, "start": c.start_ms, "end": c.end_ms, "text": c.text}
                        for c in cues
                    ],
                }
                for path, cues in files
            ]
            return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
