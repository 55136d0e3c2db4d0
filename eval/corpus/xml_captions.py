"""Captions in XML: TTML with its profiles (DFXP, IMSC, EBU-TT), and YouTube's timed text.

pysubs2 reads no TTML with the attribute dur, with times in frames or ticks, or in an older
namespace.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from xml.etree import ElementTree

from eval.corpus.cue_files import Block
from eval.corpus.cue_text import clock_ms, plain
from eval.corpus.transcript import LONGEST_MS, Repair, Repaired, Skipped

_OFFSET = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(h|ms|m|s|f|t)")
_FRAMES = re.compile(r"((?:\d{1,4}:)\d\d:\d\d):(\d{1,3}(?:\.\d+)?)")

Events = Iterator[tuple[int, Block | Repaired | Skipped]]


def read_xml(text: str) -> Events:
    """Return the captions of a file in order; a file that is no XML is skipped as a whole."""
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    try:
        # Without its declaration, whose encoding has been followed already.
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))
    except (ElementTree.ParseError, ValueError) as error:
        yield 1, Skipped(f"is not well-formed XML ({error})", lines)
        return
    name = _name(root)
    if name == "tt":
        yield from _ttml(root)
    elif name in ("timedtext", "transcript"):
        yield from _youtube(root)
    else:
        yield 1, Skipped(f"<{name}> is neither TTML nor YouTube's timed text", lines)


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _attribute(element: ElementTree.Element, name: str) -> str | None:
    found = (value for key, value in element.attrib.items() if key.rpartition("}")[2] == name)
    return next(found, None)


@dataclass(frozen=True, slots=True)
class _Rates:
    frames: float
    ticks: float


def _rate(root: ElementTree.Element, name: str, usual: float) -> float:
    with suppress(ValueError):
        rate = float(_attribute(root, name) or usual)
        if 0 < rate < math.inf:
            return rate
    return usual


def _ttml(root: ElementTree.Element) -> Events:
    rates = _Rates(_rate(root, "frameRate", 25.0), _rate(root, "tickRate", 1.0))
    names = dict(_agents(root))
    bodies = [one for one in root if _name(one) == "body"]
    for body in bodies:
        yield from _in_time(body, rates, names, 0, None)
    inside = sum(_name(one) == "p" for body in bodies for one in body.iter())
    if stray := sum(_name(one) == "p" for one in root.iter()) - inside:
        yield 1, Skipped("captions outside of <body>", stray)


def _agents(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    """Return the names of the people that ttm:agent refers to."""
    for agent in root.iter():
        if _name(agent) == "agent" and (key := _attribute(agent, "id")):
            text = " ".join(" ".join(agent.itertext()).split())
            yield key, text or key


def _in_time(
    element: ElementTree.Element,
    rates: _Rates,
    names: dict[str, str],
    begin_ms: int,
    end_ms: int | None,
    speaker: str = "",
) -> Events:
    """Times are counted from those of the element around them."""
    begin, end, dur = (_attribute(element, name) for name in ("begin", "end", "dur"))
    times = [_time(one, rates) if one else None for one in (begin, end, dur)]
    if any(one and time is None for one, time in zip((begin, end, dur), times, strict=True)):
        yield 1, Skipped(f"no caption: its times cannot be read: {begin} {end or dur}")
        return
    start = begin_ms + (times[0] or 0)
    stop = begin_ms + times[1] if times[1] is not None else end_ms
    stop = start + times[2] if times[2] is not None else stop
    agent = _attribute(element, "agent") or ""
    speaker = names.get(agent, agent) or speaker
    if _name(element) != "p":
        for child in element:
            yield from _in_time(child, rates, names, start, stop, speaker)
        return
    shown, repairs = plain(_text(element))
    yield from ((1, Repaired(repair)) for repair in repairs - {Repair.BREAKS})
    spans = [one for one in element if _attribute(one, "begin")]
    if begin is None and spans:  # times of the words alone
        start = min(begin_ms + (_time(_attribute(one, "begin") or "", rates) or 0) for one in spans)
    key = _attribute(element, "id") or ""
    if shown:
        yield 1, Block(1, key, start, max(start, stop or start), shown, speaker)


def _text(element: ElementTree.Element) -> str:
    parts = [" ".join((element.text or "").split("\n"))]
    for child in element:
        if _name(child) == "br":
            parts.append("<br>")
        elif _name(child) not in ("metadata", "set"):
            parts.append(_text(child))
        parts.append(" ".join((child.tail or "").split("\n")))
    return "".join(parts)


def _time(text: str, rates: _Rates) -> int | None:
    text = text.strip()
    if match := _OFFSET.fullmatch(text):
        unit = {"h": 3_600_000.0, "m": 60_000.0, "s": 1000.0, "ms": 1.0,
                "f": 1000 / rates.frames, "t": 1000 / rates.ticks}[match[2]]  # fmt: skip
        ms = round(float(match[1]) * unit)
        return ms if ms <= LONGEST_MS else None
    if match := _FRAMES.fullmatch(text):
        whole = clock_ms(match[1])
        return None if whole is None else whole + round(float(match[2]) * 1000 / rates.frames)
    return clock_ms(text)


def _youtube(root: ElementTree.Element) -> Events:
    """<text start dur> in seconds, or <p t d> in ms."""
    for element in root.iter():
        if _name(element) not in ("text", "p"):
            continue
        times = [element.get(name) for name in ("start", "dur", "t", "d")]
        start = clock_ms(times[0]) if times[0] else _whole(times[2])
        length = (clock_ms(times[1]) if times[1] else _whole(times[3])) or 0
        shown, _ = plain(_text(element))
        if start is None:
            yield 1, Skipped("no caption: its times cannot be read")
        elif shown:
            yield 1, Block(1, "", start, start + length, shown)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 11 else None
