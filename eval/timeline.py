"""What was on the screen, and when: the one input of all measures but accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from captioner.cues import CaptionEvent, CueClosed, CueDeleted, CueUpdated


@dataclass(frozen=True, slots=True)
class Update:
    """From ``at_ms`` on a cue showed ``text``; None says that it was removed.

    at_ms: whatever clock the measure is taken on; latency needs that of the reference words.
    """

    at_ms: int
    cue: str
    text: str | None


def update_of(event: CaptionEvent, at_ms: int) -> Update:
    """A caption event, published or painted at ``at_ms``, as a change on the screen."""
    match event:
        case CueUpdated(cue=cue) | CueClosed(cue=cue):
            return Update(at_ms, cue.id, cue.text)
        case CueDeleted(id=name):
            return Update(at_ms, name, None)
