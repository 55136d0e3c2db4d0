"""A stretch of one track's speech: what its recognisers, one after the other, are given. Pure.

Nothing lost and nothing doubled when one of them fails: see streaming/replay.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from streaming.audio import AudioFrame, samples_to_ms
from streaming.recognizer import (
    Dropped,
    Flushed,
    Heard,
    Pause,
    RecognizerEvent,
    Tail,
    Word,
    WordEnd,
)
from streaming.replay import Replay

KEEP_MS = 30_000
"""So much sound that has not become words yet is said again to the recogniser that follows."""


class Stretch:
    """Turns frames on the room's clock into a recogniser's own, and its events back.

    Events are in stream time, which began with the first frame of ``lead``, for all recognisers.
    offset_ms, heard_ms and said_ms are room time: where the stretch began, how far it was dealt
    with, where the last word began. end: samples of room time just after the last frame.
    """

    def __init__(self, lead: Iterable[AudioFrame]) -> None:
        self._lead = deque(lead)
        self._base = self._lead[0].position if self._lead else 0
        self._zero = 0  # stream position of the first frame of the recogniser that works now
        self._fresh = True
        self._replay = Replay(keep_ms=KEEP_MS)
        self._fell_off: Dropped | None = None  # the recogniser that works now has it yet
        self._lost: list[Dropped] = []  # was not told yet
        self.offset_ms = self.heard_ms = samples_to_ms(self._base)
        self.said_ms: int | None = None
        self.end = _end(self._lead[-1]) if self._lead else 0

    @property
    def behind_ms(self) -> int:
        """Sound that was read and that no recogniser has dealt with."""
        return max(samples_to_ms(self.end) - self.heard_ms, 0)

    @property
    def voice_ms(self) -> int:
        """Voice that was heard since the last word."""
        return self._replay.voice_ms

    def again(self) -> Iterator[AudioFrame]:
        """For a new recogniser: what the one before it did not make words of."""
        self._fresh = True
        fell_off, self._fell_off = self._fell_off, None
        if fell_off is not None:
            start_ms = max(fell_off.start_ms, self._replay.heard_ms)
            self._lost.append(replace(fell_off, start_ms=start_ms))
        for frame, _ in self._replay.restart():
            yield self._placed(frame)

    def next_of_lead(self) -> AudioFrame | None:
        """The next frame of the beginning."""
        if not self._lead:
            return None
        frame = self._lead.popleft()
        return self.add(frame, voiced=not self._lead)

    def add(self, frame: AudioFrame, *, voiced: bool) -> AudioFrame:
        """Take the next frame; give it as the recogniser takes it."""
        self.end = max(self.end, _end(frame))
        moved = AudioFrame(frame.pcm, frame.position - self._base)
        if lost := self._replay.add(moved, voiced=voiced):
            start_ms = self._fell_off.start_ms if self._fell_off else lost.start_ms
            self._fell_off = Dropped(start_ms, lost.end_ms)
        return self._placed(moved)

    def take(self, event: RecognizerEvent) -> list[RecognizerEvent]:
        """Take an event of the recogniser; give what of it is new, in stream time."""
        event = _later(event, samples_to_ms(self._zero))
        if isinstance(event, Dropped):
            return [event]
        events = [told for told in self._replay.take(event) if not isinstance(told, Dropped)]
        for told in events:
            match told:
                case Word(start_ms=start_ms):
                    self.said_ms = self.offset_ms + start_ms
                case Heard(at_ms) | Flushed(at_ms):
                    self.heard_ms = self.offset_ms + at_ms
                    if self._fell_off and at_ms >= self._fell_off.end_ms:
                        self._fell_off = None
        lost, self._lost = self._lost, []
        return [*lost, *events]

    def _placed(self, frame: AudioFrame) -> AudioFrame:
        if self._fresh:
            self._zero, self._fresh = frame.position, False
        return AudioFrame(frame.pcm, frame.position - self._zero)


def _end(frame: AudioFrame) -> int:
    return frame.position + len(frame.pcm)


def _later(event: RecognizerEvent, ms: int) -> RecognizerEvent:
    match event:
        case Word() | Tail():
            return replace(event, start_ms=event.start_ms + ms)
        case WordEnd():
            return replace(event, end_ms=event.end_ms + ms)
        case Pause() | Flushed():
            return replace(event, at_ms=event.at_ms + ms)
        case Heard():
            return replace(event, until_ms=event.until_ms + ms)
        case Dropped():
            return Dropped(event.start_ms + ms, event.end_ms + ms)
