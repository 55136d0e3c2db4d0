"""A page's receiving side of the caption contract, without a screen. Pure.

It also records, by name, what a bot must never send, so that a simulation can count it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from captioner.contract import CuePacket, GapPacket, Received, SeqPacket, TrackPacket, read_packet

Packet = Mapping[str, Any]


class CaptionReceiver:
    """Current cues by (session, id), with those of earlier sessions.

    missing: whether a packet was lost, so that the bot must be asked. wish: what was chosen for the
    own speech. faults: counts of forbidden events. states: every (track, speaker, state) received,
    in order.
    """

    def __init__(self) -> None:
        self.session: str | None = None
        self.origin_utc_ms = 0
        self.seq = 0
        self.missing = True
        self.wish: dict[str, bool] | None = None
        self.cues: dict[tuple[str, str], CuePacket] = {}
        self.gaps: list[GapPacket] = []
        self.states: list[tuple[str, str, str]] = []
        self.faults: Counter[str] = Counter()
        self._ahead: set[int] = set()

    def feed(self, packet: Packet) -> None:
        """Take a packet of the topic."""
        if packet.get("session") != self.session:
            self.missing = True  # another bot, or a restarted one: say hello
            return
        if isinstance(told := read_packet(packet), SeqPacket):
            self.missing |= told.seq > self.seq
            return
        self._ahead.add(packet["seq"])
        self._count_on()
        self.missing |= bool(self._ahead)
        self._take(told)

    def hello(self) -> dict[str, Any]:
        """Return the request for the bot."""
        before = {"before": True} if self.session else {}
        return {"v": 1, "want": True, "session": self.session, "after_seq": self.seq,
                "wish": self.wish or "none", **before}  # fmt: skip

    def answered(self, answer: Packet) -> dict[str, Any] | None:
        """Take an answer to hello or history; return the next request to captions.history."""
        session = answer["session"]
        if session != self.session:
            self.session, self.seq, self._ahead = session, 0, set()
        self.origin_utc_ms = answer.get("origin_utc_ms", self.origin_utc_ms)
        for cue in answer["cues"]:
            self._take(read_packet({**cue, "session": session}))
        for told in [*answer.get("gaps", ()), *answer.get("tracks", ())]:
            self._take(read_packet(told))
        for way in ("cursor", "older"):
            if answer.get(way) is not None:
                return {"v": 1, "session": session, way: answer[way]}
        return None

    def whole(self, seq: int) -> None:
        """Note that all pages of an answer, complete up to ``seq``, were taken."""
        self.seq = max(self.seq, seq)
        self._count_on()
        self.missing = bool(self._ahead)

    def shown(self) -> list[CuePacket]:
        """Return the cues that were not deleted, ordered by start."""
        cues = [cue for cue in self.cues.values() if cue.state != "deleted"]
        return sorted(cues, key=lambda cue: (cue.start_ms, cue.id))

    def _count_on(self) -> None:
        while self.seq + 1 in self._ahead:
            self.seq += 1
        self._ahead = {seq for seq in self._ahead if seq > self.seq}

    def _take(self, told: Received | None) -> None:
        match told:
            case GapPacket() as gap if gap not in self.gaps:
                self.gaps.append(gap)
            case TrackPacket(track, speaker, state):
                if (track, speaker, state) not in self.states[-1:]:
                    self.states.append((track, speaker, state))
            case CuePacket() as cue:
                self._show(cue)

    def _show(self, new: CuePacket) -> None:
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
