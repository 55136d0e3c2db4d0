"""WebVTT, SubRip and YouTube's SBV as they are found: cues are where lines of times are.

Neither webvtt-py, which refuses a file with one fault, nor pysubs2, which takes a spoken number at
the end of a SubRip caption for the number of the next one, says what it mends; the tests compare
with both where a file has no fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from eval.corpus.cue_text import clock_ms, plain, timed_words, voices
from eval.corpus.spoken_words import RefWord
from eval.corpus.transcript import Repair, Repaired, Skipped

_TIME = r"(?:\d{1,4}:)?\d{1,3}:\d{1,2}(?:[.,;]\d{1,9})?|\d{1,7}[.,]\d{1,9}|(?:\d{1,4}:){3}\d{1,3}"
_ARROW_HEAD = r"[-\u2010-\u2015\u2212]\s?(?:>|&gt;)|[→⟶]|=>"
_ARROW = rf"[-\u2010-\u2015\u2212]*(?:{_ARROW_HEAD})"
_SETTING = re.compile(r"\w+:\S*")
_TIMING = re.compile(rf"\s*({_TIME})\s*(?:{_ARROW})\s*({_TIME})(?:\s(?P<rest>.*))?")
_SBV = re.compile(r"\s*(\d+:\d\d:\d\d\.\d{1,3}),(\d+:\d\d:\d\d\.\d{1,3})\s*")
_BROKEN = re.compile(_ARROW_HEAD)
_STRICT = {
    True: re.compile(
        r"(?:\d{2,}:)?\d\d:\d\d\.\d{3}[ \t]+-->[ \t]+(?:\d{2,}:)?\d\d:\d\d\.\d{3}\b.*"
    ),
    False: re.compile(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\b.*"),
}
_SPACED = re.compile(r"(?<=\d)\s*([:.,])\s*(?=\d)")
_HEADER = re.compile(r"[\w-]+\s?[:=]\s?\S*$")  # Kind: captions, X-TIMESTAMP-MAP=…
_COMMENTS = ("NOTE", "STYLE", "REGION")
_NUMBERED = 0.8
"""Share of captions that have a number above them in a file that numbers its captions."""


_NAME_WORDS = 2
"""A caption's name of more words than this, unlike the others, is likely text in a wrong place."""
_WEBEX = re.compile(r'\d+ "(?P<speaker>[^"]+)" \(\d+\)')
"""Webex's names of captions: 1 "Ann Lee" (1000)."""


