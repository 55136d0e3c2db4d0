"""Hosts get the transcript that is kept, in parts; nobody else does."""

from __future__ import annotations

import base64
import zlib

import pytest

from captioner.bot.transcript_parts import COPIES_MAX, PART_MAX, TranscriptParts
from captioner.errors import InvalidRequest
from captioner.transcript.folder import Kept


class Source:
    def __init__(self, text: str) -> None:
        self.text = text
        self.made = 0

    async def read(self) -> Kept:
        return Kept("meeting.vtt", 30, self.make)

    def make(self) -> str:
        self.made += 1
        return self.text


def noise(size: int) -> str:
    """Text that deflates little."""
    state, letters = 1, []
    for _ in range(size):
        state = state * 1_103_515_245 + 12_345 & 0x7FFF_FFFF
        letters.append(chr(97 + (state >> 16) % 26))
    return "".join(letters)


async def whole(parts: TranscriptParts, caller: str, *, at: int = 0, begun: bytes = b"") -> str:
    packed, size = begun, at + 1
    while len(packed) < size:
        part = await parts.part(caller, len(packed))
        data = base64.b64decode(str(part["data"]))
        assert 0 < len(data) <= PART_MAX
        packed, size = packed + data, int(str(part["size"]))
    return zlib.decompress(packed).decode()


@pytest.mark.parametrize("text", ["WEBVTT\n\n<v Zoé>Été", noise(60_000)])
async def test_the_parts_are_the_whole_transcript(text: str) -> None:
    assert await whole(TranscriptParts(Source(text).read), "zoe") == text


async def test_where_it_lies_is_told_without_making_it() -> None:
    source = Source("WEBVTT")
    assert await TranscriptParts(source.read).facts() == {"file": "meeting.vtt", "days": 30}
    assert source.made == 0


async def test_what_is_said_meanwhile_changes_no_download_and_is_in_the_next() -> None:
    source = Source(noise(40_000))
    before = source.text
    parts = TranscriptParts(source.read)
    first = base64.b64decode(str((await parts.part("zoe", 0))["data"]))
    source.text += "more"
    assert await whole(parts, "zoe", at=len(first), begun=first) == before
    assert await whole(parts, "zoe") == source.text


async def test_copies_are_bounded_and_dropped_when_somebody_refuses() -> None:
    parts = TranscriptParts(Source(noise(40_000)).read)
    for number in range(COPIES_MAX + 1):
        await parts.part(f"host-{number}", 0)
    with pytest.raises(InvalidRequest):
        await parts.part("host-0", PART_MAX)
    await parts.part("host-1", PART_MAX)
    parts.forget()
    with pytest.raises(InvalidRequest):
        await parts.part("host-2", PART_MAX)
