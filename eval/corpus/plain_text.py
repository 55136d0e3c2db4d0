"""Transcripts as text: of meetings, editors and recognisers, or simply what was said.

Three things are told from what was said, and only where the whole file is written that way: lines
of times, lines of names, and what stands above the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

from eval.corpus.cue_text import clock_ms
from eval.corpus.speaker_names import (
    CONTEXT,
    is_a_name,
    label_of,
    labels_of,
    looks_like_a_name,
    mostly_labelled,
    names_above,
    names_of,
)
from eval.corpus.transcript import Choices, Found, Label, Repair, Repaired, Segment

# Hours, minutes, seconds, frames: "0:03", "00:00:03.500", "01:00:03:12", "00;00;03;12"; "3.50s".
_TIME = (
    r"(?:\d{1,3}[:;]\d{2}(?:[:;]\d{2}){0,2}(?:[.,]\d{1,3})?(?:\s?[AaPp][Mm])?|\d{1,6}\.\d{1,3}s)"
)
_CLOCK = rf"[\[(]?\s?{_TIME}\s?[\])]?"
_IN_BRACKETS = rf"[\[(]\s?{_TIME}\s?[\])]"
_SPAN = rf"[\[(]?\s?{_TIME}(?:\s?[\])])?(?:\s*(?:-+>|[-–—])\s*(?:[\[(]\s?)?{_TIME})?\s?[\])]?"
_NAME = r"(?P<name>[^\W_][^:\n\[\]]{0,59}?)"
_HEADS = (
    re.compile(rf"\[(?P<name>[^\[\]:\n]{{1,60}})\]\s+{_CLOCK}"),  # Zoom: [Ann Lee] 10:05:12
    re.compile(rf"{_NAME}(?:\s{{2,}}|\t|\s*[\[(]){_CLOCK}:?"),  # Otter, Teams: Ann Lee  0:03
)
_LIKELY_HEADS = (
    re.compile(rf"{_NAME}\s(?=\d){_CLOCK}:?"),
    re.compile(rf"{_NAME}\s*{_IN_BRACKETS}:?\s+(?P<text>\S.*)"),  # Trint: Ann Lee [0:03] Hello
)
_LED_NAME = re.compile(rf"{_CLOCK}\s+(?:-\s+)?{_NAME}:?")  # Sonix: [0:03] Ann Lee
_LED = re.compile(rf"(?:{_SPAN}|[\[(]\d{{1,3}}:\d\d[^\])]*[\])])\s*[-–]?\s+(?=\S)")
_ALONE = re.compile(_SPAN)
_LENGTH = re.compile(
    rf"(?:(?!\d){_NAME}\s)?(?P<length>\d+\s(?:hour|heure|minute|seconde?)s?"
    r"(?:,?\s(?:and\s|et\s)?\d+\s(?:minute|seconde?)s?)*)"
)
"""A time in words, as pages have it for those who do not see them."""
_LYRICS = re.compile(r"\[\d{1,3}:\d\d[.:]\d{1,3}\]\s*|\[[a-z]{2,8}:[^\]]*\]$")
_MARKDOWN = re.compile(
    r"^#{1,6}\s+(?=\S)|(\*\*|__)(?=\S)(?P<bold>.+?)(?<=\S)\1|\\(?=[-_*#.()\[\]])"
)
_ADDED = re.compile(
    r"""Transcri(?:bed\ by|t\ par)\ https?://.*|Transcribed\ with\ noScribe.*|Audio\ file:\ .*\.\w+
    |(?:This\ editable|Cette)\ transcri.*(?:computer\ generated|générée\ par\ ordinateur).*
    |Transcription\ ended\ after\ .*|La\ transcription\ s['’]est\ terminée\ après\ .*
    |.*\ (?:started|stopped)\ transcription|.*\ a\ (?:démarré|arrêté)\ la\ transcription
    |Meeting\ (?:started|ended):?\ .*|La\ réunion\ (?:a\ commencé|s['’]est\ terminée).*
    |Detecting\ language\ using\ .*|Detected\ language(?::\ \w+|\ '\w+'\ with\ .*)
    |Automatically\ convert\ your\ .*\ with\ Sonix\..*
    |Search\ in\ video|Rechercher\ dans\ la\ vidéo
    |\w+\ \((?:auto-generated|générée?s?\ automatiquement)\)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Lines that products add."""
_HEADINGS = re.compile(
    r"""(?:(?:SUMMARY\ )?KEYWORDS|(?:RÉSUMÉ\ )?MOTS[- ]CLÉS|SPEAKERS|INTERVENANTS
    |Attendees|Participants|Invited|Invités)(?:\s?:.*)?|(?:.*[-–]\s|\W*)Transcript(?:ion)?""",
    re.VERBOSE,
)
"""Lines of products above what was said."""
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_SENTENCE_END = (".", "!", "?", "…")

_TIMED = 2
"""A file has times, rather than speech about times, if at least so many lines are times."""
_TITLE = 5
"""The most lines above the first speaker's name that are no speech, without a heading."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: a speaker's name, what they said, whether it has a time, and all of it."""

    number: int
    name: str
    text: str
    timed: bool
    line: str

    @property
    def only_time(self) -> bool:
        return self.timed and not self.name and not self.text


_END = _Line(0, "", "", True, "")


def read_text_transcript(text: str, choices: Choices) -> Found:
    """Return one segment for each speaker's turn, or one for all text if nobody is named."""
    lines = list[_Line]()
    for number, written in enumerate(map(str.strip, text.split("\n")), start=1):
        line = _MARKDOWN.sub(lambda match: match["bold"] or "", written)
        read = _line(number, line)
        if _ADDED.fullmatch(line.strip("*_")) or _ADDED.fullmatch(read.text):
            yield number, Repaired(Repair.PRODUCT_LINES)
        elif line:
            if line != written:
                yield number, Repaired(Repair.TAGS)
            lines.append(read)
    lines = _labelled(_timed(lines))
    begin, title = _begin(lines)
    yield from ((one.number, Repaired(Repair.PRODUCT_LINES)) for one in lines[:begin])
    yield from _turns(lines[begin:], title, choices.names)


def _line(number: int, line: str) -> _Line:
    if _ALONE.fullmatch(line):
        return _Line(number, "", "", True, line)
    for head in (*_HEADS, *_LIKELY_HEADS):
        match = head.fullmatch(line)
        if match and _is_name(match["name"], sure=head in _HEADS):
            said = match.groupdict().get("text", "")
            return _Line(number, match["name"].strip(), said, True, line)
    if (match := _LED_NAME.fullmatch(line)) and _is_name(match["name"], sure=False):
        return _Line(number, "", f"{match['name']}:", True, line)
    if match := _LYRICS.match(line) or _LED.match(line):
        return _Line(number, "", line[match.end() :], True, line)
    if (one := label_of(line)) and (match := re.fullmatch(rf"(.+?)\s*{_CLOCK}", one[0])):
        return _Line(number, match[1], one[1], True, line)
    return _Line(number, "", line, False, line)


def _is_name(name: str, *, sure: bool) -> bool:
    """Return whether what stands beside a time is a name: no date, and no speech about times."""
    likely = len(name.split()) <= 6 and not name.endswith(",") and not _YEAR.search(name)
    return likely and (sure or looks_like_a_name(name))


def _timed(lines: Sequence[_Line]) -> list[_Line]:
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
    if len(times) >= _TIMED:
        return _beside_times(lines)
    labelled = mostly_labelled([one.line for one in lines if not one.only_time])
    return [
        one if labelled and one.only_time else _Line(one.number, "", one.line, False, one.line)
        for one in lines
    ]


def _beside_times(lines: Sequence[_Line]) -> list[_Line]:
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
        for one, after in zip(found, [*found[1:], _END], strict=True)
    ]  # fmt: skip


def _same_time(clock: str, words: str) -> bool:
    units = {"h": 3600, "m": 60, "s": 1}
    seconds = sum(int(n) * units[unit] for n, unit in re.findall(r"(\d+)\s(\w)", words))
    return clock_ms(clock) == 1000 * seconds


def _labelled(lines: Sequence[_Line]) -> list[_Line]:
    """Write a name that has a line of its own before what follows it: "Ann: Hello"."""
    found, label, timed = list[_Line](), "", False
    names = _names_at_times(lines) or _names_alone(lines)
    for one, after in zip(lines, [*lines[1:], _END], strict=False):
        colon = one.text.endswith((":", "\uff1a")) and not _HEADINGS.fullmatch(one.line)
        alone = colon and not after.timed and label_of(f"{one.text} {after.text}")
        if one.number in names or alone:
            label += one.text.rstrip(": \uff1a") + ": "
            timed = one.timed or one.number in names
        elif label and one.text:
            found.append(replace(one, text=label + one.text, timed=timed))
            label = ""
        else:
            found.append(one)
    return found


def _names_at_times(lines: Sequence[_Line]) -> set[int]:
    """Return the lines that are names, if all lines of times have one below them, or above."""
    times = [n for n, one in enumerate(lines) if one.only_time]
    ends = [*times[1:], len(lines)]
    below = [lines[time + 1 : end] for time, end in zip(times, ends, strict=False)]
    above = [
        [*lines[max(0, time - 1) : time], *lines[time + 1 : end - (end < len(lines))]]
        for time, end in zip(times, ends, strict=False)
    ]
    for turns in (below, above):
        if names_above([[one.text for one in turn] for turn in turns]):
            return {one.number for one, *rest in turns if rest and is_a_name(one.text)}
    return set()


def _names_alone(lines: Sequence[_Line]) -> set[int]:
    """Return the lines that are names above what was said: a third of all lines, and some again."""
    alone = {
        one.number: one.line
        for one, after in pairwise(lines)
        if is_a_name(one.line) and after.line and not is_a_name(after.line)
    }
    often = 3 * len(alone) >= len(lines) and not any(one.timed for one in lines)
    return set(alone) if often and len(set(alone.values())) < len(alone) else set()


def _begin(lines: Sequence[_Line]) -> tuple[int, int]:
    """Return how many lines above what was said are a product's, and how many more a title."""
    above = takewhile(lambda one: not _spoken([one]), lines)
    headings = [n for n, one in enumerate(above) if _HEADINGS.fullmatch(one.line)]
    top = headings[-1] + 1 if headings else 0
    named = [n for n, one in enumerate(lines) if one.name and n >= top]
    if len(named) >= _TIMED:
        first = named[0]
    else:
        begins = (n for n, one in enumerate(lines) if n >= top and (one.timed or _label(one)))
        first = next(begins, 0)
    texts = [one.text for one in lines[first:] if one.text]
    regular = bool(texts) and (mostly_labelled(texts) or any(one.timed for one in lines))
    if not regular or not 0 < first <= top + _TITLE:
        return 0, 0
    certain = bool(headings) or len(named) >= _TIMED
    return (first, 0) if certain and not _spoken(lines[top:first]) else (top, first - top)


def _spoken(lines: Sequence[_Line]) -> bool:
    """Return whether lines look more like speech than like a title."""
    return any(one.text.endswith(_SENTENCE_END) or (one.timed and one.text) for one in lines)


def _label(line: _Line) -> bool:
    label = label_of(line.text)
    return bool(label and looks_like_a_name(label[0]))


def _turns(lines: Sequence[_Line], title: int, names: frozenset[str] | None) -> Found:
    above = " ".join(one.text for one in lines[:title])
    texts = [one.text for one in lines[title:] if one.text]
    begins = [one.text for one in lines[title:] if one.text and one.timed]
    known = names_of(begins if len(begins) >= _TIMED else texts) if names is None else names
    if above:
        _, after = label_of(texts[0]) or ("", texts[0])
        named = not _spoken(lines[:title])
        after = " ".join(after.split()[:CONTEXT])
        yield 1, Label(above, "", after, named, Repair.PRODUCT_LINES)
        if above in names if names is not None else named:
            yield from ((one.number, Repaired(Repair.PRODUCT_LINES)) for one in lines[:title])
            lines = lines[title:]
    yield from ((1, label) for label in labels_of(texts, known))
    said = [_named(one, known) for one in lines]
    yield from ((one.number, Repaired(Repair.NAMES, one.name)) for one in said if one.name)
    if any(one.name for one in said):
        for number, speaker, parts in _by_speaker(said):
            yield number, Segment(" ".join(" ".join(parts).split()), speaker)
        return
    if any(one.timed for one in lines):
        yield lines[0].number, Repaired(Repair.PRODUCT_LINES)
    yield 1, Segment(" ".join(" ".join(one.text for one in lines).split()))


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
