"""SubStation Alpha (Aegisub, ffmpeg), SAMI and MicroDVD. The only file that imports pysubs2.

pysubs2 gives up a whole file for one line that it cannot read, and takes SubStation's columns to be
in their usual order; so it gets one event at a time, with its columns in that order.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence

import pysubs2

from eval.corpus.cue_files import Block
from eval.corpus.cue_text import plain
from eval.corpus.transcript import Repair, Repaired, Skipped

_FIELDS = ["start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
_ORDER = {"ass": ["layer", *_FIELDS], "ssa": ["marked", *_FIELDS]}
_EVENT = re.compile(r"\s*(dialogue|comment)\s*:\s*(.*)", re.IGNORECASE)
_FORMAT = re.compile(r"\s*format\s*:\s*(.*)", re.IGNORECASE)
_STRAY = re.compile(r"\d:\d\d:\d\d[.,]\d+\s*,\s*\d+:\d\d:\d\d")
_SECTION = re.compile(r"\s*\[([^\]]*)\]\s*")

Events = Iterator[tuple[int, Block | Repaired | Skipped]]


def read_substation(text: str) -> Events:
    """Return the dialogue of an .ass or .ssa file; comments and drawings are not shown."""
    kind = "ssa" if re.search(r"^\[V4 Styles\]", text, re.MULTILINE | re.IGNORECASE) else "ass"
    section, columns = "", _ORDER[kind]
    if text.strip() and not re.search(r"^\s*\[events\]", text, re.MULTILINE | re.IGNORECASE):
        yield 1, Skipped("no caption: it has no [Events]", len(text.split("\n")))
    for number, line in enumerate(text.split("\n"), start=1):
        if match := _SECTION.fullmatch(line):
            section = match[1].lower()
        elif (match := _FORMAT.fullmatch(line)) and section == "events":
            columns = [
                name.strip().lower().replace("actor", "name") for name in match[1].split(",")
            ]
            if "text" not in columns:
                yield number, Skipped("has no column Text")
        elif match := _EVENT.fullmatch(line):
            if match[1].lower() == "dialogue":
                yield from _dialogue(number, match[2], columns, kind)
        elif _STRAY.search(line):
            yield number, Skipped("no caption: it has times, and is no Dialogue")
        elif section not in ("", "events") or line.lstrip().startswith((";", "!:")):
            continue
        elif line.strip():
            yield number, Skipped("neither Format, nor Dialogue, nor Comment")


def _dialogue(number: int, rest: str, columns: Sequence[str], kind: str) -> Events:
    fields = rest.split(",", len(columns) - 1)
    if len(fields) < len(columns) or not {"start", "end", "text"} <= {*columns}:
        yield number, Skipped(f"no caption: expected {len(columns)} columns")
        return
    cells = dict(zip(columns, fields, strict=True))
    usual = [cells.get(name, "" if name == "name" else "0") for name in _ORDER[kind]]
    event = _event(f"[Events]\nDialogue: {','.join(usual)}", kind)
    if event is None:
        yield number, Skipped("no caption: its times cannot be read")
        return
    if event.is_drawing:
        return
    shown, repairs = plain(event.plaintext)
    yield from ((number, Repaired(repair)) for repair in repairs)
    start = max(0, event.start)
    name = event.name.strip()
    yield number, Block(number, "", start, max(start, event.end), shown, name)


def _event(text: str, kind: str) -> pysubs2.SSAEvent | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of margins, which nobody needs here
            events = pysubs2.SSAFile.from_string(text, format_=kind).events
    except (ValueError, IndexError, OverflowError, pysubs2.Pysubs2Error):
        return None
    return events[0] if events else None


_SAMI_TIME = re.compile(r"<sync\b[^>]*?\bstart\s*=\s*[\"']?(\d{1,9})", re.IGNORECASE)
_LAST_MS = 3000
"""How long the last caption of a SAMI file stays, whose end is in no file."""
_SYNC = re.compile(r"(?=<sync\b)", re.IGNORECASE)
_SAMI_END = re.compile(r"</(?:body|sami)>.*", re.IGNORECASE | re.DOTALL)


def read_sami(text: str) -> Events:
    """Return the captions of a .smi file: each ends when the next one, or an empty one, begins."""
    head, *parts = _SYNC.split(text)
    line = 1 + head.count("\n")
    marks: list[tuple[int, int, str]] = []
    if head.strip() and (not parts or re.search(r"<p\b", head, re.IGNORECASE)):
        yield 1, Skipped("no caption: it has no <SYNC>", len(head.split("\n")))
    for part in parts:
        if match := _SAMI_TIME.match(part):
            body = _SAMI_END.sub("", part[part.find(">") + 1 :])
            marks.append((line, int(match[1]), plain(" ".join(body.split("\n")))[0]))
        else:
            yield line, Skipped("no caption: its time cannot be read", len(part.split("\n")))
        line += part.count("\n")
    ends = [*(start for _, start, _ in marks[1:]), (marks[-1][1] if marks else 0) + _LAST_MS]
    for (number, start, shown), end in zip(marks, ends, strict=False):
        if shown:
            yield number, Block(number, "", start, max(start, end), shown)


_MICRODVD = re.compile(r"\{(\d{1,9})\}\{(\d{0,9})\}(.*)")


def read_microdvd(text: str) -> Events:
    """Return the captions of a .sub file: {frame}{frame}text; the first line may have the rate."""
    rate = 25.0
    for number, line in enumerate(text.split("\n"), start=1):
        match = _MICRODVD.fullmatch(line.strip())
        if match and match[1] in "01" and re.fullmatch(r"\d\d(?:\.\d+)?", match[3].strip()):
            rate = float(match[3])
        elif match:
            yield number, Repaired(Repair.FRAMES)
            start, end = (
                round(1000 * int(frame or match[1]) / rate) for frame in match.groups()[:2]
            )
            shown = plain(match[3].replace("|", "\n"))[0]
            yield number, Block(number, "", start, max(start, end), shown)
        elif line.strip():
            yield number, Skipped("no caption: expected a line such as {10}{50}text")
