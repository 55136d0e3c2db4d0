"""Turns words into cues: where a caption begins, grows and ends. Pure: no clock, no network."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from captioner.captions.cues import CaptionEvent, Cue, CueClosed, CueDeleted, CueUpdated
from captioner.captions.webvtt import escape, plain
from streaming.recognizer import Flushed, Heard, Pause, RecognizerEvent, Tail, Word, WordEnd
from streaming.sentences import ends_sentence
from streaming.spacing import pieces


@dataclass(frozen=True, slots=True)
class CuePolicy:
    """When a cue ends. Code points for text, bytes for its escaped UTF-8, ms for time."""

    max_code_points: int = 120
    max_bytes: int = 480  # what fits in a packet with a long name and identity
    max_ms: int = 7_000
    pause_ms: int = 800


_RECENT = 32  # closed cues that can be taken back
_STEPS = 64  # steps of the recogniser of which it is remembered how many words there were


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a word is: among all words of the segmenter, in time, and in its cue's text."""

    number: int
    start_ms: int
    end_ms: int
    until: int


@dataclass(slots=True)
class _Open:
    """The open cue. words: those that are settled."""

    id: str
    language: str
    start_ms: int
    end_ms: int
    text: str = ""  # settled
    rev: int = 0
    published: tuple[str, int] | None = None  # text and settled length given last
    words: list[_Place] = field(default_factory=list)


@dataclass(slots=True)
class _Settled:
    word: Word
    end_ms: int | None = None


