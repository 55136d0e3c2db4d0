"""Normalises English, so that different spellings of one utterance are equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from whisper_normalizer.english import EnglishTextNormalizer

_WHISPER = EnglishTextNormalizer()

# Letters, digits, apostrophes and points inside words, and marks that become spaces.
_SIMPLE = re.compile(
    r"""(?:[a-z0-9\s,;:!?"-]|\.(?=\s|$)|(?<=[a-z])'(?=[a-z])|(?<=[0-9])\.(?=[0-9]))*"""
)
_WORD = re.compile(r"[a-z0-9']+")
_RULES = " ".join([_WHISPER.ignore_patterns, *_WHISPER.replacers]).replace(r"\b", " ")
_SPELLING = _WHISPER.standardize_spellings.mapping
# No word but these, and those with a digit or an apostrophe, is changed but in its spelling, and no
# rule looks further than to the next of them. In the list of spellings two are no single words.
_RULED = frozenset(
    {
        *_WORD.findall(_RULES),
        *("s", "st", "nd", "rd", "th"),  # behind a number
        *_WHISPER.standardize_numbers.words,
        *(word for word, other in _SPELLING.items() if not other.isalpha()),
    }
)


def normalize_english(text: str) -> list[str]:
    """Return the words of ``text`` by Whisper's normaliser (Radford et al. 2022, appendix C).

    Lower case, no punctuation, no "uh", numbers as digits, contractions in full, American spelling;
    text in brackets is dropped. Only the spelling rule affects most words: runs of the other words
    go through all rules, each once, which is many times faster.
    """
    lower = text.lower()
    # "and a half" is the only rule that skips a word that is not in the list.
    if "half" in lower or not _SIMPLE.fullmatch(lower):
        return str(_WHISPER(text)).split()
    return [word for run in _runs(lower) for word in run]


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    for ruled, words in groupby(_WORD.finditer(text), _is_ruled):
        if ruled:
            run = [*words]
            yield _ruled(text[run[0].start() : run[-1].end()])
        else:
            yield tuple(_SPELLING.get(word[0], word[0]) for word in words)


def _is_ruled(word: re.Match[str]) -> bool:
    return word[0] in _RULED or not word[0].isalpha()


@lru_cache(maxsize=65_536)
def _ruled(run: str) -> tuple[str, ...]:
    return tuple(str(_WHISPER(run)).split())
