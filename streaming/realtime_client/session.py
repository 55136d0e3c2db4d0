"""One connection to a /v1/realtime server as a state machine: frames and messages in and out.

Nothing here waits, reads a clock or opens a socket. The server recognises utterances, one after
the other. It makes a step for each 80 ms of an utterance, the first one when it has heard as much
as its words are behind the sound, and says no more of time than that. When an utterance was
finished the server forgets what it was sent until it says that it is done, so what is spoken
meanwhile waits here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from streaming.audio import (
    FRAME_MS,
    FRAME_SAMPLES,
    SAMPLE_RATE,
    AudioFrame,
    Pcm,
    Resampler,
    samples_to_ms,
)
from streaming.errors import ConnectionLost, ProtocolError
from streaming.realtime_client import protocol
from streaming.realtime_client.step_words import StepWords
from streaming.recognizer import Flushed, Heard, Pause, RecognizerEvent, Word, WordEnd
from streaming.remote.pauses import PauseByVoice
from streaming.remote.session import Message, Wire, frames_in
from streaming.remote.timeline import Timeline

WIRE = Wire(
    "the protocol of /v1/realtime",
    protocol.PATH,
    lambda key: {"Authorization": f"Bearer {key}"} if key else {},
    protocol.MAX_SERVER_BYTES,
)

MODEL = "mistralai/Voxtral-Mini-4B-Realtime-2602"


@dataclass(frozen=True, slots=True)
class RealtimePolicy:
    """What a model behind /v1/realtime needs. The times are ms of audio.

    model: its name on the server. delay_ms: how far its words are behind the sound.
    hole_ms: a longer hole in the stream is sent as so much silence.
    window_ms: so much may be on its way to the server, or waiting there or here.
    long_ms: an utterance that is longer ends at the next pause: it takes the server's memory.
    flush_at_pauses: lets the last word out when the speaker pauses, if that is sooner.
    """

    model: str = MODEL
    delay_ms: int = 480
    hole_ms: int = 2_000
    window_ms: int = 4_000
    long_ms: int = 60_000
    flush_at_pauses: bool = True


@dataclass(frozen=True, slots=True)
class _Flush:
    """asked: by how many flush() calls."""

    asked: int


class _Utterance:
    """One that the server recognises. begin: frames sent before it."""

    def __init__(self, begin: int, dialect: protocol.Dialect) -> None:
        self.begin = begin
        self.steps = 0
        self.words = StepWords()
        self._dialect = dialect
        self._resampler = Resampler(dialect.rate)

    def sound(self, pcm: Pcm) -> list[str]:
        return self._appended(self._resampler.feed(pcm))

    def end(self) -> list[str]:
        return [*self._appended(self._resampler.flush()), self._dialect.end()]

    def _appended(self, pcm: Pcm) -> list[str]:
        return [self._dialect.sound(pcm)] if len(pcm) else []


class Session:
    """Speaks with one server for one stream; the names are those of ``remote.session.Session``."""

    def __init__(
        self, policy: RealtimePolicy | None = None, dialect: protocol.Dialect = protocol.VLLM
    ) -> None:
        self._policy = policy or RealtimePolicy()
        self._dialect = dialect
        self._timeline = Timeline()
        self._out: list[str] = []
        self._voice = PauseByVoice()
        self._waiting: deque[AudioFrame | _Flush] = deque()
        self._frames_waiting = 0
        self._utterance: _Utterance | None = None
        self._ending: _Flush | None = None
        self._begun = False
        self._last: Word | None = None
        self._heard_ms = 0
        self.ready = False

    @property
    def room(self) -> int:
        """So many frames may be given now."""
        steps = self._utterance.begin + self._utterance.steps if self._utterance else self._sent
        under_way = self._sent - steps + self._frames_waiting
        most = frames_in(self._policy.window_ms) + 2 * frames_in(self._policy.delay_ms)
        return most - under_way if self.ready else 0

    def data_to_send(self) -> list[str]:
        """What to send now; asked a second time, nothing."""
        out, self._out = self._out, []
        return out

    def frame(self, frame: AudioFrame) -> list[RecognizerEvent]:
        """Send 80 ms of the stream, or keep them until the server listens again."""
        if not self._begun:
            self._begun = True
            self._timeline.begin(frame.position)
            self._heard_ms = frame.start_ms
        self._waiting.append(frame)
        self._frames_waiting += 1
        events: list[RecognizerEvent] = []
        since = self._voice.feed(frame.voiced)
        if since is not None:
            events.append(Pause(max(frame.end_ms - since * FRAME_MS, 0), 1.0))
            if self._policy.flush_at_pauses and self._gains:
                self._waiting.append(_Flush(asked=0))
        return events + self._advance()

    def flush(self) -> list[RecognizerEvent]:
        """Finish the utterance. Flushed is given now, or when its last word has come."""
        self._waiting.append(_Flush(asked=1))
        return self._advance()

    def receive(self, data: Message) -> list[RecognizerEvent]:
        """Take one message of the server. Raises ConnectionLost, ProtocolError."""
        message = self._dialect.decode(data)
        if isinstance(message, protocol.Failure):
            raise protocol.as_error(message, self._policy.model)
        if not self.ready:
            if not isinstance(message, protocol.Created):
                raise ProtocolError(f"expected {self._dialect.created}, got {str(data)[:60]!r}")
            self.ready = True
            self._out.append(self._dialect.named(self._policy.model))
            return self._advance()
        match message:
            case protocol.Delta(text) if self._utterance:
                return self._step(self._utterance, text)
            case protocol.Done(text) if self._utterance:
                return self._done(self._utterance, text)
            case _:
                return []

    @property
    def _sent(self) -> int:
        return self._timeline.sent // FRAME_SAMPLES

    @property
    def _gains(self) -> bool:
        """Whether to end the utterance at a pause is any good."""
        length = self._sent - self._utterance.begin if self._utterance else 0
        late = self._policy.delay_ms > _SOON_MS
        return late or length > frames_in(self._policy.long_ms)

    def _advance(self) -> list[RecognizerEvent]:
        """Send what waits, up to the end of the utterance."""
        events: list[RecognizerEvent] = []
        while self.ready and self._waiting and self._ending is None:
            item = self._waiting.popleft()
            if isinstance(item, AudioFrame):
                self._frames_waiting -= 1
                self._send(item)
            elif self._utterance is None:
                events += [Flushed(self._heard_ms)] * item.asked
            else:
                self._ending = item
                self._out += self._utterance.end()
        while self._ending and self._waiting and isinstance(again := self._waiting[0], _Flush):
            self._waiting.popleft()
            self._ending = replace(self._ending, asked=self._ending.asked + again.asked)
        return events

    def _send(self, frame: AudioFrame) -> None:
        if self._utterance is None:
            self._utterance = _Utterance(self._sent, self._dialect)
            self._out.append(self._dialect.begin())
        hole = min(frame.position - self._timeline.position, _samples(self._policy.hole_ms))
        for _ in range(max(hole, 0) // FRAME_SAMPLES):
            self._timeline.sound(self._timeline.position, FRAME_SAMPLES)
            self._out += self._utterance.sound(_SILENCE)
        self._timeline.sound(frame.position, FRAME_SAMPLES)
        self._out += self._utterance.sound(frame.pcm)

    def _step(self, utterance: _Utterance, text: str) -> list[RecognizerEvent]:
        utterance.steps += 1
        events = self._words(utterance, utterance.words.feed(text, utterance.steps))
        if utterance.words.writing:
            return events
        # The words of a step may come behind it: what is surely said is a step less.
        until_ms = samples_to_ms(self._position(utterance, utterance.steps - 1))
        if until_ms > self._heard_ms:
            self._heard_ms = until_ms
            events.append(Heard(until_ms))
        return events

    def _done(self, utterance: _Utterance, text: str) -> list[RecognizerEvent]:
        if self._ending is None:
            raise ConnectionLost("the server ended the utterance by itself")
        ending, self._ending, self._utterance = self._ending, None, None
        events = self._words(utterance, utterance.words.flush(text, utterance.steps))
        self._heard_ms = max(self._heard_ms, samples_to_ms(self._timeline.position))
        events += [Flushed(self._heard_ms)] * ending.asked or [Heard(self._heard_ms)]
        return events + self._advance()

    def _words(self, utterance: _Utterance, said: list[tuple[Word, int]]) -> list[RecognizerEvent]:
        events: list[RecognizerEvent] = []
        for word, step in said:
            step -= 1  # the one before says that a word comes, and no more
            reached_ms = samples_to_ms(self._position(utterance, step))
            # Steps beyond the sound are about silence that the server itself appends.
            beyond = max(utterance.begin + step - self._sent, 0) * FRAME_MS
            start_ms = max(reached_ms + beyond - _WORD_MS, 0)
            if self._last:
                start_ms = max(start_ms, self._last.start_ms)
            joined = word.joined and self._last is not None
            self._last = Word(word.text, start_ms, joined)
            end_ms = max(reached_ms, start_ms + FRAME_MS)
            events += [self._last, WordEnd(end_ms), Heard(self._heard_ms)]
        return events

    def _position(self, utterance: _Utterance, step: int) -> int:
        """Where in the stream the text of a step ends."""
        return self._timeline.position_of((utterance.begin + step) * FRAME_SAMPLES)


def _samples(ms: int) -> int:
    return ms * SAMPLE_RATE // 1000


_SILENCE = np.zeros(FRAME_SAMPLES, np.float32)
_WORD_MS = 480  # before the end of a word it has surely begun
_SOON_MS = 640  # a delay at which the last word comes as soon by itself as by a flush
