from __future__ import annotations

import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.errors import ProtocolError
from streaming.kyutai_server.opus import OggOpusDecoder, OggPackets, read_file
from streaming.kyutai_server.test_checkpoint.tones import sing


def opus_of_tones() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(sing(["hello", "room"])[None], "flt", "mono")
        frame.sample_rate = 24_000
        for part in [*av.AudioResampler("s16", "mono", 48_000).resample(frame), None]:
            container.mux(stream.encode(part))
    return out.getvalue()


OPUS = opus_of_tones()


@given(st.lists(st.integers(1, 4_000), max_size=20))
def test_how_the_bytes_are_cut_changes_no_packet(cuts: list[int]) -> None:
    packets, at, got = OggPackets(), 0, []
    for cut in cuts:
        got += packets.feed(OPUS[at : at + cut])
        at += cut
    got += packets.feed(OPUS[at:])
    assert got == OggPackets().feed(OPUS)


def test_opus_is_heard_at_24_khz() -> None:
    pcm = OggOpusDecoder().feed(OPUS)
    assert len(pcm) == pytest.approx(len(sing(["hello", "room"])), abs=1_000)
    spectrum = np.abs(np.fft.rfft(pcm[1_000:5_000]))
    assert np.argmax(spectrum) * 24_000 / 4_000 == pytest.approx(400, abs=10)


@given(st.binary(min_size=4, max_size=200))
def test_what_is_no_ogg_is_said_to_be_so(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        OggOpusDecoder().feed(b"x" + data)


@given(st.integers(0, len(OPUS) - 1), st.binary(min_size=1, max_size=30))
def test_damaged_opus_gives_sound_or_a_protocol_error(at: int, damage: bytes) -> None:
    decoder = OggOpusDecoder()
    try:
        pcm = decoder.feed(OPUS[:at] + damage + OPUS[at + len(damage) :])
    except ProtocolError:
        return
    assert pcm.dtype == np.float32


def test_a_file_gives_all_of_its_sound() -> None:
    assert sum(map(len, read_file(OPUS))) == pytest.approx(23_040, abs=1_000)


def test_a_file_without_sound_is_said_to_be_so() -> None:
    with pytest.raises(ProtocolError, match="not an audio file"):
        list(read_file(b"rubbish" * 100))
