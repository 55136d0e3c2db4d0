"""Lines of a transcript, and which of them hold times rather than speech about times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from eval.corpus.cue_text import clock_ms
from eval.corpus.speaker_names import is_surely_a_name, label_of, looks_like_a_name, mostly_labelled

# Hours, minutes, seconds, frames: "0:03", "00:00:03.500", "01:00:03:12", "00;00;03;12"; "3.50s".
_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4},?\s+"  # of chats: [30/11/2026, 10:02:11] Ann: Hello
_TIME = (
    rf"(?:(?:{_DATE})?\d{{1,3}}[:;]\d{{2}}(?:[:;]\d{{2}}){{0,2}}(?:[.,]\d{{1,3}})?"
    r"(?:\s?[AaPp][Mm])?|\d{1,6}\.\d{1,3}s)"
)
_CLOCK = rf"[\[(]?\s?{_TIME}\s?[\])]?"
_IN_BRACKETS = rf"[\[(]\s?{_TIME}\s?[\])]"
_SPAN = rf"[\[(]?\s?{_TIME}(?:\s?[\])])?(?:\s*(?:-+>|[-–—])\s*(?:[\[(]\s?)?{_TIME})?\s?[\])]?"
_NAME = r"(?P<name>[^\W_][^:\n\[\]]{0,59}?)"
_HEADS = (
    re.compile(rf"\[(?P<name>[^\[\]:\n]{{1,60}})\]\s+{_CLOCK}"),  # Zoom: [Ann Lee] 10:05:12
    re.compile(rf"{_NAME}(?:\s{{2,}}|\t|\s*[\[(]){_CLOCK}:?"),  # Otter, Teams: Ann Lee  0:03
    re.compile(  # Zoom's chat: 10:02:11 From Ann Lee to Everyone: Hello
        rf"{_CLOCK}\s+(?:From|De|Von)\s+{_NAME}(?:\s+(?:[Tt]o|[AaÀàÁá]n?)\s[^:]{{1,60}}?)?\s?:"
        r"(?:\s+(?P<text>\S.*))?"
    ),
)
_LIKELY_HEADS = (
    re.compile(rf"{_NAME}\s?[,–—|-]\s*{_CLOCK}(?:\s*[:–—|-]+\s*(?P<text>\S.*))?"),
    re.compile(rf"{_NAME}\s(?=\d){_CLOCK}:?"),
    re.compile(rf"{_NAME}\s*{_IN_BRACKETS}:?\s+(?P<text>\S.*)"),  # Trint: Ann Lee [0:03] Hello
)
_LED_NAME = re.compile(rf"{_CLOCK}\s+(?:-\s+)?{_NAME}:?")  # Sonix: [0:03] Ann Lee
_LED = re.compile(rf"(?:{_SPAN}|[\[(]\d{{1,3}}:\d\d[^\])]*[\])])\s*[-–—|]?\s+(?=\S)")
_ALONE = re.compile(_SPAN)
_LENGTH = re.compile(
    rf"(?:(?!\d){_NAME}\s)?(?P<length>\d+\s(?:hour|heure|minute|seconde?)s?"
    r"(?:,?\s(?:and\s|et\s)?\d+\s(?:minute|seconde?)s?)*)"
)
"""A time in words, as pages have it for those who do not see them."""
_LYRICS = re.compile(r"\[\d{1,3}:\d\d[.:]\d{1,3}\]\s*|\[[a-z]{2,8}:[^\]]*\]$")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
TIMED = 2
"""A file has times, rather than speech about times, if at least so many lines are times."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a speaker's name, what they said, whether it has a time, and all of it.

    bold: the beginning of the text that is written so, if any.
    """

    number: int
    name: str
    text: str
    timed: bool
    line: str
    bold: str = ""

    @property
    def only_time(self) -> bool:
        return self.timed and not self.name and not self.text


END = Line(0, "", "", True, "")


def line_of(number: int, line: str) -> Line:
    if _ALONE.fullmatch(line):
        return Line(number, "", "", True, line)
    for head in (*_HEADS, *_LIKELY_HEADS):
        match = head.fullmatch(line)
        if match and _is_name(match["name"], sure=head in _HEADS):
            said = match.groupdict().get("text") or ""
            return Line(number, match["name"].strip(), said, True, line)
    if (match := _LED_NAME.fullmatch(line)) and _is_name(match["name"], sure=False):
        return Line(number, "", f"{match['name']}:", True, line)
    if match := _LYRICS.match(line) or _LED.match(line):
        return Line(number, "", line[match.end() :], True, line)
    if (one := label_of(line)) and (match := re.fullmatch(rf"(.+?)\s*{_CLOCK}", one[0])):
        return Line(number, match[1], one[1], True, line)
    return Line(number, "", line, False, line)


def _is_name(name: str, *, sure: bool) -> bool:
    """Return whether what stands beside a time is a name: no date, and no speech about times."""
    likely = len(name.split()) <= 6 and not name.endswith(",") and not _YEAR.search(name)
    return likely and (sure or looks_like_a_name(name))


def timed(lines: Sequence[Line]) -> list[Line]:
    """Take times for times only in a file that has several, or has names before all texts."""
    times = {one.number for one in lines if one.timed}
    labels = [label_of(one.line) for one in lines]
    behind = [_LED.match(label[1]) if label else None for label in labels]
    if sum(map(bool, behind)) == sum(map(bool, labels)):  # Speaker 1: 0:03 Hello
        times |= {one.number for one, led in zip(lines, behind, strict=True) if led}
        lines = [
            replace(one, name="", text=f"{label[0]}: {label[1][led.end() :]}", timed=True)
            if label and led else one
            for one, label, led in zip(lines, labels, behind, strict=True)
        ]  # fmt: skip
    first = lines[0] if lines else END
    alone = first.timed and not first.text and is_surely_a_name(first.name)  # one who speaks alone
    if len(times) >= TIMED or alone:
        return _beside_times(lines)
    labelled = mostly_labelled([one.line for one in lines if not one.only_time])
    return [
        one
        if labelled and one.only_time
        else Line(one.number, "", one.line, False, one.line, one.bold)
        for one in lines
    ]


def _beside_times(lines: Sequence[Line]) -> list[Line]:
    """Take for times too what pages write beside one: the same in words, and a name alone."""
    found = list(lines)
    for n, one in enumerate(lines):
        beside = [other for other in lines[max(0, n - 1) : n + 2] if other.only_time]
        match = _LENGTH.fullmatch(one.line)
        if match and any(_same_time(other.line, match["length"]) for other in beside):
            found[n] = replace(one, name=match["name"] or "", text="", timed=True)
    names = {one.name for one in found if one.name}
    return [
        replace(one, name=one.text, text="")
        if one.text in names and after.number and after.only_time else one
        for one, after in zip(found, [*found[1:], END], strict=True)
    ]  # fmt: skip


def _same_time(clock: str, words: str) -> bool:
    units = {"h": 3600, "m": 60, "s": 1}
    seconds = sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)\s(\w)", words))
    return clock_ms(clock) == 1000 * seconds
