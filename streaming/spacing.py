"""Scripts without spaces between words: where text is joined, and where it may be broken.

Chinese and Japanese have no spaces, and a line may end after any character that no mark follows.
Thai, Lao, Khmer, Burmese and Tibetan have spaces between phrases; where their words end is known
to dictionaries only, so that nothing here breaks them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_CJK = "\u2e80-\u312f\u3190-\u9fff\uf900-\ufaff\uff00-\uff9f\U00020000-\U0003ffff"
_SOUTH_EAST = "\u0e00-\u109f\u1780-\u17ff"
_OPENING = "「『（【〈《〔［｛“‘"
_MARKS = "\u3099\u309a\ufe00-\ufe0f"
_SMALL = "ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_NOT_FIRST = f"{_MARKS}、。，．・：；？！」』）】〉》〕］｝”’ー…々〜～％{_SMALL}"

_UNSPACED = re.compile(f"[{_CJK}{_SOUTH_EAST}]")
_PIECE = re.compile(rf"\s*(?:[{_OPENING}]*[{_CJK}][{_NOT_FIRST}]*|[^\s{_CJK}]+[{_NOT_FIRST}]*)")
_NO_GAP = re.compile(f"[{_CJK}]")


def is_unspaced(text: str) -> bool:
    """Return whether ``text`` begins in a script without spaces between words."""
    return bool(_UNSPACED.match(text))


def pieces(text: str) -> list[str]:
    """Return the parts of ``text`` that no line break may divide, with the spaces before them."""
    return _PIECE.findall(text)


def joined(texts: Iterable[str]) -> str:
    """Return the texts one after the other, with a space between them where there must be one."""
    whole = ""
    for text in texts:
        whole += _gap(whole, text) + text
    return whole


def columns(text: str) -> int:
    """Return the width of ``text``: a Chinese or Japanese character is as wide as two letters."""
    return len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def _gap(before: str, after: str) -> str:
    if not before or not after or _NO_GAP.match(before[-1]) or _NO_GAP.match(after):
        return ""
    return " "
