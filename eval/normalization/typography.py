"""Makes one character of all that look or mean the same in a transcript."""

from __future__ import annotations

import re
import unicodedata

# Apostrophes, also as accents and primes; hyphens and dashes; what has no width.
_SAME = {
    **dict.fromkeys(
        map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u02bb\u2032\u00b4\u0060\uff07\ua78c"), "'"
    ),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-"),
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u061c"), ""),
    **dict.fromkeys(range(0x202A, 0x202F), ""),
    **dict.fromkeys(range(0x2066, 0x206A), ""),
    **dict.fromkeys(range(0xFE00, 0xFE10), ""),
}
_COMPATIBLE = re.compile("[\ufb00-\ufb06\uff01-\uff5e\u2002-\u200a\u202f\u205f\u3000\u1d49\u02b3]+")
_ELLIPSIS = re.compile(r"\u2026|\.{2,}")
# "x < 5 and y > 3" is no text in brackets.
_LESS = re.compile(r"<(?=[\s\d=]|$)|(?<=\s)>(?=\s)")


def plain_characters(text: str) -> str:
    """Return ``text`` with straight apostrophes, plain hyphens and spaces, letters composed.

    An ellipsis is a space, and so are several spaces and a bracket that nothing closes.
    """
    text = unicodedata.normalize("NFC", text.translate(_SAME))
    text = _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return " ".join(without_open_brackets(_LESS.sub(" ", _ELLIPSIS.sub(" ", text))).split())


def without_open_brackets(text: str) -> str:
    """Return ``text`` with a space for each bracket that nothing closes.

    Rules that look for the end of each bracket would take minutes for a file of brackets.
    """
    for opening, closing in ("[]", "()", "<>"):
        inside, last, rest = text.rpartition(closing)
        text = inside + last + rest.replace(opening, " ")
    return text
