"""Normalises English, so that different spellings of one utterance are equal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from whisper_normalizer.english import EnglishTextNormalizer

from eval.normalization.rewriting import (
    INITIALS,
    SPELLED_CAPITALS,
    VULGAR_FRACTION,
    addresses,
    fraction,
    range_of_numbers,
    rewritten,
    roman,
    spelled_letters,
    table,
)

_WHISPER = EnglishTextNormalizer()
_MULTIPLIER = r"(?=(?:hundred|thousand|million|billion|trillion)\b)"

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve"
_PARTS = {
    "2": "half halves",
    "3": "third thirds",
    "4": "quarter quarters",
    "5": "fifth fifths",
    "6": "sixth sixths",
    "8": "eighth eighths",
}
_MONTHS = "january february march april may june july august september october november december"
_MONTH = _MONTHS.replace(" ", "|")
_MONTHS_CUT = {month[:3]: month for month in _MONTHS.split()}
_STREETS = {"St": "street", "Ave": "avenue", "Blvd": "boulevard", "Rd": "road"}
_MONARCHS = (
    "Henry|Louis|Charles|Elizabeth|George|Edward|Richard|James|William|Philip|Pius|Paul|Benedict"
    "|Francis|Frederick|Nicholas|Catherine|Alexander|Napoleon|Wilhelm|Leo"
)
_NUMBERED = (
    "War|Part|Chapter|Type|Phase|Act|Volume|Stage|Title|Section|Level|Class|Mark|Book|Article"
    "|Tier|Category|Grade|Bowl"
)
# What only capitals tell: "the F B I", "Henry VIII", "World War II", "Main St.".
_CASED = table(
    (r"\b[Ee]r\b(?!['’-])", " "),  # "ER" is a room
    (r"(?i:\bdouble[ -]u\b)", "W"),
    SPELLED_CAPITALS,
    (
        rf"\b(?P<name>{_MONARCHS}) (?!I\b)(?P<numeral>(?=[IVX])X?(?:IX|IV|V?I{{0,3}}))\b",
        lambda match: f"{match['name']} the {_ordinal(roman(match['numeral']))}",
    ),
    (
        rf"\b(?P<noun>World War(?= I\b)|(?i:{_NUMBERED})(?= [IVXL]{{2}}| [VX]\b))"
        r" (?P<numeral>(?=[IVXL])L?X{0,3}(?:IX|IV|V?I{0,3}))\b",
        lambda match: f"{match['noun']} {roman(match['numeral'])}",
    ),
    (
        r"\b((?:[A-Z][a-z]+|\d+(?:st|nd|rd|th))) (St|Ave|Blvd|Rd)\b\.?(?! [A-Z])",
        lambda match: f"{match[1]} {_STREETS[match[2]]}",
    ),
)


def _ordinal(number: int) -> str:
    return f"{number}th" if number > 3 else ("first", "second", "third")[number - 1]


def _and_a_half(match: re.Match[str]) -> str:
    count = {"a": "one", "an": "one"}.get(match[1], match[1])
    return f"{count} and a half {match[2]}" if count.isalpha() else f"{count}.5 {match[2]}"


def _digit_by_digit(match: re.Match[str]) -> str:
    names = "zero", *_NUMBERS.split()
    return " ".join(names[int(digit)] for digit in match[0] if digit.isdigit())


_METRIC = {"": "", "k": "kilo", "m": "mega", "g": "giga"}
# Spellings that Whisper's normaliser does not know, rewritten as those that it knows.
_BEFORE = (
    addresses("at", "dot")
    + table(
        (r"\d{100}(?=\d)", r"\g<0> "),  # Whisper reads no number of thousands of digits
        INITIALS,
        (r"\bo k\b", "ok"),
        (
            rf"(\d|\bo'?clock|\b(?:{_NUMBERS.replace(' ', '|')})|\b(?:thir|fif)teen"
            r"|\b(?:twen|thir|for|fif)ty)"
            r" ([ap])\.? m\b",
            r"\1 \2m",
        ),
        spelled_letters("aio"),
        (r"\b(ph|b|m)\. ?(d|ed|sc)\b\.?|\b(ph) (d)\b", r"\1\2\3\4"),
        (r"ninth(?=s?\b)", "nineth"),  # as Whisper spells it
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
        (r"(?<!\w)(?:'?cuz|'cos|'?coz)\b", "because"),
        (r"(?<!\w)'?til\b", "till"),
        (r"\b(?:y'|ya )know\b", "you know"),
        (r"\bd'you\b", "do you"),
        (r"(?<!\w)'n'?(?= )", "and"),
        (
            r"\b((?:go|do|noth|someth|anyth|com|talk|gett|look|think|try|mak|say|runn|walk|feel|liv)in)"
            r"(?:'|\b(?!'))(?!\w)",
            r"\1g",
        ),
        (r"\bm+-?h+m+\b|\b(?:u+h+m+|u+h{2,}|u{2,}h|u+m{2,}|u{2,}m|erm+)\b", " "),
        (r"(?<!\w)'em\b", "them"),
        (r"\betc(?:etera)?\b\.?", "et cetera"),
        (r"\bvs\b\.?", "versus"),
        (r"\be-?mail", "email"),
        (r"\b(web|on)[ -](?=site|line\b)", r"\1"),
        (r"\bwi[ -]fi\b", "wifi"),
        (r"\bhealth care\b", "healthcare"),
        (r"\bco[ -](?=op|ord|work|found|auth|exist|pilot|host|own|chair)", "co"),
        (r"\bgood[ -]bye", "goodbye"),
        (r"\ba ?lot\b", "a lot"),
        # They sound alike.
        (r"\bany (?=more\b|one\b|time\b|way\b)", "any"),
        (r"\bevery (?=day\b|one\b)", "every"),
        (r"\bsome one\b", "someone"),
        (r"\bsgt\b\.?", "sergeant"),
        (r"\bdept\b\.?", "department"),
        (r"\bapprox\b\.?", "approximately"),
        (r"(?<=\bthe )no\. ?(?=\d)", "number "),
        (
            rf"\b({'|'.join(_MONTHS_CUT)}|sept)\b\.? ?(?=\d)",
            lambda match: f"{_MONTHS_CUT[match[1][:3]]} ",
        ),
        (r"\b((?:1\d\d|20[01]|[2-9])0)'s\b", r"\1s"),
        (" ?& ?", " and "),
        (r"±", " plus or minus "),
        (r"(?<=\d) ?\+ ?(?=\d)|(?<!\S)\+(?=\d)", " plus "),
        (r"(?<=\bc)\+\+", " plus plus"),
        (r"(?<=\d) ?= ?(?=\d)", " equals "),
        (r"(?<!\S)-(?=\d+(?:\.\d+)? ?(?:°|%|degrees?\b|per))", "minus "),
        (r"#(?=\d)", "number "),
        # A word that Whisper does not know, because it drops that of "1%".
        (r"%|\bper ?cent\b", " percents "),
        VULGAR_FRACTION,
        (r"(?<=\d) 1/2\b", ".5"),
        (r"(?<=\d) (?=[1-7]/[2-8]\b)", " and "),
        (r"\b1/2(?= an?\b)", "half"),
        (r"(?<![\d.,:/-])(\d{1,2})/10(?![\d/])", r"\1 out of 10"),
        fraction("a", _PARTS, "two three four five six seven"),
        # Whisper reads "one third" as "13rd".
        (r"(?<!ty )(?<!ty-)\b(?:one|1)[ -](?=(?:half|third|quarter|fifth|sixth|eighth)\b)", "a "),
        (r"\b(an?|one|two|three|\d+) ((?:m|b|tr)illion) and a half\b", _and_a_half),
        (r"\bhalf an?[ -]" + _MULTIPLIER, "0.5 "),
        # Not "one", because "at three thirty a hundred people" holds two numbers.
        (r"\ban?\b[ -]" + _MULTIPLIER, "anumber "),
        # Times of day are read as numbers: "three thirty" is 330.
        (r"\b(\d{1,2}(?::\d\d)?(?: ?[ap]m)?) ?- ?(?=\d{1,2}(?::\d\d| ?[ap]m\b))", r"\1 to "),
        (r"\b(\d{1,2})[:.](\d\d) ?(?=[ap]m\b)", r"\1:\2 "),
        (r"(?<![\d:.])(\d{1,2}):00(?![\d:])", r"\1 o'clock"),
        (r"(?<![\d:.])(\d{1,2}):(\d\d)(?![\d:])", r"\1\2"),
        (r"(?<![\d:.])(\d{1,2}):(\d)(?![\d:])", r"\1 to \2"),  # a ratio
        (r"\bo'clock\b", "oclock"),
        (r"\boclock(?= [ap]m\b)", ""),
        (r"\b50[-/]50\b", "5050"),
        (r"\b24/7\b", "247"),
        (r"\b9/11\b", "911"),
        # Telephone numbers
        (r"(?<![\w.,:/-])(?:(\d{3})[ .-])?(\d{3})[.-](\d{4})(?![\w/-])", _digit_by_digit),
        (r"(?<![\w.,:/$£€-])0\d+(?:[ .-]\d{2,4})*(?![\w:/-]|[.,]\d)", _digit_by_digit),
        (r"([$£€])(\d[\d.,]*) ?- ?[$£€]?(?=\d)", r"\2 to \1"),
        range_of_numbers("to"),
        # "2.0" is not heard as 2.
        (r"(?<![\w.,$£€])(\d+)\.0(?![\d.]| ?[$£€])", r"\1 point zero"),
        (r"(?<![\w.])\.(?=\d)", "0."),
        # Sums and measures
        (r"(?<=\d) ?¢", " cents"),
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
        (r"(?<=\d) ?sq\.? ?ft\b", " square feet"),
        (r"(?<=\d) ?ft\b", " feet"),
        (r"(?<=\d)'(?=\d)", " foot "),
        (r"(?<=\d) ?hrs?\b", " hours"),
        (r"(?<=\d) ?mins?\b", " minutes"),
        (r"(?<=\d) ?secs?\b", " seconds"),
        (r"(?<=\d) ?kb\b", " kilobytes"),
        (r"(?<=\d) ?mb\b", " megabytes"),
        (r"(?<=\d) ?gb\b", " gigabytes"),
        (r"(?<=\d) ?tb\b", " terabytes"),
        (r"(?<=\d) ?([kmg]?)hz\b", lambda match: f" {_METRIC[match[1]]}hertz"),
        (r"(?<=\d) ?kwh\b", " kilowatt hours"),
        (r"(?<=\d) ?kw\b", " kilowatts"),
        (r"(?<=\d) ?ml\b", " milliliters"),
        (r"° ?c\b", " degrees celsius"),
        (r"° ?f\b", " degrees fahrenheit"),
        (r"°", " degrees "),
    )
)
_UNITS = (
    "degree hour kilometer centimeter millimeter meter kilogram gram ounce minute second kilobyte"
    " megabyte gigabyte terabyte kilowatt milliliter"
)
# "10 km" is said as "ten kilometers", and as "a ten kilometer run".
_AFTER = table(
    (r"\banumber\b", ""),
    (r"(?<=\d) percents\b|(?<=\bone) percents\b", "%"),
    (r"\bpercents\b", "percent"),
    (rf"(\d|\bone)( square| cubic)? ({_UNITS.replace(' ', '|')})s\b", r"\1\2 \3"),
    (r"(\d|\bone) feet\b", r"\1 foot"),
    (r"(?<=\bkilometer )an(?= hour\b)|(?<=\bmiles )an(?= hour\b)", "per"),
    (r"(?<=[$£€])(\d+) (\d\d)\b(?!\.)", r"\1.\2"),
    (r"\+plus\b", "plus plus"),
    (rf"\b({_MONTH}) 1st\b", r"\1 one"),
    (rf"\b({_MONTH}) (\d+)(?:nd|rd|th)\b", r"\1 \2"),
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
    cased = rewritten(text, _CASED)
    return rewritten(" ".join(by_whisper(rewritten(cased.lower(), _BEFORE))), _AFTER).split()


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
