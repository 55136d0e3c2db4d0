"""What recognisers and video sites write as JSON or tables: Whisper, whisper.cpp, Vosk, YouTube."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval.corpus.cue_text import clock_ms, plain
from eval.corpus.spoken_words import RefWord
from eval.corpus.transcript import LONGEST_MS, Found, Repaired, Segment, Skipped

COLUMNS = {
    name: column
    for column, names in {
        "text": "text texte texto transcript transcription verbatim caption sous-titre parole"
        " paroles propos contenu content",
        "start": "start begin début debut inicio beginn",
        "end": "end fin ende",
        "speaker": "speaker name participant intervenant intervenante locuteur nom sprecher"
        " hablante",
    }.items()
    for name in names.split()
}
"""What spreadsheets call the columns that are read."""
_LISTS = ("segments", "transcription", "events", "utterances", "result", "results", "cues")
_KNOWN = (
    "is none of the JSON files known here (Whisper, WhisperX, whisper.cpp, Vosk, YouTube's json3, "
    "or a list of objects with text, start and end)"
)


def read_json(text: str) -> Found:
    """Return the segments of a recogniser's JSON; also several objects, one a line."""
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    try:
        rows = _rows(text)
    except (ValueError, RecursionError) as error:
        yield 1, Skipped(f"is not JSON ({error})", lines)
        return
    found = [(row, _segment(row)) for row in rows]
    used = [segment for _, segment in found if segment and segment.text]
    lost = sum(segment is None for _, segment in found)
    if not used and (rows or not _is_empty(text)):
        yield 1, Skipped(_KNOWN, lines)
        return
    if lost:
        share = max(1, round(lines * lost / max(1, len(found))))
        yield 1, Skipped(f"{lost} of {len(found)} entries have no text", share)
    for segment in used:
        _, repairs = plain(segment.text or "")
        yield from ((1, Repaired(repair)) for repair in repairs)
        yield 1, segment


def _is_empty(text: str) -> bool:
    """Return whether a recogniser said that it heard nothing."""
    content = json.loads(text) if text.strip() else {"text": ""}
    if not isinstance(content, Mapping):
        return False
    found = [content[name] for name in ("text", *_LISTS) if name in content]
    return bool(found) and not any(found)


def _rows(text: str) -> list[Any]:
    try:
        content = json.loads(text)
    except ValueError:
        content = [json.loads(line) for line in text.split("\n") if line.strip()]
    if isinstance(content, Mapping):
        for name in _LISTS:
            if isinstance(content.get(name), list) and content[name]:
                rows: list[Any] = content[name]
                return rows
        return [content] if content.get("text") else []
    if not isinstance(content, list):
        return []
    found: list[Any] = []
    for row in content:
        words = row.get("result") if isinstance(row, Mapping) else None
        found += words if isinstance(words, list) else [row]
    return found


def _segment(row: Any) -> Segment | None:
    """Return one entry; times are seconds as floats, or ms where the name or the type says so."""
    if not isinstance(row, Mapping):
        return None
    if isinstance(row.get("segs"), Sequence) or "tStartMs" in row:
        return _of_youtube(row)
    text = next((row[name] for name in ("text", "word", "punctuated_word", "transcript")
                 if isinstance(row.get(name), str)), None)  # fmt: skip
    if text is None:
        return None
    start, end = _span(row)
    speaker = row.get("speaker")
    timed = start is not None and end is not None
    return Segment(
        " ".join(plain(text)[0].split()),
        speaker if isinstance(speaker, str) else "" if speaker is None else f"speaker {speaker}",
        start if timed else None,
        max(start or 0, end or 0) if timed else None,
        tuple(_words(row.get("words"))),
    )


def _span(row: Mapping[str, Any]) -> tuple[int | None, int | None]:
    offsets, stamps = row.get("offsets"), row.get("timestamps")
    if isinstance(offsets, Mapping):  # whisper.cpp, in ms
        return _number(offsets.get("from"), 1), _number(offsets.get("to"), 1)
    if isinstance(stamps, Mapping):
        return _clock(stamps.get("from")), _clock(stamps.get("to"))
    return _number(row.get("start"), 1000), _number(row.get("end"), 1000)


def _of_youtube(row: Mapping[str, Any]) -> Segment:
    parts = row.get("segs") or ()
    said = "".join(
        one["utf8"]
        for one in parts
        if isinstance(one, Mapping) and isinstance(one.get("utf8"), str)
    )
    start, length = _number(row.get("tStartMs"), 1), _number(row.get("dDurationMs"), 1)
    if start is None or length is None:
        return Segment(" ".join(said.split()))
    return Segment(" ".join(said.split()), "", start, start + length)


def _words(words: Any) -> Iterator[RefWord]:
    for one in words if isinstance(words, list) else ():
        if not isinstance(one, Mapping) or not isinstance(one.get("word"), str):
            continue
        start, end = _number(one.get("start"), 1000), _number(one.get("end"), 1000)
        if start is not None and end is not None and one["word"].strip():
            yield RefWord(one["word"].strip(), start, max(start, end))


def _number(value: Any, times: int) -> int | None:
    if isinstance(value, str):
        return _clock(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not -LONGEST_MS < value < LONGEST_MS:  # nan neither
        return None
    return round(value * times) if 0 <= value * times <= LONGEST_MS else None


def _clock(value: Any) -> int | None:
    return clock_ms(value) if isinstance(value, str) else None


def read_table(text: str) -> Found:
    """Tables with a column of text, as of Whisper and spreadsheets, in English or French.

    Columns are separated by tabs, semicolons or commas; start and end are in ms or as clocks.
    """
    mark = _delimiter(text)
    quote = None if _has_bare_quotes(text, mark) else '"'
    rows = csv.reader(io.StringIO(text), delimiter=mark, quotechar=quote)
    try:
        names = [COLUMNS.get(name.strip().lower(), "") for name in next(rows, [])]
        if "text" not in names:
            why = "has no column text (texte, paroles) in its first line"
            yield 1, Skipped(why, text.count("\n") + 1)
            return
        for row in rows:
            if len(row) != len(names):
                if any(row):
                    yield rows.line_num, Skipped(f"expected {len(names)} columns")
                continue
            cells = dict(zip(names, row, strict=True))
            start, end = (_cell(cells.get(name, "")) for name in ("start", "end"))
            said = " ".join(plain(cells["text"])[0].split())
            timed = start is not None and end is not None
            span = (start, max(start or 0, end or 0)) if timed else (None, None)
            yield rows.line_num, Segment(said, cells.get("speaker", ""), *span)
    except csv.Error as error:
        yield rows.line_num, Skipped(f"is not a table ({error})", text.count("\n") + 1)


def is_table(text: str) -> bool:
    """Return whether the first line certainly names the columns of a table."""
    mark = _delimiter(text)
    names = text.split("\n", 1)[0].split(mark) if mark != "," else []
    known = {COLUMNS.get(name.strip(' "').lower(), "") for name in names}
    return "text" in known and len(known - {""}) > 1


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return next((mark for mark in "\t;" if mark in header), ",")


def _has_bare_quotes(text: str, mark: str) -> bool:
    """Return whether quotes are text, as in Whisper's tables, where a line may have only one."""
    lines = [line for line in text.split("\n") if line]
    whole = mark == "\t" and len({line.count(mark) for line in lines}) == 1
    return whole and any(line.count('"') % 2 for line in lines)


def _cell(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else clock_ms(text)
