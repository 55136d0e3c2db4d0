"""Normalises French, so that different spellings of one utterance are equal."""

from __future__ import annotations

import re

from text_to_num import alpha2digit

from eval.normalization.basic import bare_words, without_asides

_SPELLED = (
    (re.compile("œ"), "oe"),
    (re.compile("æ"), "ae"),
    (re.compile(r"(?<=\d)\s*%"), " pour cent"),
    (re.compile(r"(?<=\d)\s*€"), " euros"),
    (re.compile(r"€"), "euros"),
    (re.compile(r"(?<=\d)\s*h\s*(?=\d|\b)"), " heures "),
    (re.compile(r"\bn°\s*"), "numéro "),
    (re.compile(r"\bm\.(?=\s)"), "monsieur"),
    (re.compile(r"\bmme\b\.?"), "madame"),
    (re.compile(r"\bmlle\b\.?"), "mademoiselle"),
    (re.compile(r"\bmm\.(?=\s)"), "messieurs"),
    (re.compile(r"\bdr\b\.?"), "docteur"),
)
_FILLERS = re.compile(r"\b(?:e+u+h+|h+e+u+|h+u+m+|h+m+|m+h+m*|m{2,}h*)\b")
_ORDINAL = re.compile(r"\b(\d+)\s*(?:e|è|ème|eme|ième|ieme|er|ère|ere|re)\b")
# "un" and "une" are different words, so small numbers become words and not digits.
_SMALL = {"0": "zéro", "1": "un", "2": "deux", "premier": "1e", "première": "1e"}


def normalize_french(text: str) -> list[str]:
    """Return the words of ``text``, the same for all spellings of one utterance.

    Lower case, no punctuation, "œ" as "oe", no "euh" and the like, nothing in brackets; numbers as
    digits ("quatre-vingt-dix-sept", "97"), also ordinals, hours, sums and percentages; "M." and
    "Mme" in full. An elided word stays with the next: "l'école" is one word, however the
    apostrophe is written; hyphens separate words. Numbers are joined across word
    boundaries, so the result does not correspond one to one to the words of the text.
    """
    spoken = without_asides(text.lower())
    for pattern, plain in _SPELLED:
        spoken = pattern.sub(plain, spoken)
    spoken = re.sub(r"'\s+", "'", spoken)
    spoken = _FILLERS.sub(" ", spoken)
    # Before numbers become digits, because "un, deux, trois" are three numbers.
    digits = _ORDINAL.sub(r"\1e", alpha2digit(spoken, "fr"))
    digits = re.sub(r"\bpour 100\b", "pour cent", digits)
    return [_SMALL.get(word, word) for word in bare_words(digits)]
