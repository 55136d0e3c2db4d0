"""NIST's formats, as sclite and Kaldi write them: STM, CTM and RTTM, one thing a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from eval.corpus.spoken_words import RefWord
from eval.corpus.transcript import BadLine, Found, Repair, Repaired, Segment, Skipped

_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,12})?|\.\d{1,12}|\d(?:\.\d{1,12})?[eE][-+]?\d")
_LONGEST_S = 10_000_000
_SILENCE = {"<eps>", "<sil>", "!sil", "sil", "<s>", "</s>", "<silence>", "[sil]"}
_CTM = "expected path, channel, start, length and word; start and length in seconds"


def _rows(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith((";;", "#")):
            yield number, line


def read_stm(text: str) -> Found:
    """STM: recording channel speaker start end [<label>] text."""
    for number, line in _rows(text):
        try:
            yield number, _stm_line(line)
        except BadLine as error:
            yield number, Skipped(str(error))


def _stm_line(line: str) -> Segment:
    parts = line.split(maxsplit=5)
    if len(parts) < 5:
        raise BadLine("expected recording, channel, speaker, start, end and text")
    recording, _, speaker, start, end = parts[:5]
    text = re.sub(r"^<[^>]*>\s*", "", parts[5]) if len(parts) > 5 else ""
    if text.upper() == "IGNORE_TIME_SEGMENT_IN_SCORING":
        raise BadLine("to be ignored in scoring, it says")
    begin, stop = _ms(start), _ms(end)
    if stop < begin:
        raise BadLine(f"ends ({end}) before it starts ({start})")
    return Segment(" ".join(text.split()), speaker, begin, stop, recording=recording)


def read_rttm(text: str) -> Found:
    """RTTM: SPEAKER recording channel start length <NA> <NA> speaker …"""
    for number, line in _rows(text):
        parts = line.split()
        if parts[0] != "SPEAKER":
            continue
        if len(parts) < 8:
            yield (
                number,
                Skipped("expected SPEAKER, recording, channel, start, length, <NA>, <NA>, speaker"),
            )
            continue
        try:
            begin, length = _ms(parts[3]), _ms(parts[4])
        except BadLine as error:
            yield number, Skipped(str(error))
        else:
            yield number, Segment(None, parts[7], begin, begin + length, recording=parts[1])


@dataclass(frozen=True, slots=True)
class _Word:
    """One reading of a CTM line. sure: with a confidence, it is a number from 0 to 100."""

    recording: str
    channel: str
    start: float
    length: float
    word: str


def read_ctm(text: str) -> Found:
    """CTM: recording channel start length word [confidence].

    Whether the last column is a word or a confidence is decided for the whole file, because a word
    may be "9", "nan" or "infinity", and the name of a recording may contain spaces.
    """
    rows = [(number, line) for number, line in _rows(text)]
    readings = {number: _readings(line) for number, line in rows}
    usual, doubt = _layout([found for found in readings.values() if found])
    channels: dict[str, set[str]] = {}
    words: list[tuple[int, _Word]] = []
    alternative = 0  # 1: in the first of several words, 2: in another one
    for number, line in rows:
        if match := re.search(r"<ALT(_BEGIN|_END)?>(?:\s+\S+)?$", line):
            if match[1] is None and not alternative:
                yield number, Skipped("<ALT> without <ALT_BEGIN>")
                continue
            alternative = {"_BEGIN": 1, "_END": 0, None: 2}[match[1]]
            yield number, Repaired(Repair.ALTERNATIVES)
        elif not (found := readings[number]):
            yield number, Skipped(_CTM)
        elif alternative < 2:
            fits = found.get(usual) or next(iter(found.values()))
            if usual not in found:
                yield number, Repaired(Repair.COLUMNS)
            channels.setdefault(fits.recording, set()).add(fits.channel)
            words.append((number, fits))
    if doubt:
        yield 1, Skipped(doubt, 0)
    for number, one in words:
        if one.word.lower() in _SILENCE:
            yield number, Repaired(Repair.SILENCE)
        else:
            yield number, _segment(one, channels[one.recording])


def _segment(one: _Word, channels: set[str]) -> Segment:
    """Two channels of a recording are two sides of a conversation, so they are speakers."""
    begin, end = round(one.start * 1000), round((one.start + one.length) * 1000)
    speaker = one.channel if len(channels) > 1 else ""
    said = RefWord(one.word, begin, end)
    return Segment(one.word, speaker, begin, end, (said,), one.recording)


def _readings(line: str) -> dict[int, _Word]:
    """Return what a line says without a confidence (5 columns) and with one (6), if it can.

    Columns are counted from the right, because the name of the recording may contain spaces.
    """
    found: dict[int, _Word] = {}
    for columns in (5, 6):
        match line.rsplit(maxsplit=columns - 1):
            case [recording, channel, start, length, word, *confidence] if (
                len(confidence) == columns - 5
            ):
                times = [_seconds(start), _seconds(length)]
                likely = all(one.upper() == "NA" or _is_share(one) for one in confidence)
                if times[0] is not None and times[1] is not None and likely:
                    found[columns] = _Word(recording, channel, times[0], times[1], word)
    return found


def _is_share(text: str) -> bool:
    value = _seconds(text)
    return value is not None and value <= 100


def _layout(lines: Iterable[dict[int, _Word]]) -> tuple[int, str]:
    """Return how many columns the file's lines have, and a sentence if that is in doubt.

    The layout that fits most lines; if both fit equally, the one with fewer recordings and channels
    and with more words that follow each other.
    """
    lines = list(lines)
    ranks = {columns: _rank([one.get(columns) for one in lines]) for columns in (5, 6)}
    best = min(ranks, key=lambda columns: ranks[columns])
    equal = len(lines) > 0 and ranks[5] == ranks[6]
    doubt = (
        "the last column may be a word or a confidence; it was read as a word. Give all lines a "
        "confidence, or none"
    )
    return best, doubt if equal else ""


def _rank(words: list[_Word | None]) -> tuple[int, int, int]:
    places = Counter((one.recording, one.channel) for one in words if one)
    latest: dict[tuple[str, str], float] = {}
    stands = 0
    for one in words:
        if one:
            place = (one.recording, one.channel)
            stands += one.start <= latest.get(place, -1.0)
            latest[place] = one.start
    return words.count(None), len(places), stands


def _seconds(text: str) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if value <= _LONGEST_S else None


def _ms(text: str) -> int:
    value = _seconds(text)
    if value is None:
        raise BadLine(f"{text!r} is not a time in seconds")
    return round(value * 1000)


def joined(segments: Iterable[Segment]) -> list[Segment]:
    """Return the segments of several recordings as one recording: one after the other."""
    found: list[Segment] = []
    recording, begin, end = "", 0, 0
    for segment in segments:
        if segment.recording != recording:
            recording, begin = segment.recording, end
        moved = replace(
            segment,
            recording="",
            start_ms=None if segment.start_ms is None else segment.start_ms + begin,
            end_ms=None if segment.end_ms is None else segment.end_ms + begin,
            words=tuple(word.later(begin) for word in segment.words),
        )
        end = max(end, moved.end_ms or 0)
        found.append(moved)
    return found
