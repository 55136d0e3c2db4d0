"""Turns hypotheses into events: settled words into Word and WordEnd, the rest into Tail."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.embedded.agreement import Agreement, AgreementPolicy
from streaming.embedded.alignment import Slot
from streaming.embedded.hypothesis import HeardWord, spaced
from streaming.embedded.segments import CHUNK_MS
from streaming.recognizer import RecognizerEvent, Tail, Word, WordEnd


class WordEvents:
    """The words of a stream so far, segment after segment."""

    def __init__(self, policy: AgreementPolicy) -> None:
        self._policy = policy
        self._agreement = Agreement(policy)
        self._last_ms = 0
        self._tail = Tail("", 0)

    def use(self, policy: AgreementPolicy) -> None:
        """See ``Agreement.use``."""
        self._policy = policy
        self._agreement.use(policy)

    def look(
        self, words: Sequence[HeardWord], *, paused: bool, until: int
    ) -> list[RecognizerEvent]:
        """Take a hypothesis of a segment that may continue: of its audio up to chunk ``until``."""
        settled = self._agreement.feed(words, paused=paused, until_ms=until * CHUNK_MS)
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
        count = sum(word.span[1] <= before * CHUNK_MS for word in words)
        settled = self._agreement.forget(count)
        events = self._settled(settled, words)
        return count, [*events, *self._show(self._last_ms, said=bool(settled))]

    def _events(self, words: Sequence[HeardWord], settled: Sequence[Slot]) -> list[RecognizerEvent]:
        events = self._settled(settled, words)
        after = self._agreement.begin
        start_ms = words[after].span[0] if after < len(words) else self._last_ms
        return [*events, *self._show(max(start_ms, self._last_ms), said=bool(settled))]

    def _settled(self, slots: Sequence[Slot], words: Sequence[HeardWord]) -> list[RecognizerEvent]:
        events: list[RecognizerEvent] = []
        for slot in slots:
            start_ms, end_ms = words[slot.index].span if slot.index < len(words) else (0, 0)
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
