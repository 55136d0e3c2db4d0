"""Normalises languages of which only numbers and a few spellings are known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eval.normalization.rewriting import (
    INITIALS,
    VULGAR_FRACTION,
    Table,
    addresses,
    fraction,
    range_of_numbers,
    rewritten,
    table,
)
from eval.normalization.spelled_numbers import as_digits
from eval.normalization.typography import without_open_brackets

_ASIDE = re.compile(r"\[[^\]]*\]|\([^)]*\)|<[^>]*>")
_GROUPED = re.compile(r"(?<=\d)[ .\u00a0\u202f](?=\d{3}(?!\d))")
_BESIDE_WORDS = re.compile(r"[^\w',]+")
_LOOSE = re.compile(r"(?<!\d),|,(?!\d)|(?<!\w)'|'(?!\w)|_")


@dataclass(frozen=True, slots=True)
class _Spelling:
    """small: 0 to 3, which stay words, because an article may be spelled alike."""

    small: str
    rewritings: Table


_EVERYWHERE = (
    INITIALS,
    (r"\bokay\b", "ok"),
    (r"\be-? ?mail", "email"),
    VULGAR_FRACTION,
    (r"\b(?:[uä]+h+m*|e+h+m+|h+m+|m{2,}h*)\b", " "),
)
_SPELLINGS = {
    "de": _Spelling(
        "null eins zwei drei",
        addresses("at", "punkt")
        + table(
            (r"\bz\. ?b\.", "zum beispiel"),
            (r"\bd\. ?h\.", "das heißt"),
            (r"\bu\. ?a\.", "unter anderem"),
            (r"\bbzw\b\.?", "beziehungsweise"),
            (r"\busw\b\.?", "und so weiter"),
            (r"\bdr\b\.?", "doktor"),
            *_EVERYWHERE,
            fraction(
                "ein",
                {
                    "2": "halb halbe",
                    "3": "drittel drittel",
                    "4": "viertel viertel",
                    "5": "fünftel fünftel",
                    "8": "achtel achtel",
                },
                "zwei drei vier fünf sechs sieben",
            ),
            (r"(?:\b|(?<=\d))km/h\b", " kilometer pro stunde"),
            (r"\b(\d{1,2})[:.]0?(\d{1,2}) ?uhr\b", r"\1 uhr \2"),
            (r"\buhr 0\b", "uhr"),
            range_of_numbers("bis"),
            ("%", " prozent "),
            ("€", " euro "),
            (r"(?<=\d) ?km\b", " kilometer"),
            (r"(?<=\d) ?° ?c\b", " grad celsius"),
        ),
    ),
    "es": _Spelling(
        "cero uno dos tres",
        addresses("arroba", "punto")
        + table(
            (r"\bsr\b\.?", "señor"),
            (r"\bsra\b\.?", "señora"),
            (r"\bsrta\b\.?", "señorita"),
            (r"\bdr\b\.?", "doctor"),
            (r"\bdra\b\.?", "doctora"),
            (r"\betc\b\.?", "etcétera"),
            (r"\bee\. ?uu\b\.?", "estados unidos"),
            (r"\bn\.?º ?(?=\d)", "número "),
            (r"(?<=\d)\.(?=[ºª])", ""),
            *_EVERYWHERE,
            fraction(
                "un",
                {
                    "2": "medio medios",
                    "3": "tercio tercios",
                    "4": "cuarto cuartos",
                    "5": "quinto quintos",
                    "8": "octavo octavos",
                },
                "dos tres cuatro cinco seis siete",
            ),
            (r"(?:\b|(?<=\d))km/h\b", " kilómetros por hora"),
            range_of_numbers("a"),
            ("%", " por ciento "),
            ("€", " euros "),
            (r"(?<=\d) ?km\b", " kilómetros"),
        ),
    ),
    "it": _Spelling(
        "zero uno due tre",
        addresses("chiocciola", "punto")
        + table(
            (r"\becc\b\.?", "eccetera"),
            (r"\bsig\.ra\b", "signora"),
            (r"\bsig\.", "signor"),
            (r"\bdott\.", "dottor"),
            *_EVERYWHERE,
            (r"(?:\b|(?<=\d))km/h\b", " chilometri all'ora"),
            range_of_numbers("a"),
            (r"%|\bpercento\b", " per cento "),
            ("€", " euro "),
            (r"(?<=\d) ?km\b", " chilometri"),
        ),
    ),
    "nl": _Spelling(
        "nul een twee drie",
        addresses("at", "punt")
        + table(
            (r"\benz\b\.?", "enzovoort"),
            (r"\bbijv\b\.?", "bijvoorbeeld"),
            (r"\bmevr\b\.?", "mevrouw"),
            (r"\bdhr\b\.?", "de heer"),
            *_EVERYWHERE,
            (r"(?:\b|(?<=\d))km/h\b", " kilometer per uur"),
            range_of_numbers("tot"),
            ("%", " procent "),
            ("€", " euro "),
            (r"(?<=\d) ?km\b", " kilometer"),
        ),
    ),
    "pt": _Spelling(
        "zero um dois três",
        addresses("arroba", "ponto")
        + table(
            (r"\bsr\b\.?", "senhor"),
            (r"\bsra\b\.?", "senhora"),
            (r"\bdr\b\.?", "doutor"),
            (r"\bdra\b\.?", "doutora"),
            *_EVERYWHERE,
            (r"(?:\b|(?<=\d))km/h\b", " quilómetros por hora"),
            range_of_numbers("a"),
            ("%", " por cento "),
            ("€", " euros "),
            (r"(?<=\d) ?km\b", " quilómetros"),
            (r"\bquilômetro", "quilómetro"),
        ),
    ),
}
LANGUAGES = tuple(_SPELLINGS)


def normalize_basic(text: str, language: str) -> list[str]:
    """Return the words of ``text``, the same for most spellings of one utterance.

    Lower case, no punctuation, nothing in brackets, no "äh" and the like; numbers as digits, also
    ordinals, millions and percentages. Hyphens separate words. Numbers are joined across word
    boundaries, so the result does not correspond one to one to the words of the text. language: one
    of LANGUAGES.
    """
    spelling = _SPELLINGS[language]
    spoken = rewritten(without_asides(text.lower()), spelling.rewritings)
    small = dict(zip("0123", spelling.small.split(), strict=True))
    return [small.get(word, word) for word in bare_words(as_digits(spoken, language))]


def without_asides(text: str) -> str:
    """Return ``text`` without what stands in brackets, and with numbers in one piece: "10 000"."""
    return _GROUPED.sub("", _ASIDE.sub(" ", without_open_brackets(text)))


def bare_words(text: str) -> list[str]:
    """Split into words; of all marks only those inside words and numbers stay: "l'été", "3,5"."""
    return _LOOSE.sub(" ", _BESIDE_WORDS.sub(" ", text)).split()
