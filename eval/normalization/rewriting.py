"""Applies tables of rewritings: what is found, and what replaces it, in order."""

from __future__ import annotations

import re
from collections.abc import Callable

Replacement = str | Callable[[re.Match[str]], str]
Table = tuple[tuple[re.Pattern[str], Replacement], ...]


def table(*rows: tuple[str, Replacement]) -> Table:
    """Return a table of regular expressions for lower-case text, and their replacements."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in rows)


def rewritten(text: str, rows: Table) -> str:
    """Return ``text`` after each rewriting in turn."""
    for pattern, replacement in rows:
        text = pattern.sub(replacement, text)
    return text


# "U.S.A.", "S.N.C.F.", also with spaces: "J. R. R."; but not in "I. I think".
INITIALS: tuple[str, Replacement] = (
    r"(?<![\w'.])[a-z](?:\.[a-z]|\. [a-hj-z](?=\.))+\b\.?",
    lambda match: re.sub(r"[. ]", "", match[0]) + " ",
)


def range_of_numbers(to: str) -> tuple[str, Replacement]:
    """Return the rewriting of "5-10" as "5 to 10", but not of "3-2" or a telephone number."""

    def said(match: re.Match[str]) -> str:
        low, high = match["low"], match["high"]
        ascends = int(low) < int(high) and not (len(low) == 3 and len(high) > 3)
        return f"{low} {to} {high}" if ascends else match[0]

    return r"(?<![\w.,:/-])(?P<low>\d{1,6}) ?- ?(?P<high>\d{1,6})(?![\d:/-]|[.,]\d)", said
