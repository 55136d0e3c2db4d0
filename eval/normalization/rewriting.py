"""Applies tables of rewritings: what is found, and what replaces it, in order."""

from __future__ import annotations

import re
import unicodedata
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
    r"(?:(?<![\w'.])|(?<=\b[ldn]'))[a-z](?:\.[a-z]|\. [a-hj-z](?=\.))+\b\.?",
    lambda match: re.sub(r"[. ]", "", match[0]) + " ",
)


def range_of_numbers(to: str) -> tuple[str, Replacement]:
    """Return the rewriting of "5-10" as "5 to 10", but not of "3-2" or a telephone number."""

    def said(match: re.Match[str]) -> str:
        low, high = match["low"], match["high"]
        ascends = int(low) < int(high) and not (len(low) == 3 and len(high) > 3)
        return f"{low} {to} {high}" if ascends else match[0]

    return r"(?<![\w.,:/-])(?P<low>\d{1,6}) ?- ?(?P<high>\d{1,6})(?![\d:/-]|[.,]\d)", said


# "¾", "2¾"
VULGAR_FRACTION: tuple[str, Replacement] = (
    r" ?[¼½¾⅐-⅞]",
    lambda match: " " + unicodedata.normalize("NFKC", match[0].strip()).replace("\u2044", "/"),
)


def fraction(one: str, parts: dict[str, str], numbers: str) -> tuple[str, Replacement]:
    """Return the rewriting of "3/4" as "three quarters", but of no date, rate or "24/7".

    one: "a". parts: singular and plural by denominator. numbers: two to seven.
    """
    names = numbers.split()

    def said(match: re.Match[str]) -> str:
        over, under = int(match["over"]), match["under"]
        if over >= int(under) or under not in parts:
            return match[0]
        singular, plural = parts[under].split()
        return f"{one} {singular}" if over == 1 else f"{names[over - 2]} {plural}"

    return (
        r"(?<!\ble )(?<!\bon )(?<![\w.,:/-])(?P<over>[1-7])/(?P<under>[2-8])(?![\w:/-]|[.,]\d)",
        said,
    )


# "end.it" lacks a space: what is also a word ends only what is an address by its beginning.
_NO_WORD = "com|org|net|edu|gov|eu|uk|fr|io"
_ANY_WORD = r"[a-z]{2,6}"


def addresses(at: str, dot: str) -> Table:
    """Return the rewritings of "anna@example.com/help" as it is said. at, dot: their names."""

    def said(match: re.Match[str]) -> str:
        bare = re.sub(r"https?://|[-_]", " ", match[0].rstrip("/"))
        for mark, name in (("@", at), (".", dot), ("/", "slash")):
            bare = bare.replace(mark, f" {name} ")
        return bare

    labels = r"(?:[\w-]{1,63}\.){1,4}"
    return table(
        (
            rf"(?<![\w@.])(?:(?:https?://|[\w.+-]{{1,64}}@|www\.){labels}{_ANY_WORD}|{labels}"
            rf"(?:{_NO_WORD}))\b(?!\.\w)(?:/[\w-]{{1,63}}){{0,8}}/?",
            said,
        ),
        (r"\bw w w\b", "www"),
    )


# "F B I", but not "B I", which may be "plan B I made", nor a text without small letters.
SPELLED_CAPITALS: tuple[str, Replacement] = (
    r"(?:(?<![\w'.-])|(?<=\b[LDNldn]'))(?![A-Z][ -]I(?![ -][A-Z]\b))"
    r"[A-Z](?:[ -][A-Z])+(?![\w'.-])",
    lambda match: re.sub("[ -]", "", match[0]),
)


def spelled_letters(words: str) -> tuple[str, Replacement]:
    """Return the rewriting of "c g t" as "cgt". words: letters that are also words."""
    letter = rf"(?![{words}])[a-z]"
    return (
        rf"(?<![\w'.-]){letter}(?:[ -]{letter})+(?![\w'])(?!-\w)",
        lambda match: re.sub("[ -]", "", match[0]),
    )


_ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50}


def roman(numeral: str) -> int:
    """Return the value of a Roman numeral up to 89."""
    values = [_ROMAN_DIGITS[letter] for letter in numeral.lower()]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
