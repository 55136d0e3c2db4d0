"""Tables in a text, with a mark between their columns: "| 0:03 | Ann | Hello |"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mode

from eval.corpus.cue_text import clock_ms
from eval.corpus.recogniser_output import COLUMNS
from eval.corpus.speaker_names import is_a_name

_RULE = re.compile(r"[\s|:+=-]+")
_FEWEST, _OFTEN = 2, 0.8
_COLUMNS = {"|": 2, ";": 2, "\t": 3}
"""The fewest columns by the mark between them; one tab may part a time or a name from speech."""
_EMPHASIS = re.compile(r"\*\*|__|^[*_]|[*_]$")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: who speaks and what they say; left_out: what no reader could use."""

    name: str
    text: str
    timed: bool
    left_out: str = ""


def rows_of(lines: Sequence[str]) -> Mapping[int, Row | None]:
    """Return the rows of a table by the index of their lines; None for what only frames it.

    A table that no mark frames has a time or a name in each row, and nothing that is not read.
    """
    return next(filter(None, (_rows(lines, mark) for mark in _COLUMNS)), {})


def _rows(lines: Sequence[str], mark: str) -> Mapping[int, Row | None]:
    cells = {n: _cells(line, mark) for n, line in enumerate(lines) if mark in line}
    columns = mode(map(len, cells.values())) if cells else 0
    cells = {n: row for n, row in cells.items() if len(row) == columns}
    if columns < _COLUMNS[mark] or len(cells) < _FEWEST:
        return {}
    rules = {n for n in cells if _RULE.fullmatch(lines[n])}
    rows = {n: row for n, row in cells.items() if n not in rules}
    found = _read(rows, ruled=min(rules, default=0) in list(cells)[1:2]) if rows else {}
    if not all(lines[n].strip().startswith("|") for n in cells):
        told = all(row and not row.left_out and (row.name or row.timed) for row in found.values())
        if not told or len(cells) < _OFTEN * sum(bool(line.strip()) for line in lines):
            return {}
    return dict.fromkeys(rules) | found


def _cells(line: str, mark: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    cells = re.split(rf"(?<!\\){re.escape(mark)}", inner)
    return [_EMPHASIS.sub("", cell.strip()).strip() for cell in cells]


def _read(rows: Mapping[int, Sequence[str]], *, ruled: bool) -> dict[int, Row | None]:
    """Read rows by the titles of their columns, or else by what these hold.

    ruled: whether a line below the first row marks it as titles.
    """
    first, titles = next(iter(rows.items()))
    header = [COLUMNS.get(cell.lower().strip(" :"), "") for cell in titles]
    others = [row for n, row in rows.items() if n != first]
    timed = [n for n, column in enumerate(zip(*others, strict=True)) if all(map(_is_time, column))]
    titled = ruled or "text" in header or any(not _is_time(titles[n]) for n in timed)
    body = {n: row for n, row in rows.items() if n != first or not titled}
    if not body:
        return {}
    roles = header if "text" in header else list(_roles(list(zip(*body.values(), strict=True))))
    found = dict[int, Row | None]({first: None} if titled else {})
    for n, row in body.items():
        by = dict(zip(reversed(roles), reversed(row), strict=True))
        rest = [cell for cell, role in zip(row, roles, strict=True) if not role and _words(cell)]
        at_time = any(map(_is_time, row))
        found[n] = Row(by.get("speaker", ""), by["text"], at_time, " | ".join(rest))
    return found


def _roles(columns: Sequence[Sequence[str]]) -> Iterator[str]:
    """Tell columns by what they hold; the text is the longest of those that are left."""
    lengths = [sum(map(len, column)) if any(map(_words, column)) else 0 for column in columns]
    text = lengths.index(max(lengths))
    named = False
    for n, column in enumerate(columns):
        filled = [cell for cell in column if cell]
        if n == text:
            yield "text"
        elif not named and filled and all(map(_may_be_a_name, filled)):
            named = True
            yield "speaker"
        else:
            yield ""


def _may_be_a_name(cell: str) -> bool:
    return is_a_name(cell) or cell in ("Q", "A", "R")


def _is_time(cell: str) -> bool:
    return ":" in cell and clock_ms(cell) is not None


def _words(cell: str) -> bool:
    """Return whether a cell has words, and not a time or a number."""
    return any(map(str.isalpha, cell)) and clock_ms(cell) is None
