"""The state of a supervised stream: what to send, what is new, when to give up. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

from streaming.audio import AudioFrame
from streaming.backoff import Backoff
from streaming.errors import ConnectionLost, ModelError, ProtocolError
from streaming.recognizer import Capabilities, Flushed, Heard, Pause, RecognizerEvent, Word
from streaming.replay import Replay

_WORK_MS = 1_000  # a server this far behind has work to do


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """How a stream behaves when a recogniser fails.

    keep_ms: how much audio is kept until a recogniser has dealt with it.
    patience_s: how long a stream looks for a recogniser before it fails. A stream of finite
        patience also fails when it cannot begin, and on ProtocolError and ModelError.
    handover_s: how long only the first engine is retried before another one stands in.
    probe_s: how often a stand-in's stream checks whether the first engine is back.
    mute_ms: how much voice without a word makes a stream leave a server; doubled each time.
    silent_s: how long a server that has work may send nothing before a stream leaves it.
    first_wait_s, longest_wait_s: between two attempts; doubled each time, with jitter.
    """

    keep_ms: int = 60_000
    patience_s: float = math.inf
    handover_s: float = 2.0
    probe_s: float = 5.0
    mute_ms: int = 8_000
    silent_s: float = 5.0
    first_wait_s: float = 0.1
    longest_wait_s: float = 2.0

    @property
    def insists(self) -> bool:
        """Return whether patience never ends."""
        return self.patience_s == math.inf


class Ask(Enum):
    """A request to a recogniser, besides frames."""

    FLUSH = auto()
    FINISH = auto()
    LEAVE = auto()  # a flush, so that another engine can take over


class StreamState:
    """What one stream has sent and received, and what its current recogniser owes it.

    ``now`` is in seconds on any monotonic clock. progressed: whether the current recogniser has
    dealt with audio that none before it had. left: whether it has answered Ask.LEAVE, so that
    another one can take over.
    """

    def __init__(self, policy: StreamPolicy) -> None:
        self._policy = policy
        self._backoff = Backoff(first_s=policy.first_wait_s, limit_s=policy.longest_wait_s)
        # (stream time in ms, request). The silence that a flush sends would cut a word in two if
        # somebody speaks, so every recogniser is asked at the same point of the stream.
        self._asks: deque[tuple[int, Ask]] = deque()
        self._asked: deque[tuple[int, Ask]] = deque()  # not answered yet
        self._sent_ms: int | None = None
        self._reached_ms = 0  # by the current recogniser
        self._answered_at = 0.0
        self._mute_ms = policy.mute_ms
        self._recovered = True  # some recogniser progressed since the last failure
        self._alone_until = self._patient_until = -math.inf
        self.replay = Replay(keep_ms=policy.keep_ms)
        self.finished = False
        self.left = False
        self.progressed = False

    @property
    def has_work(self) -> bool:
        """Return whether anything needs a recogniser."""
        return self.replay.unheard or bool(self._asks or self._asked)

    def ask(self, what: Ask) -> None:
        """Make the request after all frames so far; LEAVE at once."""
        if self.finished:
            return
        if what is Ask.LEAVE:
            self._asks.appendleft((0, what))
        else:
            self._asks.append((self.replay.end_ms, what))
        self.finished = what is Ask.FINISH

    def begin(self, now: float) -> None:
        """Begin a recogniser: ``next`` returns all that it needs."""
        asks = [one for one in (*self._asked, *self._asks) if one[1] is not Ask.LEAVE]
        self._asks, self._asked = deque(asks), deque()
        self._sent_ms, self._reached_ms, self._answered_at = None, 0, now
        self.left = self.progressed = False
        self.replay.restart()

    def next(self) -> AudioFrame | Ask | None:
        """Return the next frame to send or request to make, if any."""
        if any(ask is Ask.LEAVE for _, ask in self._asked):
            return None  # the rest is for the next recogniser
        before_ms = self._asks[0][0] if self._asks else math.inf
        if frame := self.replay.next(before_ms=before_ms):
            if self._sent_ms is None:
                self._reached_ms = frame.start_ms
            self._sent_ms = frame.end_ms
            return frame
        if not self._asks:
            return None
        self._asked.append(self._asks.popleft())
        return self._asked[-1][1]

    def take(self, event: RecognizerEvent, now: float) -> list[RecognizerEvent]:
        """Take one event of the recogniser; return what is new in it."""
        self._answered_at = now
        self.left = isinstance(event, Flushed) and self._asked.popleft()[1] is Ask.LEAVE
        heard_ms = self.replay.heard_ms
        events = self.replay.take(event)
        if isinstance(event, Heard | Flushed):
            self._reached_ms = event.until_ms if isinstance(event, Heard) else event.at_ms
        if any(isinstance(told, Word) for told in events):
            self._mute_ms = self._policy.mute_ms
        if self.replay.heard_ms > heard_ms:
            self._recovered = self.progressed = True
            self._backoff.reset()
        if self.left:
            self.replay.cut()
            return [Heard(told.at_ms) if isinstance(told, Flushed) else told for told in events]
        return events

    def can_leave(self, event: RecognizerEvent) -> bool:
        """Return whether another engine may take over after ``event``: the speaker pauses."""
        leaves = any(ask is Ask.LEAVE for _, ask in (*self._asks, *self._asked))
        return isinstance(event, Pause) and not leaves and not self.finished

    def check(self, engine: Capabilities, now: float) -> None:
        """Raise ConnectionLost if a server makes no words of voice, or sends nothing at all."""
        if self.replay.voice_ms >= self._mute_ms:
            self._mute_ms *= 2
            raise ConnectionLost("there is voice, and the server makes no words of it")
        behind_ms = (self._sent_ms or 0) - self._reached_ms
        silent_s = now - self._answered_at - self._policy.silent_s
        # A flush sends up to two delays of silence, of which some servers report nothing.
        owes = bool(self._asked) and silent_s >= 3 * engine.delay_ms / 1000
        if silent_s >= 0 and (owes or behind_ms > engine.delay_ms + _WORK_MS):
            raise ConnectionLost("the server has work, and says nothing")

    def is_alone(self, now: float) -> bool:
        """Return whether only the first engine may be tried."""
        return now < self._alone_until

    def is_stuck(self, now: float) -> bool:
        """Return whether retrying the first engine did not help."""
        return not self._recovered and not self.is_alone(now)

    def fail(self, failure: Exception, now: float, *, alone_s: float) -> float:
        """Return how many seconds to wait before the next attempt; raise a final failure.

        alone_s: how long only the first engine may be tried from the first failure on.
        """
        wait_s = 0.0
        if self._recovered:
            self._recovered = False
            self._alone_until, self._patient_until = now + alone_s, now + self._policy.patience_s
        else:
            wait_s = self._backoff.next_s()
        hopeless = isinstance(failure, ProtocolError | ModelError)
        if not self._policy.insists and (hopeless or now + wait_s > self._patient_until):
            raise failure
        return min(wait_s, self._alone_until - now) if self.is_alone(now) else wait_s
