"""From hypotheses to events: what is settled as Word and WordEnd with times, the rest as Tail."""

from __future__ import annotations

from collections.abc import Sequence

from streaming.agreement import Agreement, AgreementPolicy
from streaming.moonshine import HeardWord
from streaming.recognizer import RecognizerEvent, Tail, Word, WordEnd
from streaming.timing import estimate


class Saying:
    """What was said on a stream so far, segment after segment."""

    def __init__(self, policy: AgreementPolicy) -> None:
        self._policy = policy
        self._agreement = Agreement(policy)
        self._start = 0
        self._voiced: Sequence[bool] = ()
        self._last_ms = 0
        self._tail = Tail("", 0)

    def at(self, start: int, voiced: Sequence[bool]) -> None:
        """The next hypothesis is of the sound from chunk ``start`` on.

        voiced: of each of its chunks, whether somebody speaks.
        """
        self._start = start
        self._voiced = voiced

    def look(self, words: Sequence[HeardWord], *, paused: bool) -> list[RecognizerEvent]:
        """Take a hypothesis of a segment that may go on."""
        settled = self._agreement.feed(words, paused=paused)
        return self._events(words, settled)

    def finish(
        self, words: Sequence[HeardWord], *, over: bool, cut: bool = False
    ) -> list[RecognizerEvent]:
        """Take a hypothesis whose words are all settled.

        over: the next hypothesis is of another segment. cut: what was shown beyond these words is
        said there, and stays shown until then.
        """
        settled = self._agreement.finish(words)
        if not cut:
            self._agreement.shown = []
        events = self._events(words, settled)
        if over:
            self._agreement = Agreement(self._policy, shown=self._agreement.shown)
        return events

    def _events(self, words: Sequence[HeardWord], settled: Sequence[str]) -> list[RecognizerEvent]:
        texts = [word.text for word in words]
        times = estimate(texts, self._voiced, start=self._start)
        begin = self._agreement.begin
        events: list[RecognizerEvent] = []
        for text, (start_ms, end_ms) in zip(settled, times[begin:], strict=False):
            start_ms = max(start_ms, self._last_ms)
            self._last_ms = max(end_ms, start_ms + 1)
            events += [Word(text, start_ms), WordEnd(self._last_ms)]
        after = begin + len(settled)
        start_ms = times[after][0] if after < len(times) else self._last_ms
        return [*events, *self._show(max(start_ms, self._last_ms), said=bool(settled))]

    def _show(self, start_ms: int, *, said: bool) -> list[RecognizerEvent]:
        text = " ".join(self._agreement.tail)
        if not said and text == self._tail.text:
            return []
        if not text and not self._tail.text:
            return []
        self._tail = Tail(text, start_ms)
        return [self._tail]
