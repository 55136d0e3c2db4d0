"""Praat's TextGrid, in its long, short and chronological text formats, old and new headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.corpus.spoken_words import RefWord
from eval.corpus.transcript import LONGEST_MS, Found, Repair, Repaired, Segment, Skipped

# Strings (with doubled quotes inside) and separate numbers; everything else is labels for people.
_TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|(?<![\w.\[])(-?\d{1,15}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?)(?![\w.\]])'
    r"|(?m:^![^\n]*|(?<=\s)![^\n]*$)"
    r'|(")'
)
_CHRONOLOGICAL = "Praat chronological TextGrid text file"

Interval = tuple[int, str, int, int, str]
Tokens = Iterator[tuple[int, str]]


def read_textgrid(text: str) -> Found:
    """A tier named "words" or "… - words" has words, any other has a speaker's turns.

    What comes before a fault is read.
    """
    latest = 0
    try:
        for line, tier, start_ms, end_ms, said in _intervals(text):
            latest = line
            speaker, is_words = _tier(tier)
            if tier.lower() in ("phones", "phonemes") or not said.strip():
                continue
            if said.strip().lower() in ("<eps>", "<sil>", "sil", "sp", "spn") and is_words:
                yield line, Repaired(Repair.SILENCE)
                continue
            words = (RefWord(said.strip(), start_ms, end_ms),) if is_words else ()
            yield line, Segment(" ".join(said.split()), speaker, start_ms, end_ms, words)
    except ValueError as error:
        rest = sum(bool(line.strip()) for line in text.split("\n")[latest:])
        yield (
            latest + 1,
            Skipped(
                f"is not a TextGrid in one of Praat's text formats from here on ({error})",
                max(1, rest),
            ),
        )


def _tier(name: str) -> tuple[str, bool]:
    """Return the speaker in a tier's name, and whether its intervals are words."""
    match = re.fullmatch(r"(?:(.*?)\s*[-–_:]\s*)?(words?|mots?)", name.strip(), re.IGNORECASE)
    return (match[1] or "", True) if match else (name.strip(), False)


def _intervals(text: str) -> Iterator[Interval]:
    """Give line, tier, start and end in ms, and text of each interval; points are skipped.

    Raises ValueError where the text is no TextGrid.
    """
    tokens = _tokens(text)
    first = _next(tokens)[1]
    if first == _CHRONOLOGICAL:
        yield from _chronological(tokens)
        return
    # "ooTextFile short" is what Praat wrote before 1999, and some programs still do.
    if first not in ("ooTextFile", "ooTextFile short") or _next(tokens)[1] != "TextGrid":
        raise ValueError('it does not begin with "ooTextFile" and "TextGrid"')
    _next(tokens), _next(tokens)  # from when to when
    for _ in range(_count(tokens)):
        kind, name = _kind(_next(tokens)[1]), _next(tokens)[1]
        _next(tokens), _next(tokens)
        for _ in range(_count(tokens)):
            line, start = _next(tokens)
            if kind == "IntervalTier":
                span = _span(start, _next(tokens)[1])
                yield line, name, *span, _next(tokens)[1]
            else:
                _next(tokens)
    if next(tokens, None):
        raise ValueError("more follows than it says")


def _kind(text: str) -> str:
    if text not in ("IntervalTier", "TextTier"):
        raise ValueError(f"{text[:20]!r} is no kind of tier")
    return text


def _chronological(tokens: Tokens) -> Iterator[Interval]:
    _next(tokens), _next(tokens)
    tiers = []
    for _ in range(_count(tokens)):
        tiers.append((_kind(_next(tokens)[1]), _next(tokens)[1]))
        _next(tokens), _next(tokens)
    for line, number in tokens:
        place = int(number)
        if not 1 <= place <= len(tiers):
            raise ValueError(f"there is no tier {number}")
        kind, name = tiers[place - 1]
        start = _next(tokens)[1]
        if kind == "IntervalTier":
            span = _span(start, _next(tokens)[1])
            yield line, name, *span, _next(tokens)[1]
        else:
            _next(tokens)


def _next(tokens: Tokens) -> tuple[int, str]:
    try:
        return next(tokens)
    except StopIteration:
        raise ValueError("it ends in the middle") from None


def _tokens(text: str) -> Tokens:
    line, at = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        if match[1] is not None:
            yield line, match[1].replace('""', '"')
        elif match[2] is not None:
            yield line, match[2]
        elif match[3]:
            raise ValueError("a text has no end")


def _count(tokens: Tokens) -> int:
    return int(_next(tokens)[1])


def _span(start: str, end: str) -> tuple[int, int]:
    begin, stop = _ms(start), _ms(end)
    if stop < begin:
        raise ValueError(f"an interval ends ({end}) before it starts ({start})")
    return begin, stop


def _ms(seconds: str) -> int:
    ms = round(float(seconds) * 1000)
    if not 0 <= ms <= LONGEST_MS:
        raise ValueError(f"{seconds} is not a time in seconds")
    return ms
