"""Gives hosts the transcript that is kept of their meeting, in parts that fit an RPC answer."""

from __future__ import annotations

import asyncio
import base64
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from captioner.errors import InvalidRequest
from captioner.transcript.folder import Kept

PART_MAX = 9_000
"""Bytes of a part: 12,000 characters of base64, of the 15 KiB that an answer may have."""

COPIES_MAX = 4
"""So many hosts download at once; the copy of whoever asked longest ago is dropped."""


@dataclass(frozen=True, slots=True)
class _Copy:
    file: str
    keep_days: int | None
    packed: bytes


class TranscriptParts:
    """A copy for each host who is downloading, so that all parts are of the same text."""

    def __init__(self, read: Callable[[], Awaitable[Kept]]) -> None:
        self._read = read
        self._copies: OrderedDict[str, _Copy] = OrderedDict()

    async def facts(self) -> dict[str, object]:
        """Return where the transcript lies, which costs nothing. Raises InvalidRequest."""
        kept = await self._read()
        return {"file": kept.file, "days": kept.keep_days}

    async def part(self, caller: str, at: int) -> dict[str, object]:
        """Return the part that begins at byte ``at``; 0 takes a new copy. Raises InvalidRequest."""
        copy = self._copies.pop(caller, None)
        if at == 0:
            kept = await self._read()
            packed = await asyncio.to_thread(lambda: zlib.compress(kept.text().encode()))
            copy = _Copy(kept.file, kept.keep_days, packed)
        if copy is None or at >= len(copy.packed):
            raise InvalidRequest('"at" must be 0, or where the last part ended')
        data = copy.packed[at : at + PART_MAX]
        if at + len(data) < len(copy.packed):
            self._copies[caller] = copy
            if len(self._copies) > COPIES_MAX:
                self._copies.popitem(last=False)
        return {
            "file": copy.file,
            "days": copy.keep_days,
            "size": len(copy.packed),
            "at": at,
            "data": base64.b64encode(data).decode(),
        }

    def forget(self) -> None:
        """Drop all copies: they may have what somebody no longer wants to be kept."""
        self._copies.clear()
