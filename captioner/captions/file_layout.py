"""Lays cues out for a file, where nothing is live: lines that fit, and no cue too short to read.

On screen the page wraps lines, and a cue that was shown cannot be joined to the next one. Pure.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from captioner.captions.cues import Cue
from captioner.captions.webvtt import document
from streaming.sentences import ends_sentence
from streaming.spacing import columns, joined, pieces

LINE_MAX = 40
"""Columns of a line, except where a word alone has more."""

LINES_MAX = 3

CUE_MAX_MS = 7_000

CUE_MIN_MS = 1_000
"""A cue that is shorter is joined to its neighbour, or shown longer where nobody is in its way."""

JOIN_MS = 1_500
"""Over a longer silence nothing is joined."""

FRAGMENT_WORDS = 3
"""So few words that end no sentence are no cue of their own."""

Named = tuple[Cue, str]
"""A cue and the name of its speaker."""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start_ms: int
    end_ms: int


class Layout:
    """The cues of a file that grows. What is put at the end costs no more in a long file.

    Times within a cue are estimates.
    """

    def __init__(self) -> None:
        self._voices: dict[tuple[str, str, str], _Voice] = {}

    def put(self, cue: Cue, name: str) -> None:
        """Add a cue; one without a word has no place in a file."""
        if cue.text.split():
            self._voices.setdefault((cue.speaker, name, cue.language), _Voice()).put(cue)

    def take(self, cue: Cue, name: str) -> None:
        """Take out a cue that was put."""
        if cue.text.split():
            self._voices[cue.speaker, name, cue.language].take(cue)

    def cues(self) -> list[Named]:
        """Return the cues as a file has them, in order."""
        named = [(c, name) for (_, name, _), voice in self._voices.items() for c in voice.laid()]
        return sorted(named, key=lambda pair: _order(pair[0]))


def laid_out(cues: Iterable[Named]) -> list[Named]:
    """Return the cues as a file has them."""
    layout = Layout()
    for cue, name in cues:
        layout.put(cue, name)
    return layout.cues()


def file_of(cues: Iterable[Named]) -> str:
    """Return the WebVTT file of the cues, laid out."""
    return document(laid_out(cues), lines=wrapped)


def wrapped(text: str) -> list[str]:
    """Break ``text`` into as few lines as it takes, of about the same length."""
    words = [piece.strip() for piece in pieces(text)]
    least = len(_greedy(words, LINE_MAX))
    longest = max(map(columns, words), default=0)
    for width in range(max(longest, columns(text) // max(least, 1)), LINE_MAX):
        if len(lines := _greedy(words, width)) <= least:
            return lines
    return _greedy(words, LINE_MAX)


class _Voice:
    """The cues of one voice, in order, and how they are laid out.

    A cue changes only the last one that was laid out before it. So the layout is taken back to any
    cue by what stood there then: how many, and the last of them.
    """

    def __init__(self) -> None:
        self._cues: list[Cue] = []
        self._before: list[tuple[int, Cue | None]] = []  # of each that is laid out
        self._done: list[Cue] = []

    def put(self, cue: Cue) -> None:
        at = bisect.bisect_right(self._cues, _order(cue), key=_order)
        self._cues.insert(at, cue)
        self._take_back(at)

    def take(self, cue: Cue) -> None:
        at = self._cues.index(cue, bisect.bisect_left(self._cues, _order(cue), key=_order))
        del self._cues[at]
        self._take_back(at)

    def laid(self) -> list[Cue]:
        for cue in self._cues[len(self._before) :]:
            self._before.append((len(self._done), self._done[-1] if self._done else None))
            self._lay(cue)
        return _long_enough(self._done)

    def _take_back(self, at: int) -> None:
        if at < len(self._before):
            count, last = self._before[at]
            del self._done[max(count - 1, 0) :]
            self._done += [] if last is None else [last]
            del self._before[at:]

    def _lay(self, cue: Cue) -> None:
        before = self._done.pop() if self._done else None
        if before is None:
            parts = [cue]
        elif not _must_join(before, cue):
            parts = [before, cue]
        else:
            parts = _shared(before, cue)
        self._done += [*parts[:-1], *_split(parts[-1])]


def _order(cue: Cue) -> tuple[int, int, str]:
    return cue.start_ms, cue.end_ms, cue.id


def _must_join(before: Cue, cue: Cue) -> bool:
    if cue.start_ms - before.end_ms > JOIN_MS:
        return False
    is_gone_too_soon = cue.start_ms - before.start_ms < CUE_MIN_MS
    goes_on = _is_fragment(cue) and not ends_sentence(before.text.split()[-1])
    return is_gone_too_soon or _is_fragment(before) or goes_on


def _is_fragment(cue: Cue) -> bool:
    words = pieces(cue.text)
    return len(words) <= FRAGMENT_WORDS and not ends_sentence(words[-1])


def _shared(before: Cue, cue: Cue) -> list[Cue]:
    """Return both as one cue if that fits, else two that are better balanced."""
    words = [*_words(before), *_words(cue)]
    if _fits(words):
        return [_cue(before, words)]
    cut = _best_cut(words)
    if cut is None:
        return [before, cue]
    return [_cue(before, words[:cut]), _cue(cue, words[cut:])]


def _split(cue: Cue) -> list[Cue]:
    """Return the cue, or two cues where it has more lines than fit."""
    words = _words(cue)
    cut = None if _fits(words) else _best_cut(words)
    if cut is None:
        return [cue]
    return [_cue(cue, words[:cut]), _cue(replace(cue, id=f"{cue.id}-b"), words[cut:])]


def _best_cut(words: Sequence[_Word]) -> int | None:
    """Return where two cues that fit meet: after a sentence, a comma, or near the middle."""

    def cost(cut: int) -> tuple[int, int]:
        last = words[cut - 1].text
        kind = 0 if ends_sentence(last) else 1 if last[-1] in ",;:，、；：" else 2
        middle = (words[0].start_ms + words[-1].end_ms) // 2
        return kind, abs(words[cut].start_ms - middle)

    def is_good(cut: int) -> bool:
        parts = (words[:cut], words[cut:])
        return all(
            _fits(part) and part[-1].end_ms - part[0].start_ms >= CUE_MIN_MS for part in parts
        )

    return min(filter(is_good, range(1, len(words))), key=cost, default=None)


def _fits(words: Sequence[_Word]) -> bool:
    lines = _greedy([word.text for word in words], LINE_MAX)
    return len(lines) <= LINES_MAX and words[-1].end_ms - words[0].start_ms <= CUE_MAX_MS


def _words(cue: Cue) -> list[_Word]:
    """Return the cue's words, with times in proportion to their length."""
    found: list[_Word] = []
    at, whole = 0, len(cue.text)
    for text in map(str.strip, pieces(cue.text)):
        begin = cue.text.index(text, at)
        at = begin + len(text)
        times = (
            cue.start_ms + (cue.end_ms - cue.start_ms) * place // whole for place in (begin, at)
        )
        found.append(_Word(text, *times))
    return found


def _cue(like: Cue, words: Sequence[_Word]) -> Cue:
    text = joined(word.text for word in words)
    start_ms = words[0].start_ms
    end_ms = max(words[-1].end_ms, start_ms + 1)
    return replace(like, text=text, start_ms=start_ms, end_ms=end_ms)


def _long_enough(cues: Sequence[Cue]) -> list[Cue]:
    """Show short cues into the silence after them."""
    shown = list(cues)
    for at, cue in enumerate(cues):
        end_ms = cue.start_ms + CUE_MIN_MS
        if cue.end_ms < end_ms:
            if at + 1 < len(cues):
                end_ms = max(cue.end_ms, min(end_ms, cues[at + 1].start_ms))
            shown[at] = replace(cue, end_ms=end_ms)
    return shown


def _greedy(words: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        longer = joined([lines[-1], word]) if lines else ""
        if lines and columns(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
