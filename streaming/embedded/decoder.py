"""Decodes one stream without waiting: frames in, decode requests in between, events out.

    events = hearing.feed(frame)
    while (request := hearing.request) is not None:
        events += hearing.decoded(request, model.decode(request.pcm, request.draft))

A request that is not ``must`` may be skipped: it is repeated, with more audio, after later frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

from streaming.audio import AudioFrame, Pcm
from streaming.embedded.hallucinations import plausible
from streaming.embedded.hypothesis import Hypothesis
from streaming.embedded.policy import DecoderPolicy, HandOver
from streaming.embedded.segments import CHUNK_MS, Chunk, Intake, Lead, SpeechSegment, chunks
from streaming.embedded.word_events import WordEvents
from streaming.embedded.word_times import in_stream
from streaming.recognizer import Flushed, Heard, Pause, RecognizerEvent
from streaming.voice.meter import VoiceMeter
from streaming.voice.silero import VoiceActivity
from streaming.voice.surroundings import Surroundings

_TELL = chunks(500)
_AFTER = chunks(100)
_BEFORE = chunks(384)  # of a pause is kept before the voice


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """Audio to decode: float32[n] at 16 kHz, and the tokens that it probably has.

    must: no frame is taken before it is answered. until: number of the chunk after its last.
    """

    pcm: Pcm
    draft: tuple[int, ...]
    must: bool
    until: int


class _Purpose(Enum):
    LOOK = auto()  # show what is new
    FLUSH = auto()  # settle all
    CLOSE = auto()  # settle all, the segment is over


@dataclass(frozen=True, slots=True)
class _Want:
    purpose: _Purpose
    until: int | None = None  # the end of the segment at the time of the call


class StreamDecoder:
    """Turns the frames of one stream into events, using a voice detector and a model.

    Heard or Flushed ends each group of events: a Tail is valid until the next Tail, even while
    Words of it are settled. Equal frames and answers always give equal events.

    skipped: the number of decodes skipped because a request was answered late.
    """

    def __init__(self, detector: VoiceActivity, policy: DecoderPolicy | None = None) -> None:
        self._policy = policy or DecoderPolicy()
        self._intake = Intake()
        self._meter = VoiceMeter(detector)
        self._surroundings = Surroundings()
        self._hand_over = HandOver()
        self._lead = Lead(chunks(self._policy.lead_ms))
        self._saying = WordEvents(self._policy.agreement)
        self._now = 0  # chunks heard so far
        self._told = 0  # chunks covered by the last Heard
        self._voice_end = 0
        self._pausing = True
        self._segment: SpeechSegment | None = None
        self._last = Hypothesis((), ())
        self._decoded = 0  # up to which chunk
        self._doubted = False  # all that it said
        self._want: _Want | None = None
        self._wanted_at = 0  # chunk
        self._took_ms = 0.0  # by the last decode
        self._ending = False
        self.skipped = 0

    def feed(self, frame: AudioFrame) -> list[RecognizerEvent]:
        """Take the next frame, and return new events. Not while a request ``must`` be answered."""
        self._intake.feed(frame)
        return self._advance()

    def flush(self) -> list[RecognizerEvent]:
        """Settle everything, which may need an answer first; ends with Flushed."""
        if self._segment is None:
            return [Flushed(self._now * CHUNK_MS)]
        return self._settle_all(self._segment, _Want(_Purpose.FLUSH, self._segment.end))

    def finish(self) -> list[RecognizerEvent]:
        """End the input, and settle everything, which may need an answer first."""
        self._intake.finish()
        self._ending = True
        return self._advance()

    def use(self, policy: DecoderPolicy) -> None:
        """Take answers of another model from now on. What is settled stays."""
        self._policy = policy
        self._saying.use(policy.agreement)
        self._last = replace(self._last, tokens=())

    @property
    def better(self) -> bool:
        """Return whether a better model should answer, because of the room and the load."""
        return self._hand_over.better

    @property
    def finished(self) -> bool:
        """Return whether no more events will come."""
        return self._ending and self._segment is None and not self._intake

    @property
    def wanted(self) -> bool | None:
        """Return None if nothing is to be decoded now, else whether it must be."""
        return None if self._want is None else self._must

    @property
    def request(self) -> DecodeRequest | None:
        """The audio to decode now, if any."""
        if self._want is None or self._segment is None:
            return None
        until = self._want.until or self._segment.end
        must = self._want.purpose is not _Purpose.LOOK
        return DecodeRequest(self._segment.sound(until), self._last.tokens, must, until)

    def decoded(
        self, request: DecodeRequest, answer: Hypothesis, *, took_ms: float = 0.0
    ) -> list[RecognizerEvent]:
        """Take the model's answer to ``request``, and return new events.

        took_ms: from the request to the answer: on a busy machine decodes become rarer.
        """
        if self._want is None or self._segment is None:
            raise ValueError("an answer to a request that was not made")
        purpose, self._want = self._want.purpose, None
        self._took_ms = took_ms
        bad = self._surroundings.bad
        self._hand_over.feed(bad_room=bad, took_ms=took_ms, now_ms=self._now * CHUNK_MS)
        step = self._policy.longest_interval(request.until - self._segment.start)
        self.skipped += max(0, request.until - self._wanted_at) // step
        heard = plausible(answer, self._segment, request.until, self._policy.limits)
        self._decoded = request.until
        self._doubted = bool(answer.words) and not heard.words
        self._last = in_stream(heard, self._voiced(self._segment), start=self._segment.start)
        return self._conclude(self._segment, purpose) + self._advance()

    def _advance(self) -> list[RecognizerEvent]:
        events: list[RecognizerEvent] = []
        while not self._must and self._intake:
            match self._intake.next():
                case int(skipped):
                    events += self._skip(skipped)
                case pcm:
                    events += self._hear(pcm)
        if self._ending and not self._must and self._segment:
            events += self._settle_all(self._segment, _Want(_Purpose.CLOSE, self._segment.end))
        return events

    @property
    def _must(self) -> bool:
        return self._want is not None and self._want.purpose is not _Purpose.LOOK

    def _hear(self, pcm: Pcm) -> list[RecognizerEvent]:
        chunk = Chunk(pcm, self._now, self._meter(pcm))
        self._now += 1
        self._surroundings.feed(pcm, voiced=chunk.voice >= self._policy.offset)
        if self._segment is None:
            self._lead.append(chunk)
            if chunk.voice < self._policy.onset:
                return self._idle()
            self._segment = self._lead.open(voiced_from=chunk.number)
            self._decoded = chunk.number
        else:
            self._segment.append(chunk, voiced=chunk.voice >= self._policy.offset)
        if self._segment.last_voice == self._now:
            self._pausing = False
            self._voice_end = self._now
        return self._decide(self._segment)

    def _skip(self, count: int) -> list[RecognizerEvent]:
        """Skip a hole of ``count`` chunks, long after speech."""
        if self._segment:
            self._intake.put_back(count)
            return self._settle_all(self._segment, _Want(_Purpose.CLOSE, self._segment.end))
        self._lead.clear()
        self._now += count
        return self._idle()

    def _idle(self) -> list[RecognizerEvent]:
        """Return the events to give while there is nothing to decode."""
        events: list[RecognizerEvent] = []
        silence = self._now - self._voice_end
        if not self._pausing and silence >= chunks(self._policy.pause_ms):
            self._pausing = True
            events.append(Pause(self._voice_end * CHUNK_MS, 1.0))
        if events or self._now - self._told >= _TELL:
            events.append(self._heard(self._now))
        return events

    def _heard(self, until: int) -> Heard:
        self._told = until
        return Heard(until * CHUNK_MS)

    def _decide(self, segment: SpeechSegment) -> list[RecognizerEvent]:
        length = segment.end - segment.start
        if segment.silence >= chunks(self._policy.closing_ms):
            return self._settle_all(segment, _Want(_Purpose.CLOSE, segment.end))
        if self._covered(segment):
            return self._idle()
        interval = self._policy.interval(length, took_ms=self._took_ms)
        pausing = segment.silence >= chunks(self._policy.pause_ms)
        if pausing or segment.end - self._decoded >= interval:
            if self._want is None:
                self._wanted_at = segment.end
            self._want = _Want(_Purpose.LOOK)
        return []

    def _covered(self, segment: SpeechSegment) -> bool:
        """Return whether all voice, and some of the following silence, was decoded."""
        return self._decoded >= segment.last_voice + min(_AFTER, segment.silence)

    def _settle_all(self, segment: SpeechSegment, want: _Want) -> list[RecognizerEvent]:
        if self._covered(segment):
            self._want = None
            return self._conclude(segment, want.purpose)
        if self._want is None:
            self._wanted_at = segment.end
        self._want = want
        return []

    def _voiced(self, segment: SpeechSegment) -> list[bool]:
        """Return for each chunk of the last hypothesis whether somebody speaks."""
        return [p >= self._policy.offset for p in segment.voice[: self._decoded - segment.start]]

    def _conclude(self, segment: SpeechSegment, purpose: _Purpose) -> list[RecognizerEvent]:
        """Act on the last hypothesis, once it covers the audio for which it was requested."""
        if purpose is _Purpose.LOOK:
            paused = segment.silence >= min(_AFTER, chunks(self._policy.pause_ms))
            events: list[RecognizerEvent] = []
            if paused or not self._doubted:  # else what is shown may be right, and is heard again
                events += self._saying.look(self._last.words, paused=paused, until=self._decoded)
            events += self._shorten(segment)
            return [*events, self._heard(self._decoded), *self._idle()]
        events = self._saying.finish(self._last.words, over=purpose is _Purpose.CLOSE)
        if purpose is _Purpose.FLUSH:
            return [*events, Flushed(self._decoded * CHUNK_MS)]
        self._segment = None
        self._last = Hypothesis((), ())
        return [*events, self._heard(self._now), *self._idle()]

    def _shorten(self, segment: SpeechSegment) -> list[RecognizerEvent]:
        """Drop the oldest audio of a long segment, cutting where that does least harm."""
        at = self._fresh(segment) or self._too_long(segment)
        if at is None:
            return []
        count, events = self._saying.forget(self._last.words, before=at)
        self._last = self._last.after(count)
        segment.forget(before=at)
        return events

    def _fresh(self, segment: SpeechSegment) -> int | None:
        """Return where to cut before the speech since a pause, once that is long enough."""
        policy = self._policy
        pause, least = map(chunks, policy.fresh_ms)
        until = segment.end - least
        begun = segment.went_on(pause, offset=policy.offset, until=until)
        if begun is None and policy.deaf_ms is not None:
            pause, least = map(chunks, policy.deaf_ms)
            until = segment.end - least
            begun = segment.went_on(pause, offset=policy.offset, until=until)
            if begun is None or self._last.reaches(begun * CHUNK_MS):
                return None
        return None if begun is None else begun - _BEFORE

    def _too_long(self, segment: SpeechSegment) -> int | None:
        if segment.end - segment.start < chunks(self._policy.longest_ms):
            return None
        most, least = self._policy.context_ms
        return segment.quietest(segment.end - chunks(most), segment.end - chunks(least))
