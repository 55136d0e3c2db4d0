"""Decodes any audio or video file. The only file that imports PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame as AvFrame

from captioner.errors import ConfigurationError
from streaming.audio import Pcm
from streaming.downmix import Downmix


def read_chunks(path: Path, *, rate: int) -> Iterator[Pcm]:
    """Give the file's first audio track, mono float32 at ``rate``, in chunks of any size.

    Channels of opposite phase do not cancel each other.
    Raises ConfigurationError, which says what is wrong with the file.
    """
    try:
        container = av.open(str(path))
    except FileNotFoundError as exc:
        raise ConfigurationError(f"there is no file {path}") from exc
    except (av.FFmpegError, OSError, ValueError) as exc:
        raise ConfigurationError(
            f"{path} is not an audio or video file that can be read; convert it to wav, flac, mp3,"
            " ogg or mp4 first"
        ) from exc
    with container:
        if not container.streams.audio:
            raise ConfigurationError(f"{path} has no audio; choose a file that does")
        heard = False
        try:
            for pcm in _mono(container.decode(container.streams.audio[0]), rate):
                heard = heard or len(pcm) > 0
                yield pcm
        except av.FFmpegError as exc:
            if not heard:
                raise ConfigurationError(
                    f"the sound in {path} cannot be decoded; the file may be damaged"
                ) from exc
        if not heard:
            raise ConfigurationError(f"{path} has no audio; choose a file that does")


def duration_s(path: Path) -> float | None:
    """Return the duration that the file states, or None."""
    try:
        with av.open(str(path)) as container:
            return container.duration / av.time_base if container.duration else None
    except (av.FFmpegError, OSError, ValueError):
        return None


def read_audio(path: Path, *, rate: int) -> Pcm:
    """Return the whole file as float32[n] at ``rate``. Raises ConfigurationError."""
    return np.concatenate([np.zeros(0, np.float32), *read_chunks(path, rate=rate)])


def _mono(frames: Iterator[AvFrame], rate: int) -> Iterator[Pcm]:
    resampler: av.AudioResampler | None = None
    downmix = Downmix(rate)
    for frame in chain(frames, [None]):
        if resampler is None:
            if frame is None:
                return
            layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
            resampler = av.AudioResampler(format="flt", layout=layout, rate=rate)
        for piece in resampler.resample(frame):
            samples = piece.to_ndarray().reshape(-1, piece.layout.nb_channels)
            yield downmix.feed(samples.astype(np.float32))
