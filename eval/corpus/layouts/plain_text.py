"""Transcripts as text: of meetings, editors and recognisers, or simply what was said.

Three things are told from what was said, and only where the whole file is written that way: lines
of times, lines of names, and what stands above the first of them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import unescape
from itertools import pairwise, takewhile

from eval.corpus.layouts.heads import heads_of
from eval.corpus.layouts.html_pages import is_html, text_of_html
from eval.corpus.layouts.pages import Written, written_only
from eval.corpus.layouts.tables import Row, rows_of
from eval.corpus.layouts.timed_lines import END, TIMED, Line, line_of, timed
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
from eval.corpus.transcript import Choices, Found, Label, Repair, Repaired, Segment, Skipped

_BOLD = re.compile(r"(?:\*{1,3}|_{1,3})(?=[^\s*_])([^*_]{1,80}?)(?<=\S)(?:\*{1,3}|_{1,3})")
_BULLET = re.compile(r"[*+•·▪‣◦>–—-]\s+(?=\S)|[@#](?=[^\W\d_]{2})")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z]{2,8}\d{0,2});", re.IGNORECASE)
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
    |(?:https?://)?(?:www\.)?(?:happyscribe|otter|rev|sonix|trint|descript)\.(?:com|ai)\S*
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
_SENTENCE_END = (".", "!", "?", "…")

_TITLE = 5
"""The most lines above the first speaker's name that are no speech, without a heading."""


def read_text_transcript(text: str, choices: Choices) -> Found:
    """Return one segment for each speaker's turn, or one for all text if nobody is named.

    text: may also be a web page.
    """
    if is_html(text):
        lines_of_page, text = text.count("\n") + 1, text_of_html(text)
        if not text.strip():
            yield 1, Skipped("a web page that shows no text", lines_of_page)
        yield 1, Repaired(Repair.TAGS)
    elif _ENTITY.search(text):
        yield 1, Repaired(Repair.ENTITIES)
        text = unescape(text)
    written = text.split("\n")
    rows = rows_of(written)
    marks = {} if rows else written_only(written)
    lines = list[Line]()
    for number, found in _lines(written, rows, marks, choices.written):
        if isinstance(found, Line):
            lines.append(found)
        else:
            yield number, found
    lines = _labelled(_with_colons(timed(lines)))
    begin, title = _begin(lines)
    yield from ((one.number, Repaired(Repair.PRODUCT_LINES)) for one in lines[:begin])
    yield from _turns(lines[begin:], title, marks, choices)


def _lines(
    written: Sequence[str],
    rows: Mapping[int, Row | None],
    marks: Mapping[int, Written],
    chosen: frozenset[str] | None,
) -> Iterator[tuple[int, Line | Repaired | Skipped]]:
    """Return the lines without markup, without rows of tables, and without what pages add."""
    for n, raw in enumerate(written):
        number, line = n + 1, raw.strip()
        if (mark := marks.get(n)) and (mark.mark in chosen if chosen is not None else mark.certain):
            yield number, Repaired(Repair.PRODUCT_LINES, mark.mark if " " in mark.mark else "")
            line = mark.rest
        if n not in rows:
            yield from ((number, one) for one in _unmarked(number, line))
        elif not (row := rows[n]):
            yield number, Repaired(Repair.PRODUCT_LINES)
        else:
            yield number, Line(number, row.name, row.text, True, row.text)
            if row.left_out:
                yield number, Skipped(f"left out, as no reader knows its column: {row.left_out}")


def _unmarked(number: int, written: str) -> Iterator[Line | Repaired]:
    """Return a line without Markdown's marks, or that a product added it."""
    marked = _BULLET.sub("", written, count=1) if _BULLET.match(written) else written
    line = _MARKDOWN.sub(lambda match: match["bold"] or "", marked).strip()
    read = line_of(number, line)
    if _ADDED.fullmatch(line.strip("*_")) or _ADDED.fullmatch(read.text):
        yield Repaired(Repair.PRODUCT_LINES)
    elif line:
        if line != marked:
            yield Repaired(Repair.TAGS)
        begin = _BOLD.match(marked)
        for bold in (begin[1], begin[0]) if begin else ():
            if read.text.startswith(bold):
                read = replace(read, bold=bold)
        yield read


def _with_colons(lines: Sequence[Line]) -> list[Line]:
    """Write a name that another mark parts from what follows before a colon: "Ann: Hello"."""
    unnamed = [one for one in lines if one.text and not one.name]
    heads = heads_of([one.text for one in unnamed], [one.bold for one in unnamed])
    found = {unnamed[n].number: f"{name}: {text}" for n, (name, text) in heads.items()}
    return [replace(one, text=found.get(one.number, one.text)) for one in lines]


