"""Encodes and decodes audio. The only file of this package that imports PyAV."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
import soxr

from streaming.audio import Pcm

OPUS_RATE = 48_000
PACKET_SAMPLES = 960  # 20 ms
OPUS_RATES = range(6_000, 510_001)
"""The bit rates that Opus supports, in bits per second."""


def through_opus(pcm: Pcm, rate: int, bits_per_second: int) -> Pcm:
    """Return float32[n] after libopus (voice mode, packets of 20 ms).

    Length and alignment do not change: the delay of encoder and decoder is removed.
    Raises ValueError for a bit rate outside 6,000 to 510,000.
    """
    if bits_per_second not in OPUS_RATES:
        raise ValueError(f"Opus has 6,000 to 510,000 bits a second, not {bits_per_second:,}")
    if not len(pcm):
        return pcm
    sound = np.asarray(soxr.resample(pcm, rate, OPUS_RATE), dtype=np.float32)
    heard = np.concatenate([np.zeros(0, np.float32), *_decoded(*_encoded(sound, bits_per_second))])
    back = np.asarray(soxr.resample(heard[: len(sound)], OPUS_RATE, rate), dtype=np.float32)
    return np.pad(back[: len(pcm)], (0, max(len(pcm) - len(back), 0)))


def _encoded(pcm: Pcm, bits_per_second: int) -> tuple[bytes, list[bytes]]:
    """Return the header, which says how much the decoder must skip, and the packets."""
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = OPUS_RATE, "mono", av.AudioFormat("s16")
    codec.bit_rate = bits_per_second
    codec.options = {"application": "voip", "frame_duration": "20"}
    codec.open()
    packets: list[bytes] = []
    padded = np.pad(pcm, (0, -len(pcm) % PACKET_SAMPLES))
    samples = (np.clip(padded, -1, 1) * 32_767).astype(np.int16)
    for begin in range(0, len(samples), PACKET_SAMPLES):
        piece = np.ascontiguousarray(samples[None, begin : begin + PACKET_SAMPLES])
        frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
        frame.sample_rate, frame.pts = OPUS_RATE, begin
        packets += map(bytes, codec.encode(frame))
    packets += map(bytes, codec.encode(None))
    return codec.extradata or b"", packets


def _decoded(header: bytes, packets: list[bytes]) -> Iterator[Pcm]:
    codec = av.CodecContext.create("opus", "r")
    assert isinstance(codec, av.AudioCodecContext)
    codec.extradata, codec.sample_rate, codec.layout = header, OPUS_RATE, "mono"
    codec.open()
    for packet in [*map(av.Packet, packets), None]:
        for frame in codec.decode(packet):
            yield frame.to_ndarray().reshape(-1).astype(np.float32)
