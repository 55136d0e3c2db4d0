"""Decodes compressed audio by PyAV: Ogg Opus streams, and whole files."""

from __future__ import annotations

import io
from collections.abc import Iterator

import av
import numpy as np

from streaming.audio import SAMPLE_RATE, Pcm
from streaming.errors import ProtocolError

_HEADER = 27  # bytes of an Ogg page before its segment table, RFC 3533
_PACKET_MAX = 64_000
_HEAD, _TAGS = b"OpusHead", b"OpusTags"


class OggPackets:
    """Extracts packets from bytes of one Ogg stream, cut anywhere (RFC 3533). Pure."""

    def __init__(self) -> None:
        self._data = b""
        self._packet = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the complete packets. Raises ProtocolError if no page begins where one is due."""
        self._data += data
        packets: list[bytes] = []
        while (page := self._page()) is not None:
            packets += page
        return packets

    def _page(self) -> list[bytes] | None:
        data = self._data
        if data[:4] != b"OggS"[: len(data)]:
            raise ProtocolError("OggOpus: no Ogg page begins here")
        if len(data) < _HEADER or len(data) < _HEADER + data[26]:
            return None
        table = data[_HEADER : _HEADER + data[26]]
        at = _HEADER + len(table)
        if len(data) < at + sum(table):
            return None
        packets = []
        for size in table:
            self._packet += data[at : at + size]
            at += size
            if len(self._packet) > _PACKET_MAX:
                raise ProtocolError("OggOpus: a packet without end")
            if size < 255:
                packets.append(self._packet)
                self._packet = b""
        self._data = data[at:]
        return packets


class OggOpusDecoder:
    """Decodes bytes of an Ogg Opus stream, cut anywhere, to float32[n] at 24 kHz, mono."""

    def __init__(self) -> None:
        self._packets = OggPackets()
        self._codec: av.AudioCodecContext | None = None
        self._resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)

    def feed(self, data: bytes) -> Pcm:
        """Return the decoded audio. Raises ProtocolError if it is not Ogg Opus."""
        parts = [pcm for packet in self._packets.feed(data) for pcm in self._decode(packet)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _decode(self, packet: bytes) -> Iterator[Pcm]:
        if packet.startswith(_HEAD):
            self._codec = self._open(packet)
        elif self._codec is None:
            raise ProtocolError("OggOpus: no OpusHead at the beginning")
        elif packet and not packet.startswith(_TAGS):
            try:
                for frame in self._codec.decode(av.Packet(packet)):
                    yield from _samples(self._resampler, frame)
            except av.FFmpegError as exc:
                raise ProtocolError(f"OggOpus: a packet that is not Opus: {exc.strerror}") from exc

    @staticmethod
    def _open(head: bytes) -> av.AudioCodecContext:
        try:
            codec = av.CodecContext.create("opus", "r")
            assert isinstance(codec, av.AudioCodecContext)
            codec.extradata = head
            codec.sample_rate = 48_000
            codec.layout = "stereo" if len(head) > 9 and head[9] == 2 else "mono"
            codec.open()
        except (av.FFmpegError, ValueError) as exc:
            raise ProtocolError("OggOpus: an invalid OpusHead") from exc
        return codec


def read_file(data: bytes) -> Iterator[Pcm]:
    """Decode an audio or video file in pieces. Raises ProtocolError if it has no audio."""
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                raise ProtocolError("this file has no audio")
            resampler = av.AudioResampler("flt", "mono", SAMPLE_RATE)
            for frame in container.decode(container.streams.audio[0]):
                yield from _samples(resampler, frame)
            yield from _samples(resampler, None)
    except (av.FFmpegError, ValueError) as exc:
        raise ProtocolError("this is not an audio file that can be read") from exc


def _samples(resampler: av.AudioResampler, frame: av.AudioFrame | None) -> Iterator[Pcm]:
    for part in resampler.resample(frame):
        yield part.to_ndarray()[0].astype(np.float32)
