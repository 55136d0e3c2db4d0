"""The session's captions, bounded, for pages that join late or missed packets. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from captioner.captions.cues import Cue, CueClosed, CueDeleted
from captioner.contract import Caption, cue_of, encode

HISTORY_MAX = 20_000
"""Cues kept: more than ten hours of one person speaking without a pause."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The latest packet of a cue, and the caption in it.

    kept: whether all of it was said while its speaker was kept.
    """

    seq: int
    caption: Caption
    packet: dict[str, Any]
    kept: bool = True

    @property
    def cue(self) -> Cue | None:
        """The cue, or None if it is deleted."""
        return cue_of(self.caption.event)

    @property
    def closed(self) -> bool:
        """Whether the cue is final."""
        return isinstance(self.caption.event, CueClosed)


@dataclass(frozen=True, slots=True)
class Page:
    """Packets for one answer, without the fields that the answer has once (v, session).

    rest: the number from which to continue, or None at the end.
    """

    cues: list[dict[str, Any]]
    rest: int | None


class History:
    """The latest state of each cue, in the order of their last change.

    keeps: whether what a speaker says now may be shown to late joiners.
    ``forgotten`` counts the cues that were dropped because there were more than ``limit``.
    """

    def __init__(self, *, limit: int = HISTORY_MAX) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._limit = limit
        self.keeps: Callable[[str], bool] = lambda _speaker: True
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Take a packet that is newer than all others."""
        cue_id = entry.packet["id"]
        before = self._entries.pop(cue_id, entry)
        kept = before.kept and self.keeps(entry.caption.speaker)
        self._entries[cue_id] = entry if kept else replace(entry, kept=False)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)
            self.forgotten += 1

    def after(self, seq: int, *, room: int, there_since: int | None = None) -> Page:
        """Return the cues that changed after ``seq``, oldest change first, in ``room`` bytes.

        there_since: the number of the packet after which the caller was in the room; None if
        that is not known. Speech that is not kept is given only to people who were there.
        """
        newer: list[Entry] = []
        for entry in reversed(self._entries.values()):
            if entry.seq <= seq:
                break
            there = there_since is not None and entry.seq > there_since
            if there or not entry.closed or self._kept(entry):
                newer.append(entry)
        taken = _fitting(reversed(newer), room)
        rest = taken[-1].seq if len(taken) < len(newer) else None
        return Page([_bare(e.packet) for e in taken], rest)

    def newest(self, *, before: int | None = None, room: int) -> Page:
        """Return the newest closed cues before number ``before``, ordered by start.

        Without ``before`` all open cues come first, which is what a newcomer gets.
        """
        open_now = [] if before is not None else [e for e in self._entries.values() if _open(e)]
        closed = [
            e
            for e in reversed(self._entries.values())
            if e.closed and (before is None or e.seq < before) and self._kept(e)
        ]
        shown = _fitting(open_now, room)
        room -= sum(_size(e) for e in shown)
        taken = _fitting(closed, room, least=0 if shown else 1)
        rest = None
        if len(taken) < len(closed):
            rest = taken[-1].seq if taken else closed[0].seq + 1
        ordered = sorted([*shown, *taken], key=_start_ms)
        return Page([_bare(e.packet) for e in ordered], rest)

    def forget(self, speaker: str) -> None:
        """Give nobody this speaker's captions; the open cue only to people who are there."""
        own = [(k, e) for k, e in self._entries.items() if e.caption.speaker == speaker]
        for key, entry in own:
            if entry.closed:
                del self._entries[key]
            else:
                self._entries[key] = replace(entry, kept=False)

    def closed(self) -> list[tuple[Cue, str]]:
        """Return each closed cue that is kept, with its speaker's name."""
        return [
            (entry.cue, entry.caption.shown_name())
            for entry in self._entries.values()
            if entry.closed and entry.cue is not None and self._kept(entry)
        ]

    def _kept(self, entry: Entry) -> bool:
        return entry.kept and self.keeps(entry.caption.speaker)


def _fitting(entries: Iterable[Entry], room: int, *, least: int = 1) -> list[Entry]:
    """Return the first ones that fit, but at least ``least``, so that paging ends."""
    taken: list[Entry] = []
    for entry in entries:
        room -= _size(entry)
        if room < 0 and len(taken) >= least:
            break
        taken.append(entry)
    return taken


def _bare(packet: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in packet.items() if key not in ("v", "session")}


def _size(entry: Entry) -> int:
    return len(encode(_bare(entry.packet))) + 1


def _open(entry: Entry) -> bool:
    return not entry.closed and not isinstance(entry.caption.event, CueDeleted)


def _start_ms(entry: Entry) -> int:
    return entry.cue.start_ms if entry.cue else 0
