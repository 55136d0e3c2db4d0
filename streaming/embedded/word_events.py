"""Turns hypotheses into events: settled words into Word and WordEnd, the rest into Tail."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.embedded.agreement import Agreement, AgreementPolicy
from streaming.embedded.alignment import Slot
from streaming.embedded.hypothesis import HeardWord, spaced
from streaming.embedded.segments import CHUNK_MS
from streaming.embedded.word_times import estimate
from streaming.recognizer import RecognizerEvent, Tail, Word, WordEnd


class WordEvents:
    """The words of a stream so far, segment after segment."""

    def __init__(self, policy: AgreementPolicy) -> None:
        self._policy = policy
        self._agreement = Agreement(policy)
        self._start = 0
        self._voiced: Sequence[bool] = ()
        self._last_ms = 0
        self._tail = Tail("", 0)

    def at(self, start: int, voiced: Sequence[bool]) -> None:
        """Set the audio of the next hypothesis, which starts at chunk ``start``.

        voiced: for each of its chunks, whether somebody speaks.
        """
        self._start = start
        self._voiced = voiced

    def use(self, policy: AgreementPolicy) -> None:
        """See ``Agreement.use``."""
        self._policy = policy
        self._agreement.use(policy)

    def look(self, words: Sequence[HeardWord], *, paused: bool) -> list[RecognizerEvent]:
        """Take a hypothesis of a segment that may continue."""
        until_ms = (self._start + len(self._voiced)) * CHUNK_MS
        settled = self._agreement.feed(words, paused=paused, until_ms=until_ms)
        return self._events(words, settled)

    def finish(self, words: Sequence[HeardWord], *, over: bool) -> list[RecognizerEvent]:
        """Take a hypothesis whose words are all settled.

        over: the next hypothesis is for another segment.
        """
        events = self._events(words, self._agreement.finish(words))
        if over:
            self._agreement = Agreement(self._policy)
        return events

    def forget(
        self, words: Sequence[HeardWord], *, before: int
    ) -> tuple[int, list[RecognizerEvent]]:
        """Drop the audio before chunk ``before``; return how many of the last words go with it."""
        times = self._times(words)
        count = sum(1 for _, end_ms in times if end_ms <= before * CHUNK_MS)
        settled = self._agreement.forget(count)
        events = self._settled(settled, times)
        return count, [*events, *self._show(self._last_ms, said=bool(settled))]

    def _times(self, words: Sequence[HeardWord]) -> list[tuple[int, int]]:
        spans = [word.span for word in words if word.span]
        if len(spans) == len(words):
            return spans
        return estimate([word.text for word in words], self._voiced, start=self._start)

    def _events(self, words: Sequence[HeardWord], settled: Sequence[Slot]) -> list[RecognizerEvent]:
        times = self._times(words)
        events = self._settled(settled, times)
        after = self._agreement.begin
        start_ms = times[after][0] if after < len(times) else self._last_ms
        return [*events, *self._show(max(start_ms, self._last_ms), said=bool(settled))]

    def _settled(
        self, slots: Sequence[Slot], times: Sequence[tuple[int, int]]
    ) -> list[RecognizerEvent]:
        events: list[RecognizerEvent] = []
        for slot in slots:
            start_ms, end_ms = times[slot.index] if slot.index < len(times) else (0, 0)
            start_ms = max(start_ms, self._last_ms)
            self._last_ms = max(end_ms, start_ms + 1)
            events += [Word(slot.word, start_ms, slot.joined), WordEnd(self._last_ms)]
        return events

    def _show(self, start_ms: int, *, said: bool) -> list[RecognizerEvent]:
        slots = self._agreement.tail
        text = spaced((slot.word, slot.joined) for slot in slots)
        if not said and text == self._tail.text:
            return []
        if not text and not self._tail.text:
            return []
        self._tail = Tail(text, start_ms, bool(slots) and slots[0].joined)
        return [self._tail]
