"""Words made comparable: what two spellings of one utterance have in common."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial

from eval.normalization.english import normalize_english
from eval.normalization.french import normalize_french
from streaming.recognizer import primary

LANGUAGES = ("en", "fr")


class NoNormalizer(ValueError):
    """No normaliser for this language: score clips of another one, or write one for it here."""


def normalize(text: str, language: str) -> list[str]:
    """The words of ``text`` as word error rates compare them.

    Lower case, no punctuation, no "uh", numbers as digits: ``normalize_english``,
    ``normalize_french``. Numbers are joined over word boundaries, so the result has no one-to-one
    relation to the words of the text.

    language: BCP 47; only the primary tag counts. Raises NoNormalizer for all but these two.
    """
    match primary(language):
        case "en":
            return normalize_english(text)
        case "fr":
            return normalize_french(text)
    has = ", ".join(LANGUAGES)
    raise NoNormalizer(f"no normaliser for the language {language!r}; there is one for: {has}")


@lru_cache(maxsize=65536)
def spoken_key(word: str, language: str) -> str:
    """One key for all spellings of one spoken word: "Mr." and "mister", "colour" and "color".

    It is what ``normalize`` makes of the word alone; "" for what is not counted as a word ("uh").
    """
    return " ".join(normalize(word, language))


def key_in(language: str) -> Callable[[str], str]:
    """What makes words of a language comparable: ``spoken_key`` where it has a normaliser."""
    if primary(language) in LANGUAGES:
        return partial(spoken_key, language=language)
    return word_key


@lru_cache(maxsize=65536)
def word_key(word: str) -> str:
    """The word without case and punctuation, as stability compares it; "" if nothing is left."""
    folded = unicodedata.normalize("NFC", word).casefold()
    return "".join(c for c in folded if not unicodedata.category(c).startswith("P"))
