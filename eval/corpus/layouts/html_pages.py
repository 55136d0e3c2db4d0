"""Web pages, and text that an editor saved with its tags, as lines in Markdown's writing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

_BLOCK_TAGS = """
address article aside blockquote body br center dd details div dl dt fieldset figcaption figure
footer form h1 h2 h3 h4 h5 h6 header hr html li main ol p pre section summary table tbody tfoot
thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_UNSEEN = frozenset(("head", "script", "style", "template", "svg", "button", "select", "textarea"))
_BOLD, _CELLS = frozenset(("b", "strong")), frozenset(("td", "th"))
# Names and times that only a style sets apart: <span class="speaker">Ann</span><span>Hello</span>.
_APART = re.compile(
    "speaker|name|author|time|stamp|who|intervenant|locuteur|orateur", re.IGNORECASE
)
_TAGS = "|".join((*_BLOCKS, *_BOLD, *_CELLS, "a", "em", "font", "i", "span", "u"))
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK = re.compile(rf"<(?:{'|'.join(_BLOCKS)})\b", re.IGNORECASE)
_PAGE = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_FEWEST, _MOST_LINES = 2, 10


def is_html(text: str) -> bool:
    """Return whether a text is a web page, or has a tag in every second line."""
    if _PAGE.match(text[:2000]):
        return True
    tags, lines = len(_TAG.findall(text)), sum(bool(line.strip()) for line in text.split("\n"))
    return tags >= _FEWEST and 2 * tags >= lines


def text_of_html(text: str) -> str:
    """Return what a page shows: a line for each block, "**" around bold, "|" between cells."""
    lines, blocks = text.count("\n"), len(_BLOCK.findall(text))
    page = _Page(line_end=" " if 2 * blocks >= lines else "\n")
    page.feed(text)
    page.close()
    return page.text()


class _Page(HTMLParser):
    """Rows of tables are open until they end, since what they hold decides how they are shown."""

    def __init__(self, *, line_end: str) -> None:
        super().__init__(convert_charrefs=True)
        self._line_end = line_end
        self._parts = list[str]()
        self._rows = list[list[list[str]]]()
        self._in_table = list[bool]()  # for each open table, whether a row of it is open
        self._unseen = list[str]()
        self._apart = list[str]()
        self._bold = 0

    def text(self) -> str:
        """Return the lines of the whole page."""
        while self._rows:
            self._end_row()
        return _lines(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin what the tag begins: a line, bold, a cell, or what no page shows."""
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag in _CELLS and self._rows:
            self._end_bold()
            self._rows[-1].append([])
        elif tag in _BLOCKS:
            self._unseen = []  # a head that nobody closed
            self._end_bold()
            self._add("\n# " if re.fullmatch("h[1-6]", tag) else "\n")
            if tag == "tr":
                if self._in_table[-1:] == [True]:  # its last row has no end
                    self._end_row()
                self._in_table[-1:] = [True]
                self._rows.append([])
            elif tag == "table":
                self._in_table.append(False)
        elif tag in _BOLD:
            self._add("**")
            self._bold += 1
        elif any(_APART.search(value or "") for name, value in attrs if name in ("class", "id")):
            self._add("\n")
            self._apart.append(tag)
        elif tag in self._apart:
            self._apart.append("")

    def handle_endtag(self, tag: str) -> None:
        """End it."""
        if tag in _UNSEEN and tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif tag in _BLOCKS:
            self._end_bold()
            if tag in ("tr", "table") and self._in_table[-1:] == [True]:
                self._end_row()
                self._in_table[-1] = False
            if tag == "table" and self._in_table:
                self._in_table.pop()
            self._add("\n")
        elif tag in _BOLD and self._bold:
            self._add("**")
            self._bold -= 1
        elif tag in self._apart and self._apart.pop() == tag:
            self._add("\n")

    def handle_data(self, data: str) -> None:
        """Add text that is shown; line ends are spaces, but in text with tags inside lines only."""
        if not self._unseen:
            self._add(re.sub(r"\s*\n\s*", self._line_end, data))

    def _add(self, text: str) -> None:
        row = self._rows[-1] if self._rows else []
        (row[-1] if row else self._parts).append(text)

    def _end_bold(self) -> None:
        """End bold that nobody closed with its line."""
        if self._bold:
            self._add("**" * self._bold)
            self._bold = 0

    def _end_row(self) -> None:
        """Write a row on one line, or one cell after the other if these are whole pages."""
        cells = [_lines(cell).strip() for cell in self._rows.pop()]
        if len(cells) < _FEWEST or any(cell.count("\n") > _MOST_LINES for cell in cells):
            self._add("\n" + "\n".join(cells) + "\n")
        else:
            self._add("\n| " + " | ".join(" ".join(cell.split()) for cell in cells) + " |\n")


def _lines(parts: Iterable[str]) -> str:
    lines = (" ".join(line.split()) for line in "".join(parts).split("\n"))
    return "\n".join(re.sub(r"\*\*(\s*)\*\*", r"\1", line) for line in lines)