@dataclass(frozen=True, slots=True)
class Block:
    """One voice of a cue. text: plain, with "\\n" where the file breaks the line.

    line: the line of its times, from 1. Times in ms. words: timed words, if the text has times.
    """

    line: int
    id: str
    start_ms: int
    end_ms: int
    text: str
    speaker: str = ""
    words: tuple[RefWord, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a cue is: its first line (with its name), its line of times, and the times.

    odd: the name is likely text, because those of other captions are not like it.
    """

    begin: int
    at: int
    times: tuple[int, int] | None
    name: str = ""
    odd: bool = False


Event = tuple[int, Block | Repaired | Skipped]


def is_timing(line: str) -> bool:
    """Return whether a line gives a caption's times."""
    return bool(_times(line))


def read_cues(text: str) -> Iterator[Event]:
    """Return the cues of a file in order, one block for each voice, and what was mended.

    text: with "\\n" line ends, without a BOM.
    """
    lines = text.split("\n")
    webvtt = text.lstrip().startswith("WEBVTT")
    places = list(_places(lines, webvtt=webvtt))
    yield from _head(lines[: places[0].begin if places else len(lines)], webvtt=webvtt)
    ends = [*(place.begin for place in places[1:]), len(lines)]
    for place, end in zip(places, ends, strict=False):  # one end too many without a cue
        yield from _cue(lines, place, end, webvtt=webvtt)


def _head(lines: list[str], *, webvtt: bool) -> Iterator[Event]:
    """Name what stands above the first cue and is neither header nor comment."""
    for number, (at, chunk) in enumerate(_chunks(lines, 0)):
        if webvtt and chunk[0].startswith(_COMMENTS):
            continue
        if webvtt and number == 0:
            chunk = [line for line in chunk[1:] if not _HEADER.match(line)]
        if chunk:
            yield at + 1, Skipped("neither a caption nor a note: no line of times", len(chunk))


def _cue(lines: list[str], place: _Place, end: int, *, webvtt: bool) -> Iterator[Event]:
    yield from _about_the_line(lines, place, webvtt=webvtt)
    body, events = _body(lines, place, end, webvtt=webvtt)
    if place.times is None:
        count = 1 + sum(bool(line.strip()) for line in body)
        yield place.at + 1, Skipped("no caption: its time line cannot be read", count)
        return
    yield from events
    start, stop = place.times
    if stop < start:
        yield place.at + 1, Repaired(Repair.ENDS)
    joined = "\n".join(body)
    webex = _WEBEX.fullmatch(place.name)
    for speaker, said in voices(joined):
        speaker = speaker or (webex["speaker"] if webex else "")
        shown, repairs = plain(said)
        yield from ((place.at + 1, Repaired(repair)) for repair in repairs)
        if shown or not joined.strip():
            stop = max(start, stop)
            words = timed_words(said, start, stop)
            yield place.at + 1, Block(place.at + 1, place.name, start, stop, shown, speaker, words)


def _about_the_line(lines: list[str], place: _Place, *, webvtt: bool) -> Iterator[Event]:
    line = lines[place.at].strip()
    if place.times and not _STRICT[webvtt].fullmatch(line) and not _SBV.fullmatch(line):
        yield place.at + 1, Repaired(Repair.TIMES)
    match = _TIMING.fullmatch(line)
    if match and any(not _SETTING.fullmatch(one) for one in (match["rest"] or "").split()):
        yield place.at + 1, Skipped("not shown: text behind the times; put it below them")
    if place.odd:
        why = "not shown: a line above the times is a caption's name; put text below them"
        yield place.begin + 1, Skipped(why)
    above = lines[place.begin - 1] if place.begin else ""
    header = webvtt and not any(not line.strip() for line in lines[: place.begin])
    if above.strip() and not header:
        yield place.begin + 1, Repaired(Repair.NO_SEPARATOR)
    elif above and not header:
        yield place.begin, Repaired(Repair.SPACES)


def _body(
    lines: list[str], place: _Place, end: int, *, webvtt: bool
) -> tuple[list[str], list[Event]]:
    """Return the lines of a cue's text; what is behind a blank line belongs to it too."""
    body: list[str] = []
    events: list[Event] = []
    for at, chunk in _chunks(lines[place.at + 1 : end], place.at + 1, only_empty=webvtt):
        if webvtt and chunk[0].startswith(_COMMENTS):
            continue
        number = place.name.isdecimal() and chunk[0].strip().isdecimal()
        if body and number and int(chunk[0]) == int(place.name) + 1 and len(chunk) > 1:
            events.append((at + 1, Skipped("no caption: no line of times", len(chunk))))
            continue
        if any(line.strip() for line in body):
            events.append((at, Repaired(Repair.GAP)))
        body += chunk
    return body, events


def _chunks(
    lines: list[str], first: int, *, only_empty: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Return the runs of lines between blank ones, each with the index of its first line.

    only_empty: a line of spaces is text, as in WebVTT.
    """
    chunk: list[str] = []
    for index, line in enumerate([*lines, ""], start=first):
        if line if only_empty else line.strip():
            chunk.append(line)
        elif chunk:
            if any(line.strip() for line in chunk):
                yield index - len(chunk), chunk
            chunk = []


def _places(lines: list[str], *, webvtt: bool) -> Iterator[_Place]:
    stamps = [n for n, line in enumerate(lines) if _times(line) or _is_broken(lines, n)]
    above = [lines[n - 1].strip() for n in stamps if n]
    numbers = sum(line.isdecimal() for line in above)
    numbered = bool(stamps) and numbers >= _NUMBERED * len(stamps)
    shapes = Counter(map(_shape, above))
    usual = shapes.most_common(1)[0][0] if shapes else ""
    names = [
        _name(lines, at, before, numbered=numbered, usual=usual)
        for before, at in pairwise([-1, *stamps])
    ]
    forms = Counter(map(_form, filter(None, names)))
    regular = {
        form for form, n in forms.items() if "0" in form and n > 1 and n >= _NUMBERED * len(stamps)
    }
    for at, name in zip(stamps, names, strict=True):
        # WebVTT alone has names that are no numbers.
        odd = bool(name and not name.isdecimal()) and (not webvtt or usual == "0")
        odd |= bool(name and _is_text(name) and _form(name) not in regular)
        yield _Place(at - (name is not None), at, _times(lines[at]), name or "", odd)


def _is_text(name: str) -> bool:
    return len(name.split()) > _NAME_WORDS and not _WEBEX.fullmatch(name)


def _form(name: str) -> str:
    """Return what is common to names that only count: "part 7 of 9", "part 8 of 9"."""
    return re.sub(r"\d+", "0", name)


def _name(lines: list[str], at: int, before: int, *, numbered: bool, usual: str) -> str | None:
    """Return the name or number of the cue, which stands above its times; None if none does."""
    if at - 1 <= before or not (name := lines[at - 1].strip()) or name.startswith("WEBVTT"):
        return None
    own_block = at < 2 or (at - 2 > before and not lines[at - 2].strip())
    if own_block and not numbered:
        return name
    if numbered:
        return name if name.isdecimal() else None
    # Without a blank line between cues, a name is told by its likeness to the others.
    return name if usual and _shape(name) == usual and any(map(str.isdecimal, usual)) else None


def _shape(name: str) -> str:
    return re.sub(r"[0-9a-fA-F]{2,}|\d", "0", name) if len(name.split()) == 1 else ""


def _is_broken(lines: list[str], at: int) -> bool:
    """Return whether a line that has an arrow was meant to give times."""
    line = lines[at]
    if not _BROKEN.search(line):
        return False
    above = lines[at - 1].strip() if at else ""
    return ("-->" in line and (not above or above.isdecimal())) or bool(
        re.match(rf"\s*(?:{_TIME})\s*(?:{_ARROW})", line)
    )


def _times(line: str) -> tuple[int, int] | None:
    if not (match := _SBV.fullmatch(line)):
        if line[:1].isdecimal() or line[:1].isspace():
            line = _SPACED.sub(r"\1", line)  # translators' programs put spaces there
        match = _TIMING.fullmatch(line)
    if not match:
        return None
    start, end = (_ms(match[n]) for n in (1, 2))
    return None if start is None or end is None else (start, end)


FRAMES_A_SECOND = 25


def _ms(text: str) -> int | None:
    if text.count(":") == 3:  # the last are frames
        clock, _, frames = text.rpartition(":")
        ms = clock_ms(clock)
        return None if ms is None else ms + int(frames) * 1000 // FRAMES_A_SECOND
    return clock_ms(text)
