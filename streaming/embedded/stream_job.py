"""One stream of the embedded engine, as its threads see it: take frames, or decode once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Protocol, runtime_checkable

from streaming.audio import AudioFrame, Pcm
from streaming.embedded.decoder import StreamDecoder
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.policy import DecoderPolicy
from streaming.errors import ModelError
from streaming.recognizer import RecognizerEvent
from streaming.voice.silero import VoiceActivity

_AT_ONCE = 25  # frames: 2 s, so that a whole file does not keep the others waiting


class SpeechModel(Protocol):
    """Turns a piece of audio into words; called by several threads at the same time."""

    def decode(self, pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
        """Return the words in float32[n] at 16 kHz. Raises ModelError.

        draft: the tokens that it probably has.
        """
        ...


@runtime_checkable
class TakesVocabulary(Protocol):
    """A SpeechModel that can be told of names and terms."""

    def expecting(self, vocabulary: Sequence[str]) -> SpeechModel:
        """Return the model that is told of ``vocabulary``."""
        ...


ModelInUse = tuple[SpeechModel, DecoderPolicy]
"""A model, and how it is used."""


class Command(Enum):
    """A stream's input besides frames."""

    FLUSH = auto()
    FINISH = auto()


class Ended(Enum):
    """The mark after the last event."""

    ENDED = auto()


Item = RecognizerEvent | Ended | ModelError
"""A stream's output: events, and finally how it ended."""


class StreamWork:
    """One stream, as the threads see it.

    choose: gives the model of the stream, or the one for bad rooms if it is given True, for which
    it may need a second. vocabulary: gives names and terms of which the model is told.
    """

    def __init__(
        self,
        choose: Callable[[bool], ModelInUse],
        detector: VoiceActivity,
        *,
        live: bool,
        deliver: Callable[[list[Item]], None],
        vocabulary: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._choose = choose
        self._model, policy = choose(False)
        self._better = False
        self._hearing = StreamDecoder(detector, policy)
        self._live = live
        self._deliver = deliver
        self._vocabulary = vocabulary
        self._inbox: deque[AudioFrame | Command] = deque()
        self._due_since: float | None = None
        self._must = False
        self._over = False
        self.stalled = False  # nobody reads

    @property
    def skipped(self) -> int:
        """Decodes skipped so far because no thread was free in time."""
        return self._hearing.skipped

    def __len__(self) -> int:
        return len(self._inbox)

    def put(self, item: AudioFrame | Command) -> None:
        """Take a frame or a command, in any thread."""
        self._inbox.append(item)

    def urgency(self) -> float | None:
        """Taking frames comes first because it is cheap; then the longest wait for a decode."""
        if self._over or self.stalled:
            return None
        if self._inbox and self._can_listen:
            return float("inf")
        return None if self._due_since is None else time.monotonic() - self._due_since

    @property
    def _can_listen(self) -> bool:
        return self._due_since is None or (self._live and not self._must)

    def work(self) -> None:
        """Take the frames that have arrived, or decode once."""
        try:
            events = self._listen() if self._inbox and self._can_listen else self._decode()
            self._look_ahead()
        except Exception as error:
            # The top of a thread's job: any failure ends this stream, and no other.
            self._over = True
            failure = error if isinstance(error, ModelError) else ModelError(type(error).__name__)
            failure.__cause__ = None if failure is error else error
            self._deliver([failure])
            return
        if self._hearing.finished:
            self._over = True
            self._deliver([*events, Ended.ENDED])
        else:
            self._deliver([*events])

    def _listen(self) -> list[RecognizerEvent]:
        events: list[RecognizerEvent] = []
        for _ in range(_AT_ONCE):
            if not self._inbox or not self._can_listen:
                break
            match self._inbox.popleft():
                case AudioFrame() as frame:
                    events += self._hearing.feed(frame)
                case Command.FLUSH:
                    events += self._hearing.flush()
                case Command.FINISH:
                    events += self._hearing.finish()
            self._look_ahead()
        return events

    def _decode(self) -> list[RecognizerEvent]:
        self._hand_over()
        request = self._hearing.request
        if request is None:
            return []
        due_since = self._due_since or time.monotonic()
        model = self._model
        if isinstance(model, TakesVocabulary):
            model = model.expecting(self._vocabulary())
        answer = model.decode(request.pcm, request.draft)
        waited_s = time.monotonic() - due_since if self._live else 0.0
        return self._hearing.decoded(request, answer, took_ms=1_000 * waited_s)

    def _hand_over(self) -> None:
        if self._hearing.better is self._better:
            return
        self._better = self._hearing.better
        self._model, policy = self._choose(self._better)
        self._hearing.use(policy)
        self._due_since = None  # what loading took says nothing about the load

    def _look_ahead(self) -> None:
        wanted = self._hearing.wanted
        self._must = wanted is True
        if wanted is None:
            self._due_since = None
        elif self._due_since is None:
            self._due_since = time.monotonic()
