"""Normalises words, so that different spellings of one utterance are equal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

from eval.normalization import basic
from eval.normalization.english import normalize_english
from eval.normalization.french import normalize_french
from eval.normalization.typography import plain_characters
from streaming.recognizer import primary

# Capitals tell nothing where there is nothing else.
_CAPITALS = re.compile(r"[^a-z]*[A-Z]{3}[^a-z]*")
_THREE_CAPITALS = re.compile("[A-Z]{3}")
_MOSTLY = 0.8
"""Share of capitals among the letters of captions in capitals, beside "1er", "km", "(rires)"."""
_FEW_ACCENTS = 0.02
"""Share of letters with accents in capitals that have none as a rule."""
LANGUAGES = ("en", "fr", *basic.LANGUAGES)


class NoNormalizer(ValueError):
    """There is no normaliser for this language: score another one, or add one here."""


def normalize(text: str, language: str) -> list[str]:
    """Return the words of ``text`` as word error rates compare them.

    Lower case, no punctuation, no "uh", numbers as digits: ``normalize_english``,
    ``normalize_french``, ``normalize_basic``. Numbers are joined across word boundaries, so the
    result does not correspond one to one to the words of the text.

    language: BCP 47; only the primary tag counts. Raises NoNormalizer for all that are not
    in LANGUAGES.
    """
    text = plain_characters(text)
    if _CAPITALS.fullmatch(text):
        text = text.lower()
    match primary(language):
        case "en":
            return normalize_english(text)
        case "fr":
            return normalize_french(text)
        case other if other in basic.LANGUAGES:
            return basic.normalize_basic(text, other)
    has = ", ".join(LANGUAGES)
    raise NoNormalizer(f"no normaliser for the language {language!r}; there is one for: {has}")


def normalizer_of(texts: Iterable[str], language: str) -> Callable[[str], list[str]]:
    """Return the function that normalises the texts that are compared with one another.

    It is ``normalize``; and it drops accents where one of the texts is mostly in capitals, of which
    hardly any has one, as captions of television are. Not in German, where another letter is
    another word.
    """
    words = partial(normalize, language=language)
    if primary(language) == "de" or not any(map(_bare_capitals, texts)):
        return words
    return lambda text: [_without_accents(word) for word in words(text)]


def _bare_capitals(text: str) -> bool:
    """Return whether a text is written in capitals without accents, and more than initials."""
    letters = "".join(filter(str.isalpha, plain_characters(text)))
    accents = sum(not letter.isascii() for letter in letters)
    capitals = sum(map(str.isupper, letters))
    plain = accents <= _FEW_ACCENTS * len(letters)
    return plain and capitals >= _MOSTLY * len(letters) and bool(_THREE_CAPITALS.search(text))


def _without_accents(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


@lru_cache(maxsize=65536)
def spoken_key(word: str, language: str) -> str:
    """Return one key for all spellings of a spoken word: "Mr." and "mister", "colour" and "color".

    It is the result of ``normalize`` for the word alone, and "" for what is not counted ("uh").
    """
    return " ".join(normalize(word, language))


def key_in(language: str) -> Callable[[str], str]:
    """Return the key function of a language: ``spoken_key`` if it has a normaliser."""
    if primary(language) in LANGUAGES:
        return partial(spoken_key, language=language)
    return word_key


@lru_cache(maxsize=65536)
def word_key(word: str) -> str:
    """Return the word without case and punctuation, for stability; "" if nothing is left."""
    folded = plain_characters(plain_characters(word).casefold())
    bare = "".join(c for c in folded if c not in "<>" and unicodedata.category(c)[0] != "P")
    return unicodedata.normalize("NFC", bare).strip()  # a mark may now follow its letter
