"""Nothing lost, nothing doubled: what to say again to a new stream, and what of its answer is new.

The rule. A new stream must hear the last word given and all that follows; when that word is long
over, the last 2 s that were heard, or, while there was voice that no word came from, the last 12 s.
It begins with the pause before that, at most 4 s earlier: a word is known by those before it.
Its words are compared with those already given, in order: one with the same letters, begun within
240 ms of it (400 ms if no other began nearer, 1 s if it is due and not the last), is the same word
and is not given again; nor is one that begins no later than the last word given, however it is
spelt. As far as the word before it was off, a word may be off too. What follows the last word
given, and the first word past it, is new, and so is all that comes behind.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from streaming.audio import FRAME_MS, AudioFrame
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


@dataclass(slots=True)
class _Given:
    word: Word
    end_ms: int


class Replay:
    """Sits between one stream of frames and the recognisers, one after the other, that hear it.

    ``next`` gives what to send to the recogniser; ``take``, what of its answer is new.
    heard_ms: what came before is words, or was no speech. end_ms: where the last frame ends.
    voice_ms: voice that was heard since the last word. dropped_ms: sound that fell off, and that
    no recogniser has: what fell off after it was sent counts only when the recogniser fails before
    it deals with it.
    """

    def __init__(self, *, keep_ms: int = 60_000) -> None:
        """``keep_ms``: so much sound is kept at most."""
        self._most = keep_ms // FRAME_MS
        self._kept: deque[AudioFrame] = deque()
        self._unsent: deque[AudioFrame] = deque()  # the last ones of those
        self._given: deque[_Given] = deque(maxlen=64)
        self._expected: list[_Given] = []  # may come a second time, in this order
        self._last: _Given | None = None  # of those: a word that begins after it is new
        self._late_ms = 0  # behind what was given, the last word that came a second time
        self._dropping = False  # the WordEnd that comes belongs to a word that is not given
        self._cut_ms = 0
        self._paused_ms = -1
        self._voiced: deque[int] = deque()  # ends of frames with voice that were not heard yet
        self._sent_only: Dropped | None = None  # fell off, but the recogniser has it
        self._dropped: Dropped | None = None  # was not told yet
        self.heard_ms = 0
        self.voice_ms = 0
        self.dropped_ms = 0
        self.end_ms = 0

    @property
    def unheard(self) -> bool:
        """Whether there is sound that no recogniser has dealt with."""
        return self.end_ms > self.heard_ms

    @property
    def unsent(self) -> int:
        """So many frames wait to be sent."""
        return len(self._unsent)

    def add(self, frame: AudioFrame) -> None:
        """Keep the frame, to be sent behind those that wait; the oldest one may fall off."""
        self._kept.append(frame)
        self._unsent.append(frame)
        self.end_ms = frame.end_ms
        if frame.voiced:
            self._voiced.append(frame.end_ms)
        if len(self._kept) <= self._most:
            return
        lost = self._kept.popleft()
        unsent = self._unsent[0] is lost
        if unsent:
            self._unsent.popleft()
        if lost.end_ms <= self.heard_ms:
            return
        if unsent:
            self._drop(Dropped(lost.start_ms, lost.end_ms))
        else:
            self._sent_only = _joined(self._sent_only, Dropped(lost.start_ms, lost.end_ms))

    def next(self, *, before_ms: float = math.inf) -> AudioFrame | None:
        """The next frame to send, if it begins before that."""
        if not self._unsent or self._unsent[0].start_ms >= before_ms:
            return None
        return self._unsent.popleft()

    def cut(self) -> None:
        """All that was heard is said: another recogniser begins behind it."""
        self._cut_ms = self.heard_ms

    def restart(self) -> None:
        """A new recogniser takes over: ``next`` gives what it shall hear."""
        if self._sent_only:
            start_ms = max(self._sent_only.start_ms, self.heard_ms)
            self._drop(Dropped(start_ms, self._sent_only.end_ms))
        begin_ms = max(self._phrase_ms(self._begin_ms()), self._cut_ms)
        self._unsent = deque(f for f in self._kept if f.end_ms > begin_ms)
        self._last = self._given[-1] if self._given else None
        self._expected = [g for g in self._given if g.word.start_ms > begin_ms - _NEXT_MS]
        self._late_ms = 0
        self._dropping = False
        self._sent_only = None
        self.voice_ms = 0
        self._voiced = deque(f.end_ms for f in self._unsent if f.voiced)

    def take(self, event: RecognizerEvent) -> list[RecognizerEvent]:
        """Take one event of the recogniser; give it, unless it was given before."""
        match event:
            case Word():
                self.voice_ms = 0
                self._dropping = self._was_given(event)
                return [] if self._dropping else [self._give(event)]
            case WordEnd(end_ms) if not self._dropping and self._given:
                self._given[-1].end_ms = end_ms
                return [event]
            case Heard(until_ms):
                return self._heard(until_ms)
            case Flushed(at_ms):
                dropped = [e for e in self._heard(at_ms) if isinstance(e, Dropped)]
                return [*dropped, Flushed(self.heard_ms)]
            case Pause(at_ms) if at_ms > self._paused_ms:
                self._paused_ms = at_ms
                return [event]
            case Tail(text, start_ms) if not text or start_ms >= self._last_start_ms:
                return [event]
            case _:
                return []

    @property
    def _last_start_ms(self) -> int:
        return self._given[-1].word.start_ms if self._given else 0

    def _was_given(self, word: Word) -> bool:
        last = self._last
        if last is None:
            return False
        if like := self._like(word, last):
            self._expected = [g for g in self._expected if g.word.start_ms > like.word.start_ms]
            late_ms = word.start_ms - like.word.start_ms
            self._late_ms = late_ms if abs(late_ms) <= _FAR_MS else 0
            if like is last:
                self._last = None
            return True
        # A model needs two steps to write a word, so what is nearer to the last one than that is
        # the last one, heard otherwise.
        margin_ms = _STEPS_MS if self._expected else _JITTER_MS
        if word.start_ms < last.word.start_ms + margin_ms:
            reached_ms = word.start_ms + _STEPS_MS
            self._expected = [g for g in self._expected if g.word.start_ms > reached_ms]
            return True
        self._last, self._expected = None, []
        return False

    def _like(self, word: Word, last: _Given) -> _Given | None:
        """The word given before that is this one by its letters and its time."""

        def off_ms(given: _Given) -> int:
            late_ms = word.start_ms - given.word.start_ms
            return max(late_ms - max(self._late_ms, 0), min(self._late_ms, 0) - late_ms, 0)

        letters = _letters(word.text)
        expected = self._expected or [last]
        nearest = min(expected, key=off_ms)
        same = [g for g in expected if _letters(g.word.text) == letters]
        like = min(same, key=off_ms, default=None)
        near_ms = _FAR_MS if self._expected and like is nearest else _SAME_MS
        if like is expected[0] and like is not last:
            near_ms = _NEXT_MS
        return like if like and off_ms(like) < near_ms else None

    def _give(self, word: Word) -> Word:
        word = Word(word.text, max(word.start_ms, self._last_start_ms), word.joined)
        self._given.append(_Given(word, word.start_ms + FRAME_MS))
        return word

    def _heard(self, until_ms: int) -> list[RecognizerEvent]:
        while self._voiced and self._voiced[0] <= until_ms:
            self._voiced.popleft()
            self.voice_ms += FRAME_MS
        if until_ms < self.heard_ms:
            return []
        self.heard_ms = until_ms
        if self._sent_only and self._sent_only.end_ms <= until_ms:
            self._sent_only = None
        begin_ms = self._begin_ms() - _PHRASE_MS
        while self._kept and self._kept[0].end_ms <= begin_ms:
            self._kept.popleft()
        return [*self._tell_dropped(), Heard(until_ms)]

    def _drop(self, lost: Dropped) -> None:
        self.dropped_ms += lost.end_ms - lost.start_ms
        self._dropped = _joined(self._dropped, lost)

    def _tell_dropped(self) -> list[RecognizerEvent]:
        dropped = self._dropped
        if dropped is None or dropped.start_ms > self.heard_ms:
            return []
        self._dropped = None
        return [dropped]

    def _begin_ms(self) -> int:
        """Where a new stream has to begin, so that no word is lost and none is cut in two."""
        word_ms, end_ms = self._last_whole_word()
        over_ms = end_ms + _OVER_MS
        quiet_ms = self.heard_ms - _WORD_MS
        if quiet_ms <= over_ms:
            return word_ms - FRAME_MS
        for frame in self._kept:
            if frame.start_ms >= quiet_ms:
                break
            if frame.voiced and frame.start_ms >= over_ms:
                return max(word_ms - FRAME_MS, self.heard_ms - _MUTE_MS)
        return quiet_ms

    def _phrase_ms(self, until_ms: int) -> int:
        """Where the phrase begins that is being said then."""
        begin_ms, quiet_ms = until_ms, 0
        for frame in reversed(self._kept):
            if frame.end_ms > until_ms:
                continue
            quiet_ms = 0 if frame.voiced else quiet_ms + FRAME_MS
            if quiet_ms >= _PAUSE_MS or until_ms - frame.start_ms > _PHRASE_MS:
                break
            if frame.voiced:
                begin_ms = frame.start_ms - FRAME_MS
        return begin_ms

    def _last_whole_word(self) -> tuple[int, int]:
        """Start of the last word given, all its pieces included, and its end."""
        if not self._given:
            return 0, 0
        end_ms = self._given[-1].end_ms
        for given in reversed(self._given):
            if not given.word.joined:
                return given.word.start_ms, end_ms
        return self._given[0].word.start_ms, end_ms


def _joined(one: Dropped | None, other: Dropped) -> Dropped:
    """Both, and what lies between them."""
    if one is None:
        return other
    return Dropped(min(one.start_ms, other.start_ms), max(one.end_ms, other.end_ms))


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum()) or text


_SAME_MS = 240  # starts of words are estimates
_FAR_MS = 400  # of a word that is nearer to no other
_NEXT_MS = 1_000  # of the word that is due: some models' estimates are that far off
_JITTER_MS = 40
_STEPS_MS = 160
_WORD_MS = 2_000  # no word is longer
_OVER_MS = 1_000  # behind what is told of a word's end, the word is over
_PAUSE_MS = 320  # between phrases
_PHRASE_MS = 4_000
_MUTE_MS = 12_000  # a model that fell silent is noticed before that
