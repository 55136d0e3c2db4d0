"""Finds when each word of a transcript was said, by forced alignment. English only.

The acoustic model is that of the package pocketsphinx, which only this file imports.
benchmarks.alignment measures its error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from pocketsphinx import Decoder

from eval.corpus.spoken_words import RefWord
from streaming.audio import Pcm

RATE = 16_000
FRAME_MS = 10
WORDS_MAX = 2_000
"""Limit for one recording, about ten minutes: the search grows with the number of words."""

LANGUAGE = "en"

_NUMBERED = re.compile(r"\(\d+\)$")  # alternative pronunciations in the dictionary


class NotAligned(Exception):
    """The words could not be found in the audio. The message says why, and what to do."""


class Aligner:
    """Finds the words of a transcript in its recording. Loads a model once: 0.5 s, 100 MB."""

    def __init__(self) -> None:
        self._decoder = Decoder(lm=None, loglevel="FATAL", silprob=0.1)

    def align(self, pcm: Pcm, transcript: str) -> tuple[RefWord, ...]:
        """Return the words of ``transcript``, as spelled there, in ms from the start of ``pcm``.

        pcm: float32[n] at 16 kHz. The resolution is 10 ms. Tokens without a letter or digit are
        left out. The pronunciation of a word that is not in the model's dictionary is derived from
        its letters. Raises NotAligned.
        """
        tokens = [(token, said) for token in transcript.split() if (said := spoken(token))]
        if not tokens:
            raise NotAligned("no words in the transcript")
        if sum(len(said) for _, said in tokens) > WORDS_MAX:
            raise NotAligned(f"more than {WORDS_MAX} words in one recording: cut it in parts")
        said = [self._known(word) for _, words in tokens for word in words]
        spans = self._spans(pcm, said)
        found: list[RefWord] = []
        for token, words in tokens:
            mine = [next(spans) for _ in words]
            found.append(RefWord(token, mine[0][0], mine[-1][1]))
        return tuple(found)

    def _known(self, word: str) -> str:
        """Return the word, after adding it to the dictionary if necessary."""
        if self._decoder.lookup_word(word) is None:
            self._decoder.add_word(word, " ".join(sounded_out(word)), True)
        return word

    def _spans(self, pcm: Pcm, words: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Return start and end of each word in ms. Raises NotAligned."""
        decoder = self._decoder
        decoder.set_align_text(" ".join(words))
        decoder.start_utt()
        decoder.process_raw(
            (np.clip(pcm, -1, 1) * 32_767).astype(np.int16).tobytes(), full_utt=True
        )
        decoder.end_utt()
        segments = [
            (
                _NUMBERED.sub("", one.word),
                one.start_frame * FRAME_MS,
                (one.end_frame + 1) * FRAME_MS,
            )
            for one in decoder.seg() or ()
            if not one.word.startswith(("<", "[", "+", "("))
        ]
        if [word for word, _, _ in segments] != list(words):
            raise NotAligned(
                "the transcript does not fit the sound: check that it says what is spoken"
            )
        return iter([(start, end) for _, start, end in segments])


_PART = re.compile(r"[a-z]+(?:['’][a-z]+)*['’]?|\d+(?:,\d{3})*")
_SMALL = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def spoken(token: str) -> list[str]:
    """Return the spoken words for one token of a transcript, in lower case without punctuation.

    "Well-known" → well, known; "B12" → b, twelve; "—" → nothing.
    """
    said: list[str] = []
    for part in _PART.findall(token.lower()):
        if part[0].isdigit():
            said += _read_out(part.replace(",", ""))
        else:
            said.append(part.replace("’", "'").rstrip("'"))
    return said


def _read_out(digits: str) -> list[str]:
    """Spell a number as it is usually read; by digits above a million or with a leading 0."""
    number = int(digits)
    if len(digits) > 6 or (digits[0] == "0" and number):
        return [_SMALL[int(digit)] for digit in digits]
    if 1100 <= number < 2000 or 2010 <= number < 2100:  # a year, most likely
        return _below_thousand(number // 100) + (_below_thousand(number % 100) or ["hundred"])
    if number >= 1000:
        return [*_below_thousand(number // 1000), "thousand", *_below_thousand(number % 1000)]
    return _below_thousand(number) or ["zero"]


def _below_thousand(number: int) -> list[str]:
    """Return nothing for 0."""
    if number >= 100:
        return [_SMALL[number // 100], "hundred", *_below_thousand(number % 100)]
    if number >= 20:
        return [_TENS[number // 10 - 2], *_below_thousand(number % 10)]
    return [_SMALL[number]] if number else []


# Letters to CMUdict phones, longest first: approximate, but sufficient for alignment.
_SOUNDS = {
    "tch": "CH", "sch": "SH", "igh": "AY",
    "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "gh": "G", "ck": "K", "qu": "K W", "wh": "W",
    "ng": "NG", "kn": "N", "wr": "R", "ee": "IY", "ea": "IY", "ie": "IY", "ei": "EY", "ai": "EY",
    "ay": "EY", "ey": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "au": "AO",
    "aw": "AO", "ew": "UW", "er": "ER", "ir": "ER", "ur": "ER", "ar": "AA R", "or": "AO R",
    "bb": "B", "cc": "K", "dd": "D", "ff": "F", "gg": "G", "ll": "L", "mm": "M", "nn": "N",
    "pp": "P", "rr": "R", "ss": "S", "tt": "T", "zz": "Z",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH",
    "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_PIECE = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))


def sounded_out(word: str) -> list[str]:
    """Return phones for an unknown word, letter by letter; at least one."""
    silent_e = len(word) > 3 and word.endswith("e") and word[-2] not in "aeiouy"
    pieces = _PIECE.findall(word[:-1] if silent_e else word)
    return [phone for piece in pieces for phone in _SOUNDS[piece].split()] or ["AH"]
