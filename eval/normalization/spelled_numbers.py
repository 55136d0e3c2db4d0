"""Writes numbers as digits, however they mix words and digits: "2 million", "two million"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache, partial

from text_to_num import alpha2digit

from eval.normalization.rewriting import Table, rewritten

# By language: numbers that stay words where they stand alone; "and a half"; powers of ten.
_WORDS: dict[str, tuple[dict[str, str], str, dict[str, int]]] = {
    "fr": (
        {"un": "1", "deux": "2", "trois": "3"},
        "et demie?",
        {"millions?": 6, "milliards?": 9, "billions?": 12},
    ),
    "de": (
        {"eine": "1", "ein": "1", "zwei": "2", "drei": "3"},
        "und eine halbe",
        {"million(?:en)?": 6, "milliarden?": 9, "billion(?:en)?": 12},
    ),
    "es": (
        {"un": "1", "dos": "2", "tres": "3"},
        "y medio",
        {"mill(?:ón|ones)": 6, "bill(?:ón|ones)": 12},
    ),
    "it": (
        {"un": "1", "due": "2", "tre": "3"},
        "e mezzo",
        {"milion[ei]": 6, "miliard[oi]": 9},
    ),
    "nl": (
        {"een": "1", "één": "1", "twee": "2", "drie": "3"},
        "en een half",
        {"miljoen": 6, "miljard": 9, "biljoen": 12},
    ),
    "pt": (
        {"um": "1", "dois": "2", "três": "3"},
        "e meio",
        {"mil(?:hão|hões)": 6, "bil(?:hão|hões)": 9},
    ),
}


def as_digits(text: str, language: str) -> str:
    """Return lower-case ``text`` with numbers as digits; 0 to 3 may stay words.

    Millions and more are multiplied here, since text2num reads them only behind numbers in words.
    """
    large, products = _large_numbers(language)
    parts = large.split(text)
    parts[::2] = [alpha2digit(part, language) for part in parts[::2]]
    return rewritten("".join(parts), products)


@cache
def _large_numbers(language: str) -> tuple[re.Pattern[str], Table]:
    small, half, powers = _WORDS[language]
    large = re.compile(rf"\b({'|'.join(powers)})\b")
    products = (
        re.compile(
            rf"(?<![\w,.])(?P<count>{'|'.join(small)}|\d{{1,12}}(?:,\d{{1,9}})?)[ -]+{word}\b"
            rf"(?:(?P<half> {half}\b)|[ -]+(?P<rest>\d{{1,{exponent}}})(?![\w,.:]))?"
        )
        for word, exponent in powers.items()
    )
    values = (partial(_product, exponent=exponent, small=small) for exponent in powers.values())
    return large, tuple(zip(products, values, strict=True))


def _product(match: re.Match[str], *, exponent: int, small: Mapping[str, str]) -> str:
    count = Decimal(small.get(match["count"], match["count"]).replace(",", "."))
    half = Decimal("0.5") if match["half"] else 0
    value = (count + half).scaleb(exponent) + int(match["rest"] or 0)
    return f"{value:f}".replace(".", ",") if value % 1 else str(int(value))
