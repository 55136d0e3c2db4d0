"""A piece of a recording for a report to carry."""

from __future__ import annotations

import io
from base64 import b64encode
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from eval.corpus import CorpusError, read_audio

RATE = 24_000
MOST_S = 30


def data_uri(path: Path, start_ms: int, end_ms: int) -> str | None:
    """At most MOST_S seconds as Ogg Opus in a data: address; None where there is no sound."""
    try:
        sound = _whole(path)
    except CorpusError:
        return None
    end_ms = min(end_ms, start_ms + MOST_S * 1000)
    piece = sound[start_ms * RATE // 1000 : end_ms * RATE // 1000]
    if not len(piece):
        return None
    written = io.BytesIO()
    soundfile.write(written, piece, RATE, format="OGG", subtype="OPUS")
    return f"data:audio/ogg;base64,{b64encode(written.getvalue()).decode()}"


@lru_cache(maxsize=1)
def _whole(path: Path) -> NDArray[np.float32]:
    return read_audio(path, RATE)