def _labelled(lines: Sequence[Line]) -> list[Line]:
    """Write a name that has a line of its own before what follows it: "Ann: Hello"."""
    found, label, at_time = list[Line](), "", False
    names = _names_at_times(lines) or _names_alone(lines)
    for one, after in zip(lines, [*lines[1:], END], strict=False):
        colon = one.text.endswith((":", "\uff1a")) and not _HEADINGS.fullmatch(one.line)
        alone = colon and not after.timed and label_of(f"{one.text} {after.text}")
        if one.number in names or alone:
            label += one.text.rstrip(": \uff1a") + ": "
            at_time = one.timed or one.number in names
        elif label and one.text:
            found.append(replace(one, text=label + one.text, timed=at_time))
            label = ""
        else:
            found.append(one)
    return found


def _names_at_times(lines: Sequence[Line]) -> set[int]:
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


def _names_alone(lines: Sequence[Line]) -> set[int]:
    """Return the lines that are names above what was said: a third of all lines, and some again."""
    alone = {
        one.number: one.line
        for one, after in pairwise(lines)
        if is_a_name(one.line) and after.line and not is_a_name(after.line)
    }
    often = 3 * len(alone) >= len(lines) and not any(one.timed for one in lines)
    return set(alone) if often and len(set(alone.values())) < len(alone) else set()


def _begin(lines: Sequence[Line]) -> tuple[int, int]:
    """Return how many lines above what was said are a product's, and how many more a title."""
    above = takewhile(lambda one: not _spoken([one]), lines)
    headings = [n for n, one in enumerate(above) if _HEADINGS.fullmatch(one.line)]
    top = headings[-1] + 1 if headings else 0
    named = [n for n, one in enumerate(lines) if one.name and n >= top]
    if len(named) >= TIMED:
        first = named[0]
    else:
        begins = (n for n, one in enumerate(lines) if n >= top and (one.timed or _label(one)))
        first = next(begins, 0)
    texts = [one.text for one in lines[first:] if one.text]
    regular = bool(texts) and (mostly_labelled(texts) or any(one.timed for one in lines))
    if not regular or not 0 < first <= top + _TITLE:
        return 0, 0
    certain = bool(headings) or len(named) >= TIMED
    return (first, 0) if certain and not _spoken(lines[top:first]) else (top, first - top)


def _spoken(lines: Sequence[Line]) -> bool:
    """Return whether lines look more like speech than like a title."""
    return any(one.text.endswith(_SENTENCE_END) or (one.timed and one.text) for one in lines)


def _label(line: Line) -> bool:
    label = label_of(line.text)
    return bool(label and looks_like_a_name(label[0]))


def _turns(
    lines: Sequence[Line], title: int, marks: Mapping[int, Written], choices: Choices
) -> Found:
    names, written = choices.names, choices.written
    above = " ".join(one.text for one in lines[:title])
    texts = [one.text for one in lines[title:] if one.text]
    begins = [one.text for one in lines[title:] if one.text and one.timed]
    known = names_of(begins if len(begins) >= TIMED else texts) if names is None else names
    if above:
        _, after = label_of(texts[0]) or ("", texts[0])
        named = not _spoken(lines[:title])
        after = " ".join(after.split()[:CONTEXT])
        yield 1, Label(above, "", after, named, Repair.PRODUCT_LINES)
        if above in written if written is not None else named:
            yield from ((one.number, Repaired(Repair.PRODUCT_LINES)) for one in lines[:title])
            lines = lines[title:]
    yield from ((1, label) for label in labels_of(texts, known))
    said = [_named(one, known) for one in lines]
    yield from ((1, label) for label in _marked(said, marks))
    yield from ((one.number, Repaired(Repair.NAMES, one.name)) for one in said if one.name)
    if any(one.name for one in said):
        for number, speaker, parts in _by_speaker(said):
            yield number, Segment(" ".join(" ".join(parts).split()), speaker)
        return
    if any(one.timed for one in lines):
        yield lines[0].number, Repaired(Repair.PRODUCT_LINES)
    yield 1, Segment(" ".join(" ".join(one.text for one in lines).split()))


def _marked(said: Sequence[Line], marks: Mapping[int, Written]) -> Iterator[Label]:
    """Return what only pages may have written, with the words around it."""
    whole = {n + 1 for n, mark in marks.items() if not mark.rest}
    rest = [one for one in said if one.text and one.number not in whole]
    numbers = [one.number for one in rest]
    for n, mark in marks.items():
        at = bisect_left(numbers, n + 1)
        before = rest[at - 1].text.split()[-CONTEXT:] if at else []
        after = rest[at].text.removeprefix(mark.mark).split()[:CONTEXT] if at < len(rest) else []
        yield Label(
            mark.mark, " ".join(before), " ".join(after), mark.certain, Repair.PRODUCT_LINES
        )


def _named(line: Line, names: frozenset[str]) -> Line:
    if (found := label_of(line.text)) and found[0] in names:
        return replace(line, name=found[0], text=found[1])
    return line


def _by_speaker(lines: Sequence[Line]) -> Iterator[tuple[int, str, list[str]]]:
    number, speaker, texts = 1, "", list[str]()
    for one in lines:
        if one.name and one.name != speaker:
            if texts:
                yield number, speaker, texts
            number, speaker, texts = one.number, one.name, []
        texts += [one.text] if one.text else []
    if texts:
        yield number, speaker, texts
