"""Transcripts as text: of Zoom, Teams, Google Meet and Otter, or simply what was said.

Names and times are told from what was said only where the whole file is written that way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from eval.corpus.speaker_names import label_of, labels_of, names_of
from eval.corpus.transcript import Choices, Found, Repair, Repaired, Segment

_CLOCK = r"[\[(]?\s?\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?(?:\s?[AaPp][Mm])?\s?[\])]?"
_NAME = r"(?P<name>[^\W_][^:\n\[\]]{0,59}?)"
_HEADS = (
    re.compile(rf"\[(?P<name>[^\[\]:\n]{{1,60}})\]\s+{_CLOCK}"),  # Zoom: [Ann Lee] 10:05:12
    re.compile(
        rf"{_NAME}(?:\s{{2,}}|\t|\s*[\[(]|\s(?=\d)){_CLOCK}:?"
    ),  # Otter, Teams: Ann Lee  0:03
    re.compile(rf"{_CLOCK}\s+(?:-\s+)?{_NAME}:?"),  # 0:03 Ann Lee
)
_LED = re.compile(
    rf"(?:{_CLOCK}(?:\s*-+>\s*{_CLOCK})?\]?|[\[(]\d{{1,3}}:\d\d[^\])]*[\])])\s*[-–]?\s+(?=\S)"
)
_ALONE = re.compile(rf"{_CLOCK}(?:\s*(?:-+>|[-–])\s*{_CLOCK})?")
_LYRICS = re.compile(r"\[\d{1,3}:\d\d[.:]\d{1,3}\]\s*|\[[a-z]{2,8}:[^\]]*\]$")
_ADDED = re.compile(
    r"Transcribed by https?://otter\.ai.*|Transcription ended after .*|.* started transcription"
    r"|.* stopped transcription|This editable transcript was computer generated.*"
    r"|La transcription s['’]est terminée après .*|Meeting (?:started|ended):? .*",
    re.IGNORECASE,
)
_TIMED = 2
"""A file has times, rather than speech about times, if at least so many lines are times."""


_TITLE = 5
"""The most lines above the first speaker's name that are no speech."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: a speaker's name, what they said, and whether it has a time."""

    number: int
    name: str
    text: str
    timed: bool
    line: str = ""


def read_text_transcript(text: str, choices: Choices) -> Found:
    """Return one segment for each speaker's turn, or one for all text if nobody is named."""
    rows, lines, times = list[tuple[int, str]](), list[_Line](), 0
    for number, line in enumerate(map(str.strip, text.split("\n")), start=1):
        read = _line(number, line)
        times += read.timed
        if _ADDED.fullmatch(line) or _ADDED.fullmatch(read.text):
            yield number, Repaired(Repair.PRODUCT_LINES)
        elif line:
            rows.append((number, line))
            lines.append(read)
    lines = _with_text(lines)
    if times >= _TIMED:
        begin = _after_attendees(rows) or _first_name(lines)
        yield from ((n, Repaired(Repair.PRODUCT_LINES)) for n, _ in rows[:begin])
        lines = lines[begin:]
    else:
        lines = [_Line(number, "", line, False) for number, line in rows]
    yield from _turns(lines, choices.names)


def _line(number: int, line: str) -> _Line:
    if _ALONE.fullmatch(line):
        return _Line(number, "", "", True)
    if match := _LYRICS.match(line):
        return _Line(number, "", line[match.end() :], True)
    for head in _HEADS:
        match = head.fullmatch(line)
        if match and len(match["name"].split()) <= 6 and not match["name"].endswith(","):
            return _Line(number, match["name"].strip(), "", True, line)
    if match := _LED.match(line):
        return _Line(number, "", line[match.end() :], True)
    if (one := label_of(line)) and (match := re.fullmatch(rf"(.+?)\s*{_CLOCK}", one[0])):
        return _Line(number, match[1], one[1], True)
    return _Line(number, "", line, False)


def _with_text(lines: list[_Line]) -> list[_Line]:
    """Take what follows a time for a name only where text follows it, and for text otherwise."""
    found = []
    for one, after in zip(lines, [*lines[1:], None], strict=False):
        alone = one.name and not one.text and (after is None or after.timed)
        led = alone and _LED.match(one.line)
        found.append(replace(one, name="", text=one.line[led.end() :]) if led else one)
    return found


def _after_attendees(rows: Sequence[tuple[int, str]]) -> int:
    """Google Meet begins with a title, and with who was there."""
    words = [line for _, line in rows]
    for first, last in (("Attendees", "Transcript"), ("Participants", "Transcription")):
        if first in words[:_TITLE]:
            begin = words.index(first)
            if last in words[begin : begin + _TITLE]:
                return words.index(last, begin) + 1
    return 0


def _first_name(lines: Sequence[_Line]) -> int:
    """Teams begins with the meeting's title, date and length."""
    named = [n for n, one in enumerate(lines) if one.name]
    begins = len(named) >= _TIMED and named[0] <= _TITLE
    return named[0] if begins and any(one.text for one in lines[named[0] :]) else 0


def _turns(lines: Sequence[_Line], names: frozenset[str] | None) -> Found:
    texts = [one.text for one in lines if one.text]
    if names is None:
        names = names_of(texts)
    yield from ((1, label) for label in labels_of(texts, names))
    said = [_named(one, names) for one in lines]
    yield from ((one.number, Repaired(Repair.NAMES, one.name)) for one in said if one.name)
    if any(one.name for one in said):
        for number, speaker, parts in _by_speaker(said):
            yield number, Segment(" ".join(" ".join(parts).split()), speaker)
        return
    if any(one.timed for one in lines):
        yield lines[0].number, Repaired(Repair.PRODUCT_LINES)
    yield 1, Segment(" ".join(" ".join(texts).split()))


def _named(line: _Line, names: frozenset[str]) -> _Line:
    if (found := label_of(line.text)) and found[0] in names:
        return replace(line, name=found[0], text=found[1])
    return line


def _by_speaker(lines: Sequence[_Line]) -> Iterator[tuple[int, str, list[str]]]:
    number, speaker, texts = 1, "", list[str]()
    for one in lines:
        if one.name and one.name != speaker:
            if texts:
                yield number, speaker, texts
            number, speaker, texts = one.number, one.name, []
        texts += [one.text] if one.text else []
    if texts:
        yield number, speaker, texts
