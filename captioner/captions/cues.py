"""Cues, and the events of a cue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cue:
    """A stretch of one speaker's speech that is shown as one caption.

    speaker: LiveKit identity. Times in ms of room time, ``end_ms > start_ms``.
    text: plain, no line breaks, never empty. language: BCP 47, or "und".
    """

    id: str
    speaker: str
    start_ms: int
    end_ms: int
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class CueUpdated:
    """The cue's current state. The first ``settled`` code points of its text are final."""

    cue: Cue
    rev: int
    settled: int


@dataclass(frozen=True, slots=True)
class CueClosed:
    """The cue's final state."""

    cue: Cue
    rev: int


@dataclass(frozen=True, slots=True)
class CueDeleted:
    """The cue is deleted: nothing was said after all, or its speaker withdrew consent."""

    id: str
    rev: int


CaptionEvent = CueUpdated | CueClosed | CueDeleted


def last_of_each(events: Iterable[CaptionEvent]) -> list[CaptionEvent]:
    """Return the last event of each cue, in their order."""
    latest: dict[str, CaptionEvent] = {}
    for event in events:
        cue_id = event.id if isinstance(event, CueDeleted) else event.cue.id
        latest.pop(cue_id, None)
        latest[cue_id] = event
    return [*latest.values()]
