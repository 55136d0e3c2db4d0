"""Normalises languages of which only numbers and a few spellings are known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from text_to_num import alpha2digit

_ASIDE = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>")
_GROUPED = re.compile(r"(?<=\d)[ .\u00a0\u202f](?=\d{3}(?!\d))")
_FILLERS = re.compile(r"\b(?:[uä]+h+m*|e+h+m+|h+m+|m{2,}h*)\b")
_BESIDE_WORDS = re.compile(r"[^\w',]+")
_LOOSE = re.compile(r"(?<!\d),|,(?!\d)|(?<!\w)'|'(?!\w)|_")


@dataclass(frozen=True, slots=True)
class _Spelling:
    """small: 0 to 3, which stay words, because an article may be spelled alike."""

    small: str
    percent: str
    euros: str


_SPELLINGS = {
    "de": _Spelling("null eins zwei drei", "prozent", "euro"),
    "es": _Spelling("cero uno dos tres", "por ciento", "euros"),
    "it": _Spelling("zero uno due tre", "per cento", "euro"),
    "nl": _Spelling("nul een twee drie", "procent", "euro"),
    "pt": _Spelling("zero um dois três", "por cento", "euros"),
}
LANGUAGES = tuple(_SPELLINGS)


def normalize_basic(text: str, language: str) -> list[str]:
    """Return the words of ``text``, the same for most spellings of one utterance.

    Lower case, no punctuation, nothing in brackets, no "äh" and the like; numbers as digits, also
    ordinals and percentages. Hyphens separate words. Numbers are joined across word boundaries, so
    the result does not correspond one to one to the words of the text. language: one of LANGUAGES.
    """
    spelling = _SPELLINGS[language]
    spoken = without_asides(text.lower())
    spoken = spoken.replace("%", f" {spelling.percent} ").replace("€", f" {spelling.euros} ")
    spoken = _FILLERS.sub(" ", spoken)
    small = dict(zip("0123", spelling.small.split(), strict=True))
    return [small.get(word, word) for word in bare_words(alpha2digit(spoken, language))]


def without_asides(text: str) -> str:
    """Return ``text`` without what stands in brackets, and with numbers in one piece: "10 000"."""
    return _GROUPED.sub("", _ASIDE.sub(" ", text))


def bare_words(text: str) -> list[str]:
    """Split into words; of all marks only those inside words and numbers stay: "l'été", "3,5"."""
    return _LOOSE.sub(" ", _BESIDE_WORDS.sub(" ", text)).split()
