"""Checks a file against the rules of WebVTT (https://www.w3.org/TR/webvtt1/, section 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.corpus.cue_text import clock_ms

_ARROW = "-->"
_STRICT = re.compile(r"(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}")
_TAG = re.compile(r"<(/?[^<>]*)>|\{\\[^}]*\}")  # the last: SubRip's positions
_INLINE = re.compile(r"<((?:\d+:)?\d\d:\d\d\.\d{3})>")
_KNOWN_TAGS = {"c", "i", "b", "u", "ruby", "rt", "v", "lang"}
_SETTINGS = {"vertical", "line", "position", "size", "align", "region"}
_BLOCKS_APART = ("NOTE", "STYLE", "REGION")


def check(text: str) -> Iterator[tuple[int, str]]:
    """Give line and sentence for each violation; none if a strict parser accepts the file."""
    lines = text.split("\n")
    if not re.match(r"\ufeff?WEBVTT(?:[ \t]|$)", lines[0]):
        yield 1, "does not begin with WEBVTT"
    elif len(lines) > 1 and lines[1].strip() and _ARROW not in lines[1]:
        pass  # header lines of older versions, such as X-TIMESTAMP-MAP, which HLS uses
    seen: dict[str, int] = {}
    latest = 0
    cues = False
    for number, block in _blocks(text):
        at = next((n for n, line in enumerate(block) if _ARROW in line), None)
        if at is None:
            kind = block[0].split()[0] if block[0].split() else ""
            if kind in ("STYLE", "REGION") and cues:
                yield number, f"{kind} after the first cue"
            elif number > 1 and kind not in _BLOCKS_APART:
                yield number, "neither a cue nor a note: no line of times"
            continue
        cues = True
        yield from _check_times(number + at, block[at])
        start, _ = _times(block[at])
        if start is not None:
            if start < latest:
                yield number + at, "starts before the cue above it"
            latest = max(latest, start)
        if at > 1:
            yield number, "more than one line above the times"
        if at and (name := block[at - 1].strip()):
            if name in seen:
                yield number, f"the id {name!r} is that of line {seen[name]} too"
            seen.setdefault(name, number)
        yield from _check_text(number + at + 1, block[at + 1 :], _times(block[at]))


def _check_times(line: int, text: str) -> Iterator[tuple[int, str]]:
    before, _, after = text.partition(_ARROW)
    end, *settings = after.split() or [""]
    for time in (before.strip(), end):
        if not _STRICT.fullmatch(time):
            yield line, f"{time!r} is not a time of the form 00:00:00.000"
    if not (before.endswith((" ", "\t")) and after.startswith((" ", "\t"))):
        yield line, "no space around -->"
    begin, stop = _times(text)
    if begin is not None and stop is not None and stop <= begin:
        yield line, "ends before it starts"
    for setting in settings:
        name, colon, value = setting.partition(":")
        if name not in _SETTINGS or not colon or not value:
            yield line, f"{setting!r} is not a cue setting"


def _check_text(
    line: int, body: list[str], times: tuple[int | None, int | None]
) -> Iterator[tuple[int, str]]:
    latest, end = times
    for number, text in enumerate(body, start=line):
        if _ARROW in text:
            yield number, "--> inside a text"
        for tag in _TAG.finditer(text):
            yield from ((number, wrong) for wrong in _check_tag(tag[0]))
        for inline in _INLINE.finditer(text):
            at = clock_ms(inline[1])
            if latest is not None and end is not None and at is not None:
                if not latest < at < end:
                    yield number, f"the time {inline[1]} does not increase inside its cue"
                latest = at
        rest = _TAG.sub("", text)
        if "<" in rest:
            yield number, "a < that is not written as &lt;"
        if re.search(r"&(?!(?:amp|lt|gt|nbsp|lrm|rlm|#\d+|#x[0-9a-fA-F]+|\w+);)", rest):
            yield number, "an & that is not written as &amp;"
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
            yield number, "a control character"


def _check_tag(tag: str) -> Iterator[str]:
    if tag.startswith("{") or _INLINE.fullmatch(tag):
        return
    name = re.split(r"[\s.]", tag.strip("<>").lstrip("/"), maxsplit=1)[0]
    if name not in _KNOWN_TAGS:
        yield f"{tag!r} is not a WebVTT tag"
    elif name == "v" and not tag.startswith("</") and not re.search(r"\s\S", tag.strip("<>")):
        yield "a voice without a name"


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Return the blocks between blank lines, each with the number of its first line."""
    block: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        # A cue that follows without a blank line begins a block of its own.
        if block and (not line or (_ARROW in line and any(_ARROW in old for old in block))):
            yield number - len(block), block
            block = []
        if line:
            block.append(line)
    if block:
        yield len(text.split("\n")) + 1 - len(block) - (not text.split("\n")[-1]), block


def _times(line: str) -> tuple[int | None, int | None]:
    before, _, after = line.partition(_ARROW)
    return clock_ms(before), clock_ms((after.split() or [""])[0])
