"""Audio of reports: files beside them, and embedded excerpts. The only user of soundfile."""

from __future__ import annotations

import io
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

import soundfile

from captioner.audio_file import read_audio, read_chunks
from captioner.errors import ConfigurationError
from eval.observation import write_files
from streaming.audio import Pcm

RATE = 24_000
MOST_S = 30


def write_sound(path: Path, pcm: Pcm) -> None:
    """Write float32[n] at RATE: ``.flac`` without loss, anything else as Ogg Opus.

    Raises ObservationError if that fails.
    """
    write_files({path: _flac(pcm) if path.suffix == ".flac" else _ogg(pcm)})


def data_uri(path: Path, start_ms: int, end_ms: int) -> str | None:
    """Return at most MOST_S seconds as Ogg Opus in a data: URL; None without audio."""
    try:
        sound = _whole(path)
    except ConfigurationError:
        return None
    end_ms = min(end_ms, start_ms + MOST_S * 1000)
    piece = sound[start_ms * RATE // 1000 : end_ms * RATE // 1000]
    if not len(piece):
        return None
    return f"data:audio/ogg;base64,{b64encode(_ogg(piece)).decode()}"


def check_sound(path: Path) -> None:
    """Raise ConfigurationError if a file has no sound that can be read."""
    next(read_chunks(path, rate=RATE), None)


def _ogg(pcm: Pcm) -> bytes:
    return _encoded(pcm, "OGG", "OPUS")


def _flac(pcm: Pcm) -> bytes:
    return _encoded(pcm, "FLAC", "PCM_16")


def _encoded(pcm: Pcm, container: str, coding: str) -> bytes:
    written = io.BytesIO()
    soundfile.write(written, pcm, RATE, format=container, subtype=coding)
    return written.getvalue()


@lru_cache(maxsize=1)
def _whole(path: Path) -> Pcm:
    return read_audio(path, rate=RATE)
