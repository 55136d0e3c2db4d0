"""Lays cues out for a file, where nothing is live: lines that fit, and no cue too short to read.

On screen the page wraps lines, and a cue that was shown cannot be joined to the next one. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

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


def laid_out(cues: Iterable[Named]) -> list[Named]:
    """Return the cues as a file has them. Times within a cue are estimates."""
    voices: dict[tuple[str, str, str], list[Cue]] = {}
    for cue, name in sorted(cues, key=lambda pair: (pair[0].start_ms, pair[0].end_ms)):
        voices.setdefault((cue.speaker, name, cue.language), []).append(cue)
    return [(cue, name) for (_, name, _), own in voices.items() for cue in _of_one_voice(own)]


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


def _of_one_voice(cues: Sequence[Cue]) -> list[Cue]:
    done: list[Cue] = []
    for cue in cues:
        before = done.pop() if done else None
        if before is None:
            parts = [cue]
        elif not _must_join(before, cue):
            parts = [before, cue]
        else:
            parts = _shared(before, cue)
        done += [*parts[:-1], *_split(parts[-1])]
    return _long_enough(done)


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
    limits = [after.start_ms for _, after in pairwise(cues)]
    return (
        [
            replace(cue, end_ms=max(cue.end_ms, min(cue.start_ms + CUE_MIN_MS, limit)))
            for cue, limit in zip(cues, [*limits, cues[-1].start_ms + CUE_MIN_MS], strict=True)
        ]
        if cues
        else []
    )


def _greedy(words: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for word in words:
        longer = joined([lines[-1], word]) if lines else ""
        if lines and columns(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
