"""Captions files by the pipeline of a room's voices, as fast as possible."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from captioner.audio_file import read_chunks
from captioner.bot.bot import Engine
from captioner.captions.cues import CaptionEvent, Cue, CueClosed, CueDeleted
from captioner.captions.file_layout import file_of
from captioner.captions.segmenter import Segmenter
from captioner.tracks.track_captioner import TrackCaptioner
from streaming.audio import SAMPLE_RATE, AudioFrame, Framer
from streaming.spacing import joined
from streaming.voice.gate import GatePolicy

Progress = Callable[[int], None]
"""Called with the ms of the file that were processed."""


class Format(StrEnum):
    """The format of a transcript."""

    VTT = "vtt"
    TXT = "txt"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class FileCaptions:
    """The closed cues of a file, on its own clock, and its duration.

    loudest: root mean square of its loudest frame.
    """

    path: Path
    cues: list[Cue]
    length_ms: int
    loudest: float = 0.0

    @property
    def nothing_recognized(self) -> bool:
        """Whether there is sound, and no caption."""
        return not self.cues and self.loudest >= GatePolicy().nothing


async def transcribe(path: Path, engine: Engine, progress: Progress) -> FileCaptions:
    """Transcribe a file. Raises ConfigurationError if it has no audio."""
    cues: dict[str, Cue] = {}  # by id
    frames = _Frames(path)

    async def publish(event: CaptionEvent, heard_ms: int) -> None:
        progress(heard_ms)
        match event:
            case CueClosed(cue):
                cues[cue.id] = cue
            case CueDeleted(cue_id):
                cues.pop(cue_id, None)

    captioner = TrackCaptioner(
        frames,
        engine=lambda: engine,
        segmenter=Segmenter(path.stem, prefix="f"),
        publish=publish,
        stale_s=math.inf,
        recording=True,
    )
    await captioner.run()
    return FileCaptions(path, list(cues.values()), frames.end_ms, frames.loudest)


class _Frames:
    """The file's frames, the end of the last one, and the level of the loudest one."""

    def __init__(self, path: Path) -> None:
        self._frames = _framed(path)
        self.end_ms = 0
        self.loudest = 0.0
        self.waiting_ms = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrame:
        for frame in self._frames:
            self.end_ms = frame.end_ms
            self.loudest = max(self.loudest, frame.level)
            return frame
        raise StopAsyncIteration


def _framed(path: Path) -> Iterator[AudioFrame]:
    framer = Framer()
    for chunk in read_chunks(path, rate=SAMPLE_RATE):
        yield from framer.feed(chunk)
    yield from framer.flush()


def render(files: Sequence[FileCaptions], form: Format) -> str:
    """Format transcripts as text. In WebVTT, files follow each other in time."""
    match form:
        case Format.VTT:
            return file_of(_one_after_the_other(files))
        case Format.TXT:
            return "\n\n".join(joined(cue.text for cue in f.cues) for f in files) + "\n"
        case Format.JSON:
            whole = [
                {"file": str(f.path), "cues": [_as_json(cue) for cue in f.cues]} for f in files
            ]
            return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _one_after_the_other(files: Sequence[FileCaptions]) -> Iterator[tuple[Cue, str]]:
    offset_ms = 0
    for number, file in enumerate(files, start=1):
        for cue in file.cues:
            start, end = cue.start_ms + offset_ms, cue.end_ms + offset_ms
            yield replace(cue, id=f"{number}-{cue.id}", start_ms=start, end_ms=end), cue.speaker
        offset_ms += file.length_ms


def _as_json(cue: Cue) -> dict[str, Any]:
    return {
        "id": cue.id, "start": cue.start_ms, "end": cue.end_ms, "lang": cue.language,
        "text": cue.text,
    }  # fmt: skip