class Segmenter:
    """Cuts one speaker's words into cues.

    Events are collected until the recogniser says how far it has processed the audio (Heard,
    Flushed), so that one step gives one change. Cues are cut only inside settled text. Adding
    ``offset_ms`` converts stream time to room time.
    """

    def __init__(
        self,
        speaker: str,
        *,
        prefix: str,
        language: str = "und",
        offset_ms: int = 0,
        policy: CuePolicy | None = None,
    ) -> None:
        """prefix: of every cue's id; unique among the Segmenters of the session."""
        self._speaker = speaker
        self._prefix = prefix
        self._language = language
        self._policy = policy or CuePolicy()
        self._offset_ms = offset_ms
        self._cue: _Open | None = None
        self._count = 0
        self._words: list[_Settled] = []
        self._tail = Tail("", 0)
        self._last_end_ms = 0  # room time before which no later cue of this speaker starts
        self._closed_until_ms = 0  # stream time before which words were shown, and are final
        self._recent: deque[_Open] = deque(maxlen=_RECENT)  # closed
        self._placed = 0  # words
        self._steps: deque[tuple[int, int]] = deque(maxlen=_STEPS)  # room time heard, words by then

    @property
    def is_open(self) -> bool:
        """Whether a cue is open."""
        return self._cue is not None

    def restart(self, offset_ms: int, *, language: str | None = None) -> None:
        """Begin a new stream, at ``offset_ms`` of room time. Call after ``flush``."""
        self._language = language or self._language
        self._offset_ms = offset_ms
        self._closed_until_ms = 0
        self._words, self._tail = [], Tail("", 0)

    def feed(self, event: RecognizerEvent) -> list[CaptionEvent]:
        """Take an event of the recogniser; return the changes to show."""
        match event:
            case Word() if event.start_ms >= self._closed_until_ms:
                self._words.append(_Settled(event))
            case WordEnd(end_ms) if self._words:
                self._words[-1].end_ms = end_ms
            case Tail():
                self._tail = event
            case Heard(heard_ms) | Flushed(heard_ms):
                return self._commit(heard_ms)
            case Word() | WordEnd() | Pause():
                pass
        return []

    def flush(self) -> list[CaptionEvent]:
        """End the stream: settle and close the open cue."""
        return [*self._place_words(), *self.close()]

    def close(self) -> list[CaptionEvent]:
        """Close the open cue in its current state; delete it if all its words were taken back.

        The text shown is final: later words for audio before the cue's end are ignored.
        """
        cue, tail, self._tail = self._cue, self._tail, Tail("", 0)
        if cue is None:
            return []
        if not (cue.text or tail.text or self._words):
            return self._deleted()
        shown = cue.published[0] if cue.published else ""
        if len(shown) > len(cue.text):
            cue.text = shown
            self._closed_until_ms = cue.end_ms - self._offset_ms
        return [self._closed()]

    def withdraw(self) -> list[CaptionEvent]:
        """Delete the open cue and everything held: the speaker must not be captioned."""
        self._words, self._tail = [], Tail("", 0)
        return self._deleted()

    def retract(self, since_ms: int, *, silence_ms: int = 0) -> list[CaptionEvent]:
        """End the stream, and take back what was said since ``since_ms`` of room time.

        That is heard again, in another language. What was said before stays, if need be in a cue
        of its own. silence_ms: so long nothing was said then: words that there were when that was
        heard are from before it, whatever their times, which may be estimates.
        """
        events = self.flush()
        by_then = [n for ms, n in self._steps if since_ms <= ms <= since_ms + silence_ms]
        self._steps.clear()
        said, self._recent, self._last_end_ms = [*self._recent], deque(maxlen=_RECENT), 0
        for cue in said:
            words = [w for w in cue.words if w.start_ms + w.end_ms < 2 * since_ms]
            if by_then:
                words = [word for word in cue.words if word.number < by_then[-1]]
            text = cue.text[: words[-1].until] if words else ""
            if cue.end_ms <= since_ms or text == cue.text:
                self._recent.append(cue)
                self._last_end_ms = cue.end_ms
                continue
            events.append(CueDeleted(cue.id, cue.rev + 1))
            if words:
                again = self._begin(cue.start_ms, language=cue.language)
                again.text, again.words = text, words
                again.end_ms = max(words[-1].end_ms, again.start_ms + 1)
                events.append(self._closed())
        return events

    def _commit(self, heard_ms: int) -> list[CaptionEvent]:
        events = self._place_words()
        events += self._show_tail(heard_ms + self._offset_ms)
        words = self._placed + len(self._tail.text.split())
        self._steps.append((heard_ms + self._offset_ms, words))
        cue = self._cue
        if (
            cue
            and not self._tail.text
            and heard_ms + self._offset_ms - cue.end_ms >= self._policy.pause_ms
        ):
            events += [self._closed()] if cue.text else self._deleted()
        return events

    def _place_words(self) -> list[CaptionEvent]:
        events: list[CaptionEvent] = []
        for settled in self._words:
            start = settled.word.start_ms + self._offset_ms
            end = max((settled.end_ms or 0) + self._offset_ms, start + 1)
            for text in self._pieces(settled.word):
                joined = settled.word.joined
                if self._cue and self._must_cut(text, start, end, joined=joined):
                    events.append(self._closed())
                cue = self._cue or self._begin(start)
                gap = " " if cue.text and not joined else ""
                cue.text += gap + text
                cue.end_ms = max(end, cue.start_ms + 1)
                cue.words.append(_Place(self._placed, start, end, len(cue.text)))
                self._placed += 1
                if ends_sentence(text):
                    events.append(self._closed())
        self._words = []
        return events

    def _pieces(self, word: Word) -> list[str]:
        """Return the word, or its pieces if it alone exceeds a cue (a hallucination)."""
        text = plain(word.text)
        if self._fits(text):
            return [text] if text else []
        size = self._policy.max_bytes // max(len(escape(c).encode()) for c in text)
        size = min(size, self._policy.max_code_points)
        return [text[i : i + size] for i in range(0, len(text), size)]

    def _must_cut(self, text: str, start: int, end: int, *, joined: bool) -> bool:
        cue = self._cue
        assert cue is not None
        if not cue.text:
            return False  # only a tail was shown so far, and these are its words
        whole = f"{cue.text}{text}" if joined else f"{cue.text} {text}"
        return (
            not self._fits(whole)
            or end - cue.start_ms > self._policy.max_ms
            or (start - cue.end_ms >= self._policy.pause_ms and not joined)
        )

    def _fits(self, text: str) -> bool:
        return (
            len(text) <= self._policy.max_code_points
            and len(escape(text).encode()) <= self._policy.max_bytes
        )

    def _begin(self, start_ms: int, *, language: str | None = None) -> _Open:
        self._count += 1
        start_ms = max(start_ms, self._last_end_ms, 0)
        cue_id, language = f"{self._prefix}-{self._count}", language or self._language
        self._cue = _Open(cue_id, language, start_ms, start_ms + 1)
        return self._cue

    def _show_tail(self, heard_ms: int) -> list[CaptionEvent]:
        cue = self._cue
        tail = up_to_sentence_end(plain(self._tail.text))
        if cue is None:
            if not tail:
                return []
            cue = self._begin(self._tail.start_ms + self._offset_ms)
        text = self._with_tail(cue, tail)
        if not text:
            # Other words may follow at once, and take the place of those that are shown: a caption
            # that vanishes and comes again is worse to read than one that changes.
            return [] if cue.published else self._deleted()
        if len(text) > len(cue.text):
            limit = cue.start_ms + self._policy.max_ms
            cue.end_ms = max(cue.end_ms, min(heard_ms, limit), cue.start_ms + 1)
        if cue.published == (text, len(cue.text)):
            return []
        cue.published = (text, len(cue.text))
        cue.rev += 1
        return [CueUpdated(self._finished(cue, text), cue.rev, len(cue.text))]

    def _with_tail(self, cue: _Open, tail: str) -> str:
        """Return the settled text and as many words of the tail as fit; the others wait."""
        text = cue.text
        for n, piece in enumerate(pieces(tail)):
            gap = " " if text and n == 0 and not self._tail.joined else ""
            if not self._fits(text + gap + piece):
                break
            text += gap + piece
        return text

    def _closed(self) -> CueClosed:
        cue = self._cue
        assert cue is not None
        self._cue = None
        self._recent.append(cue)
        self._last_end_ms = cue.end_ms
        cue.rev += 1
        return CueClosed(self._finished(cue, cue.text), cue.rev)

    def _deleted(self) -> list[CaptionEvent]:
        cue, self._cue = self._cue, None
        return [CueDeleted(cue.id, cue.rev + 1)] if cue and cue.published else []

    def _finished(self, cue: _Open, text: str) -> Cue:
        return Cue(cue.id, self._speaker, cue.start_ms, cue.end_ms, text, cue.language)


def up_to_sentence_end(text: str) -> str:
    """Return ``text`` up to the end of its first sentence.

    A cue ends there once that is settled; words after it would have to move to the next cue.
    """
    until = ""
    for piece in pieces(" ".join(text.split())):
        until += piece
        if ends_sentence(piece.strip()):
            break
    return until
