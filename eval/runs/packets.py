"""Converts received caption packets to the clock of a measurement. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from captioner.contract import read_cue
from eval.observation import Shown, State
from eval.runs.local_meeting import Arrival


def packets_of(arrivals: Sequence[Arrival], speakers: set[str] | None = None) -> list[Arrival]:
    """Select the captions that agents sent: of some speakers, by identity, or of everybody.

    A deleted caption does not name its speaker, but its id is known.
    """
    mine: set[str] = set()
    found: list[Arrival] = []
    for arrival in arrivals:
        packet = arrival.packet
        if not arrival.by_agent or "id" not in packet:
            continue
        if speakers is None or packet.get("speaker") in speakers:
            mine.add(packet["id"])
        if packet["id"] in mine:
            found.append(arrival)
    return found


def shown_by(
    arrivals: Sequence[Arrival], *, zero_s: float, origin_s: float | None
) -> Iterator[tuple[tuple[str, int], Shown]]:
    """Return id and revision of each packet, and what it shows; ``speaker`` is the identity.

    zero_s, origin_s: the clip's time 0 and room time 0 on the monotonic clock of ``Arrival.at``.
    """

    def on_clip(room_ms: int | None) -> int | None:
        if room_ms is None or origin_s is None:
            return None
        return round((origin_s - zero_s) * 1000) + room_ms

    owners: dict[str, str] = {}
    for arrival in arrivals:
        packet = arrival.packet
        one = shown_of(packet, round((arrival.at - zero_s) * 1000))
        owner = owners.setdefault(packet["id"], packet.get("speaker", ""))
        yield (
            (packet["id"], packet["rev"]),
            replace(
                one,
                speaker=owner,
                received_ms=one.at_ms,
                heard_ms=on_clip(packet.get("heard")),
                start_ms=on_clip(one.start_ms),
                end_ms=on_clip(one.end_ms),
            ),
        )


def shown_of(packet: Mapping[str, Any], at_ms: int) -> Shown:
    """Return what a caption packet shows, with the packet's cue times, in room time."""
    cue = read_cue(packet)
    if cue.state == "deleted":
        return Shown(at_ms, cue.id, "", cue.speaker, state="deleted")
    state: State = "open" if cue.state == "open" else "closed"
    return Shown(at_ms, cue.id, cue.text, cue.speaker, state, cue.settled, cue.start_ms, cue.end_ms)


def masked(shown: Sequence[Shown], key: bytes) -> Iterator[Shown]:
    """Replace letters by others, equal for equal words of a cue, so that no words remain.

    Revisions, lengths and punctuation remain visible. With ``key``, words could be found by trying,
    so it must be discarded.
    """
    for one in shown:
        secret = key + one.cue.encode()
        words = (_masked(word, secret) for word in one.text.split(" "))
        yield replace(one, text=" ".join(words))


def _masked(word: str, secret: bytes) -> str:
    bare = "".join(filter(str.isalnum, word)).casefold()
    stream = hashlib.shake_256(secret + bare.encode()).digest(len(word))
    return "".join(
        chr(ord("A" if c.isupper() else "a") + byte % 26) if c.isalnum() else c
        for c, byte in zip(word, stream, strict=True)
    )
