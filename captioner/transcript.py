"""What was said in this session, bounded: for those who come late, and for a file at the end."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captioner.contract import Caption, cue_of
from captioner.cues import Cue, CueClosed
from captioner.errors import ConfigurationError
from captioner.webvtt import document, voice_name

HISTORY_MAX = 20_000
"""Cues kept: more than ten hours of one person speaking without a pause."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The newest packet of one cue, and the caption in it."""

    seq: int
    caption: Caption
    packet: dict[str, Any]


class Transcript:
    """The newest state of each cue, in the order of their last change.

    ``forgotten`` counts the cues that were dropped because there were more than ``limit``.
    """

    def __init__(self, *, limit: int = HISTORY_MAX) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._limit = limit
        self.forgotten = 0

    def add(self, entry: Entry) -> None:
        """Take a packet that is newer than all before it."""
        cue_id = entry.packet["id"]
        self._entries.pop(cue_id, None)
        self._entries[cue_id] = entry
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
            self.forgotten += 1

    def after(self, seq: int) -> Iterator[Entry]:
        """The cues that changed after ``seq``, oldest change first."""
        newer = []
        for entry in reversed(self._entries.values()):
            if entry.seq <= seq:
                break
            newer.append(entry)
        return reversed(newer)

    def closed(self) -> list[tuple[Cue, str]]:
        """Each finished cue with its speaker's name."""
        return [
            (cue, voice_name(entry.caption.name, identity=entry.caption.speaker))
            for entry in self._entries.values()
            if isinstance(entry.caption.event, CueClosed)
            and (cue := cue_of(entry.caption.event)) is not None
        ]

    def write(self, path: Path) -> None:
        """All finished cues as a WebVTT file, put in place whole. Raises ConfigurationError."""
        write_whole(path, document(self.closed()))


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` into a file in one go: a reader sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot write {path}: {exc.strerror}. Choose another place."
        ) from exc
