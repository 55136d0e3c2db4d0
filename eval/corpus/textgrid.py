"""Praat's TextGrid, in its long and its short text format."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Strings (with doubled quotes inside) and separate numbers; everything else is labels for people.
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<![\w.\[])(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.\]])')


def intervals(text: str) -> Iterator[tuple[int, str, int, int, str]]:
    """Give line, tier, start and end in ms, and text of each interval; points are skipped.

    Raises ValueError if the text is not a TextGrid.
    """
    tokens = _tokens(text)
    try:
        if (next(tokens)[1], next(tokens)[1]) != ("ooTextFile", "TextGrid"):
            raise ValueError('it does not begin with "ooTextFile" and "TextGrid"')
        next(tokens), next(tokens)  # from when to when
        for _ in range(_count(tokens)):
            kind, name = next(tokens)[1], next(tokens)[1]
            next(tokens), next(tokens)
            for _ in range(_count(tokens)):
                line, start = next(tokens)
                if kind == "IntervalTier":
                    end = next(tokens)[1]
                    yield line, name, _ms(start), _ms(end), next(tokens)[1]
                else:
                    next(tokens)
    except StopIteration:
        raise ValueError("it ends in the middle") from None


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    line, at = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        found = match[2] if match[1] is None else match[1].replace('""', '"')
        yield line, found


def _count(tokens: Iterator[tuple[int, str]]) -> int:
    return int(next(tokens)[1])


def _ms(seconds: str) -> int:
    return round(float(seconds) * 1000)
