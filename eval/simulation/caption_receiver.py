"""What a page keeps of a meeting: the caption contract received, without a screen. Pure.

It also notes what a bot must never send, by name, so that a simulation can count it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

Packet = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A cue as a page shows it. Times in ms of room time."""

    session: str
    id: str
    rev: int
    state: str
    speaker: str
    name: str
    text: str
    settled: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class GapShown:
    """Room time that nobody heard."""

    start_ms: int
    end_ms: int
    reason: str


class CaptionReceiver:
    """Cues by (session, id), as they stand; those of earlier sessions stay.

    missing: whether a packet was lost, and the bot has to be asked. faults: what must never be,
    how often. states: every (track, speaker, state) as it was told, in order.
    """

    def __init__(self) -> None:
        self.session: str | None = None
        self.origin_utc_ms = 0
        self.seq = 0
        self.missing = True
        self.cues: dict[tuple[str, str], Shown] = {}
        self.gaps: list[GapShown] = []
        self.states: list[tuple[str, str, str]] = []
        self.faults: Counter[str] = Counter()
        self._ahead: set[int] = set()

    def feed(self, packet: Packet) -> None:
        """Take a packet of the topic."""
        if packet.get("session") != self.session:
            self.missing = True  # another bot, or the same one started again: say hello
            return
        if packet.get("type") == "seq":
            self.missing |= packet["seq"] > self.seq
            return
        self._ahead.add(packet["seq"])
        self._count_on()
        self.missing |= bool(self._ahead)
        self._take(packet)

    def hello(self) -> dict[str, Any]:
        """What to ask the bot."""
        return {"v": 1, "want": True, "session": self.session, "after_seq": self.seq}

    def answered(self, answer: Packet) -> dict[str, Any] | None:
        """Take an answer to hello or history; gives what to ask captions.history for next."""
        session = answer["session"]
        if session != self.session:
            self.session, self.seq, self._ahead = session, 0, set()
        self.origin_utc_ms = answer.get("origin_utc_ms", self.origin_utc_ms)
        for cue in answer["cues"]:
            self._take({**cue, "session": session})
        for told in [*answer.get("gaps", ()), *answer.get("tracks", ())]:
            self._take(told)
        for way in ("cursor", "older"):
            if answer.get(way) is not None:
                return {"v": 1, "session": session, way: answer[way]}
        return None

    def whole(self, seq: int) -> None:
        """All pages of an answer that knew everything up to ``seq`` were taken."""
        self.seq = max(self.seq, seq)
        self._count_on()
        self.missing = bool(self._ahead)

    def shown(self) -> list[Shown]:
        """The cues that were not deleted, in order of their start."""
        cues = [cue for cue in self.cues.values() if cue.state != "deleted"]
        return sorted(cues, key=lambda cue: (cue.start_ms, cue.id))

    def _count_on(self) -> None:
        while self.seq + 1 in self._ahead:
            self.seq += 1
        self._ahead = {seq for seq in self._ahead if seq > self.seq}

    def _take(self, packet: Packet) -> None:
        match packet.get("type"):
            case "gap":
                gap = GapShown(packet["start"], packet["end"], packet["reason"])
                if gap not in self.gaps:
                    self.gaps.append(gap)
            case "track":
                told = (packet["track"], packet["speaker"], packet["state"])
                if told not in self.states[-1:]:
                    self.states.append(told)
            case None:
                self._show(shown(packet))

    def _show(self, new: Shown) -> None:
        key = (new.session, new.id)
        old = self.cues.get(key)
        if old is not None and old.rev >= new.rev:
            if old.rev == new.rev and old != new:
                self.faults["one revision, two texts"] += 1
            return
        if old is not None and new.state != "deleted":
            if old.state != "open":
                self.faults["changed after closing"] += 1
            if old.start_ms != new.start_ms or old.speaker != new.speaker:
                self.faults["start or speaker changed"] += 1
            if old.text[: old.settled] != new.text[: old.settled]:
                self.faults["settled text changed"] += 1
        self.cues[key] = new


def shown(packet: Packet) -> Shown:
    """A cue's packet, understood. Raises ValueError, KeyError if it is not as the contract says."""
    name, text, start, end = "", "", 0, 0
    if packet["state"] != "deleted":
        match = _BLOCK.fullmatch(packet["vtt"])
        if match is None or match["id"] != packet["id"]:
            raise ValueError("no cue block of the contract")
        name, text = unescape(match["name"]), unescape(match["text"])
        start, end = _ms(match["start"]), _ms(match["end"])
    return Shown(
        packet["session"], packet["id"], packet["rev"], packet["state"], packet["speaker"],
        name, text, packet.get("settled", 0), start, end,
    )  # fmt: skip


def _ms(time: str) -> int:
    hours, minutes, seconds = time.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


_BLOCK = re.compile(
    r"(?P<id>[^\n]*)\n(?P<start>[\d:.]+) --> (?P<end>[\d:.]+)\n<v (?P<name>[^>]*)>(?P<text>[^\n]*)"
)
