"""Normalises English, so that different spellings of one utterance are equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from whisper_normalizer.english import EnglishTextNormalizer

from eval.normalization.rewriting import INITIALS, range_of_numbers, rewritten, table

_WHISPER = EnglishTextNormalizer()
_MULTIPLIER = r"(?=(?:hundred|thousand|million|billion|trillion)\b)"

# Spellings that Whisper's normaliser does not know, rewritten as those that it knows.
_BEFORE = table(
    INITIALS,
    (r"\b(ph|b|m)\. ?(d|ed|sc)\b\.?", r"\1\2"),
    (r"\bokay\b(?!')", "ok"),
    (r"\bcannot\b", "can not"),
    (r"\balright\b", "all right"),
    (r"\bc'mon\b", "come on"),
    (r"\b(gim|lem)me\b", lambda match: {"gim": "give me", "lem": "let me"}[match[1]]),
    (r"\boutta\b", "out of"),
    (r"\blotta\b", "lot of"),
    (r"\bhafta\b", "have to"),
    (r"\boughta\b", "ought to"),
    (r"\btryna\b", "trying to"),
    (r"\b(m(?:us|igh))ta\b", r"\1t have"),
    (r"(?<!\w)'?cuz\b", "because"),
    (r"(?<!\w)'em\b", "them"),
    (r"\betc\b\.?", "et cetera"),
    (r"\bvs\b\.?", "versus"),
    (r"\be-?mail", "email"),
    (r"\bweb site", "website"),
    (r"\bhealth care\b", "healthcare"),
    (r"\bco-(op|ord)", r"co\1"),
    (r"\s*&\s*", " and "),
    (r"(?<=\d) ?\+ ?(?=\d)", " plus "),
    (r"#(?=\d)", "number "),
    # A word that Whisper does not know, because it drops that of "1%".
    (r"%|\bper ?cent\b", " percents "),
    (r"(?<=\d) ?½|(?<=\d) 1/2\b", ".5"),
    (r"\bhalf an?[ -]" + _MULTIPLIER, "0.5 "),
    # Not "one", because "at three thirty a hundred people" holds two numbers.
    (r"\ban?\b[ -]" + _MULTIPLIER, "anumber "),
    # Times of day are read as numbers: "three thirty" is 330.
    (r"\b(\d{1,2})[:.](\d\d) ?(?=[ap]m\b)", r"\1:\2 "),
    (r"(?<![\d:.])(\d{1,2}):00(?![\d:])", r"\1 o'clock"),
    (r"(?<![\d:.])(\d{1,2}):(\d\d)(?![\d:])", r"\1\2"),
    (r"\bo'clock\b", "oclock"),
    (r"\boclock(?= [ap]m\b)", ""),
    (r"\b50[-/]50\b", "5050"),
    (r"\b24/7\b", "247"),
    (r"\b9/11\b", "911"),
    range_of_numbers("to"),
    # Sums and measures
    (r"\b(\d[\d.,]*) ?([$£€])(?!\d)", r"\2\1"),
    (r"([$£€][\d.,]*\d) ?k\b", r"\1 thousand"),
    (r"([$£€][\d.,]*\d) ?mn?\b", r"\1 million"),
    (r"([$£€][\d.,]*\d) ?bn?\b", r"\1 billion"),
    (r"\bk(?:m/|m|p)h\b", "kilometers per hour"),
    (r"\bmph\b", "miles per hour"),
    (r"(?<=\d) ?m/s\b", " meters per second"),
    (r"(?<=\d) ?([kcm]?m)[²2]", r" square \1"),
    (r"(?<=\d) ?([cm]?m)[³3]", r" cubic \1"),
    (r"\bkm\b|(?<=\d)km\b", " kilometers"),
    (r"\bcm\b|(?<=\d)cm\b", " centimeters"),
    (r"((?:\d|square|cubic) ?)mm\b", r"\1 millimeters"),
    (r"((?:\d|square|cubic) ?)m\b", r"\1 meters"),
    (r"\bkg\b|(?<=\d)kg\b", " kilograms"),
    (r"(?<=\d\d) ?g\b", " grams"),  # "5G" is a network
    (r"(?<=\d) ?lbs?\b", " pounds"),
    (r"(?<=\d) ?oz\b", " ounces"),
    (r"(?<=\d) ?ft\b", " feet"),
    (r"(?<=\d) ?hrs?\b", " hours"),
    (r"(?<=\d) ?mins?\b", " minutes"),
    (r"(?<=\d) ?secs?\b", " seconds"),
    (r"(?<=\d) ?gb\b", " gigabytes"),
    (r"(?<=\d) ?mb\b", " megabytes"),
    (r"° ?c\b", " degrees celsius"),
    (r"° ?f\b", " degrees fahrenheit"),
    (r"°", " degrees "),
)
_UNITS = (
    "degree hour kilometer centimeter millimeter meter kilogram gram ounce minute second gigabyte"
    " megabyte"
)
# "10 km" is said as "ten kilometers", and as "a ten kilometer run".
_AFTER = table(
    (r"\banumber\b", ""),
    (r"(?<=\d) percents\b|(?<=\bone) percents\b", "%"),
    (r"\bpercents\b", "percent"),
    (rf"(\d|\bone)( square| cubic)? ({_UNITS.replace(' ', '|')})s\b", r"\1\2 \3"),
    (r"(\d|\bone) feet\b", r"\1 foot"),
)

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
    text in brackets is dropped. Before, spellings that it does not know are replaced: "okay",
    "U.S.A.", "3:30", "10 km".
    """
    return rewritten(" ".join(by_whisper(rewritten(text.lower(), _BEFORE))), _AFTER).split()


def by_whisper(text: str) -> list[str]:
    """Apply Whisper's rules to lower-case text.

    Only the spelling rule affects most words: runs of the other words go through all rules, each
    once, which is many times faster.
    """
    # "and a half" is the only rule that skips a word that is not in the list.
    if "half" in text or not _SIMPLE.fullmatch(text):
        return str(_WHISPER(text)).split()
    return [word for run in _runs(text) for word in run]


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
