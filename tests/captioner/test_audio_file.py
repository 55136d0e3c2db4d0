from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from captioner.audio_file import duration_s, read_audio
from captioner.errors import ConfigurationError


def write_wav(path: Path, pcm: np.ndarray, rate: int = 8_000, layout: str = "mono") -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(
            (pcm * 32_767).astype(np.int16).reshape(1, -1), format="s16", layout=layout
        )
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_silent_video(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def test_a_tone_keeps_its_length_and_level_at_another_rate(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 8_000)
    write_wav(tmp_path / "tone.wav", tone)
    pcm = read_audio(tmp_path / "tone.wav", rate=24_000)
    assert pcm.dtype == np.float32
    assert len(pcm) == pytest.approx(48_000, abs=100)
    assert np.sqrt(np.mean(pcm[1000:-1000] ** 2)) == pytest.approx(0.5 / np.sqrt(2), abs=0.01)
    assert duration_s(tmp_path / "tone.wav") == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.wav", None, "no file"),
        ("empty.wav", b"", "not an audio or video"),
        ("broken.wav", b"RIFF\x00\x00\x00\x00WAVEfmt ", "not an audio or video"),
        ("notes.bin", bytes(range(7)) * 300, "not an audio or video"),
        ("notes.txt", b"It was the best of times.\n" * 50, "no audio"),
    ],
)
def test_a_file_that_is_no_audio_is_a_clear_error(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=says):
        read_audio(tmp_path / name, rate=24_000)


def test_a_video_without_sound_says_so(tmp_path: Path) -> None:
    write_silent_video(tmp_path / "silent.mp4")
    with pytest.raises(ConfigurationError, match="no audio"):
        read_audio(tmp_path / "silent.mp4", rate=24_000)


def test_what_can_be_read_of_a_cut_file_is_read(tmp_path: Path) -> None:
    write_wav(tmp_path / "whole.wav", np.full(16_000, 0.1))
    cut = (tmp_path / "whole.wav").read_bytes()[:9000]
    (tmp_path / "cut.wav").write_bytes(cut)
    assert len(read_audio(tmp_path / "cut.wav", rate=8_000)) > 4000


@pytest.mark.parametrize(
    ("layout", "levels"),
    [
        ("stereo", (1.0, 1.0)),
        ("stereo", (1.0, -1.0)),
        ("stereo", (0.7, -1.0)),
        ("5.1", (1.0, -1.0, 0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_channels_of_opposite_phase_do_not_cancel(
    tmp_path: Path, layout: str, levels: tuple[float, ...]
) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 8_000)
    write_wav(tmp_path / "tone.wav", np.outer(tone, levels).ravel(), layout=layout)
    pcm = read_audio(tmp_path / "tone.wav", rate=24_000)
    assert np.sqrt(np.mean(pcm[1000:-1000] ** 2)) > 0.1
