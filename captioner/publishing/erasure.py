"""Counts the words that were shown and then taken back: erasure, which makes captions hard to read.

``eval`` measures the same of recordings, under the same name.
"""

from __future__ import annotations

from captioner import metrics
from captioner.captions.cues import CueClosed, CueDeleted
from captioner.contract import Caption, Published


class ErasureMeter:
    """A sink that only counts. It keeps the text of open cues alone."""

    def __init__(self) -> None:
        self._shown: dict[str, list[str]] = {}

    def publish(self, event: Published) -> None:
        """Take what everybody is sent."""
        if not isinstance(event, Caption):
            return
        change = event.event
        if isinstance(change, CueDeleted):
            self._shown.pop(change.id, None)
            return
        words = change.cue.text.split()
        before = self._shown.get(change.cue.id, [])
        same = [was == now for was, now in zip(before, words, strict=False)]
        kept = [*same, False].index(False)
        metrics.WORDS_ERASED.inc(len(before) - kept)
        if isinstance(change, CueClosed):
            self._shown.pop(change.cue.id, None)
            metrics.WORDS.inc(len(words))
        else:
            self._shown[change.cue.id] = words
