"""One connection to a Kyutai server as a state machine: frames and bytes in, events and bytes out.

Nothing here waits, reads a clock or opens a socket. What a server says in its own time (seconds
of audio that it received) comes out in stream time: silence of ours is taken out, holes are kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from streaming.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, samples_to_ms
from streaming.errors import (
    ConnectionLost,
    ProtocolError,
    RecognizerAtCapacity,
    RecognizerUnavailable,
)
from streaming.kyutai import protocol
from streaming.kyutai_client.pauses import PauseHeads
from streaming.kyutai_client.word_joining import WordReader
from streaming.recognizer import Flushed, Heard, Pause, RecognizerEvent, WordEnd
from streaming.remote.pauses import PauseByVoice
from streaming.remote.session import Message, frames_in
from streaming.remote.timeline import Timeline


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """What the model behind a server needs. The times are those of the 1B model; ms of audio.

    delay_ms: how far the words are behind the sound.
    prefix_ms: silence before the first sound; a stream that begins within a word may stay mute.
    settle_ms: silence beyond the delay after which the last word is out, pieces and all.
    hole_ms: a longer hole in the stream is sent as so much silence.
    window_ms: so much may be on its way to the server, or waiting there.
    flush_at_pauses: lets the last word out at once when the speaker pauses.
    """

    delay_ms: int = 480
    prefix_ms: int = 1_040
    settle_ms: int = 320
    hole_ms: int = 2_000
    window_ms: int = 4_000
    flush_at_pauses: bool = True


@dataclass(frozen=True, slots=True)
class _Flush:
    """One that is under way. until: frames sent, its silence included."""

    until: int
    position: int
    marker: int
    asked: int  # by how many flush() calls


class Session:
    """Speaks with one server for one stream.

    ``receive``, ``frame`` and ``flush`` give events; what has to be sent then waits in
    ``data_to_send``. Every group of words is closed by Heard. A word ends where the model had
    heard to when it wrote it: an EndWord comes with the next word, after the pause between them,
    too late and too far.
    """

    def __init__(self, policy: SessionPolicy | None = None) -> None:
        self._policy = policy or SessionPolicy()
        self._delay = frames_in(self._policy.delay_ms)
        self._flush_frames = self._delay + frames_in(self._policy.settle_ms)
        self._timeline = Timeline()
        self._out: list[bytes] = []
        self._pauses = PauseHeads()
        self._voice = PauseByVoice()
        self._words = WordReader()
        self._flushes: deque[_Flush] = deque()
        self._begun = False
        self._flushed_at: int | None = 0  # position, if nothing was sent since
        self._speaking = False  # in the last frame
        self._markers = 0
        self._acknowledged: deque[tuple[int, int]] = deque(maxlen=256)  # marker id, frames sent
        self._steps = 0
        self._counts_steps = False
        self._heard_ms = 0
        self.ready = False

    @property
    def in_flight(self) -> int:
        """Frames that were sent, and of which the server has not said that it heard them."""
        return self._sent - self._steps

    @property
    def room(self) -> int:
        """So many frames may be sent now."""
        most = frames_in(self._policy.window_ms) + self._delay
        return most - self.in_flight if self.ready else 0

    def data_to_send(self) -> list[bytes]:
        """What to send now, one websocket message each; asked a second time, nothing."""
        out, self._out = self._out, []
        return out

    def frame(self, frame: AudioFrame) -> list[RecognizerEvent]:
        """Send 80 ms of the stream, which begins with the first of them."""
        if not self._begun:
            self._begun = True
            self._timeline.begin(frame.position)
            self._heard_ms = frame.start_ms
        self._fill(frame.position)
        self._timeline.sound(frame.position, FRAME_SAMPLES)
        self._flushed_at = None
        self._speaking = frame.voiced
        self._out.append(protocol.encode(protocol.Audio(frame.pcm)))
        if self._sent % _MARK_EVERY == 0 and not self._counts_steps:
            self._mark()
        since = self._voice.feed(frame.voiced)
        if since is None or self._pauses.known:
            return []
        return self._pause(frame.end_ms - since * FRAME_MS, 1.0)

    def flush(self) -> list[RecognizerEvent]:
        """Push out what the model holds. Flushed is given now, or when it has all come."""
        if self._flushes and self._flushed_at is not None:
            last = self._flushes.pop()
            self._flushes.append(_Flush(last.until, last.position, last.marker, last.asked + 1))
            return []
        if self._flushed_at is not None:
            return [Flushed(max(samples_to_ms(self._flushed_at), self._heard_ms))]
        self._push(asked=1)
        return []

    def receive(self, data: Message) -> list[RecognizerEvent]:
        """Take one message of the server.

        Raises RecognizerAtCapacity or RecognizerUnavailable instead of Ready, ConnectionLost when
        the server ends the stream, ProtocolError.
        """
        if isinstance(data, str):
            raise ProtocolError("a text frame")
        message = protocol.decode_server(data)
        if not self.ready:
            self._begin(message)
            return []
        match message:
            case protocol.Word():
                return self._word(message)
            case protocol.Step():
                return self._step(message)
            case protocol.Marker(number):
                return self._marked(number)
            case protocol.EndWord():
                return []
            case protocol.Error():
                raise ConnectionLost(f"the server ended the stream: {message.message[:100]!r}")
            case protocol.Ready():
                raise ProtocolError("a second Ready")

    def _begin(self, message: protocol.ServerMessage) -> None:
        match message:
            case protocol.Ready():
                self.ready = True
                self._silence(frames_in(self._policy.prefix_ms))
            case protocol.Error(protocol.NO_FREE_CHANNELS):
                raise RecognizerAtCapacity("the server has no free slot")
            case protocol.Error(text):
                raise RecognizerUnavailable(f"the server says {text[:100]!r}")
            case _:
                raise ProtocolError(f"expected Ready, got {type(message).__name__}")

    @property
    def _sent(self) -> int:
        return self._timeline.sent // FRAME_SAMPLES

    def _fill(self, position: int) -> None:
        """A hole is silence of the stream; of a long one only the beginning is sent."""
        hole = min(position - self._timeline.position, self._policy.hole_ms * SAMPLE_RATE // 1000)
        for _ in range(max(hole, 0) // FRAME_SAMPLES):
            self._timeline.sound(self._timeline.position, FRAME_SAMPLES)
            self._out.append(_SILENCE)

    def _silence(self, frames: int) -> None:
        self._timeline.silence(frames * FRAME_SAMPLES)
        self._out += [_SILENCE] * frames

    def _mark(self) -> int:
        self._markers += 1
        self._acknowledged.append((self._markers, self._sent))
        self._out.append(protocol.encode(protocol.Marker(self._markers)))
        return self._markers

    def _push(self, *, asked: int) -> None:
        position = self._flushed_at = self._timeline.position
        # The Marker goes first: it comes back when the silence behind it has been heard.
        marker = self._mark()
        self._silence(self._flush_frames)
        if not self._counts_steps:
            # Other clients' steps bring a Marker back too early: a second one has to follow.
            marker = self._mark()
            self._silence(self._flush_frames)
        self._flushes.append(_Flush(self._sent, position, marker, asked))

    def _pause(self, at_ms: int, probability: float) -> list[RecognizerEvent]:
        # A pause that is told late may be over: silence would then cut a word in two.
        live = self.in_flight <= _LIVE + self._delay and not self._speaking
        if self._policy.flush_at_pauses and live and self._flushed_at is None:
            self._push(asked=0)
        return [Pause(max(at_ms, 0), probability)]

    def _word(self, word: protocol.Word) -> list[RecognizerEvent]:
        start = self._timeline.position_of(round(word.start_time * SAMPLE_RATE))
        said = self._words.read(word, samples_to_ms(start))
        if said is None:
            return []
        heard = samples_to_ms(self._timeline.position_of(self._behind() * FRAME_SAMPLES))
        end_ms = min(max(heard, said.start_ms + FRAME_MS), said.start_ms + _LONGEST_MS)
        return [said, WordEnd(end_ms), Heard(self._heard_ms)]

    def _behind(self) -> int:
        """Frames of what was sent that the words are about by now."""
        return (self._steps if self._counts_steps else self._sent) - self._delay

    def _step(self, step: protocol.Step) -> list[RecognizerEvent]:
        if not self._counts_steps:
            self._counts_steps, self._steps = True, 0
        self._steps = min(self._steps + 1, self._sent)
        events: list[RecognizerEvent] = []
        at = (self._steps - 1) * FRAME_SAMPLES
        if self._steps > _UNSURE and self._timeline.is_sound(at):
            since = self._pauses.feed(step.prs)
            if since is not None:
                at_ms = samples_to_ms(self._timeline.position_of(at)) - (since - 1) * FRAME_MS
                events += self._pause(at_ms, self._pauses.probability)
        # A step's words may come behind it: what is surely said is a step less.
        events += self._heard((self._steps - 1 - self._delay) * FRAME_SAMPLES)
        while self._flushes and self._flushes[0].until <= self._steps:
            events += self._finish_flush()
        return events

    def _marked(self, number: int) -> list[RecognizerEvent]:
        if self._counts_steps:
            return []
        while self._acknowledged and self._acknowledged[0][0] <= number:
            _, sent = self._acknowledged.popleft()
            self._steps = max(self._steps, sent)
        events = self._heard((self._steps - _EARLY) * FRAME_SAMPLES)
        while self._flushes and self._flushes[0].marker <= number:
            events += self._finish_flush()
        return events

    def _heard(self, sent: int) -> list[RecognizerEvent]:
        until_ms = samples_to_ms(self._timeline.position_of(sent))
        if until_ms <= self._heard_ms:
            return []
        self._heard_ms = until_ms
        return [Heard(until_ms)]

    def _finish_flush(self) -> list[RecognizerEvent]:
        done = self._flushes.popleft()
        at_ms = samples_to_ms(done.position)
        self._heard_ms = max(self._heard_ms, at_ms)
        if not done.asked:
            return [Heard(self._heard_ms)]
        return [Flushed(self._heard_ms) for _ in range(done.asked)]


_SILENCE = protocol.encode(protocol.Audio(np.zeros(FRAME_SAMPLES, np.float32)))
_MARK_EVERY = 6  # frames, where there are no Steps to count
_EARLY = 2  # frames by which other clients' steps bring a Marker back too soon
_LIVE = 6  # frames under way; with more of them a pause that is noticed is long over
_UNSURE = 12  # steps at the beginning of which the heads know nothing
_LONGEST_MS = 1_200  # of one word
