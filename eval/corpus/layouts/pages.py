"""What pages and editors add to what was said: page numbers, headers, footers, list numbers."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.corpus.speaker_names import is_a_name, label_of

_PAGE = r"(?:page|pg\.?|p\.|seite|s\.|página|pág\.?|pagina)"
_PAGE_NUMBER = re.compile(
    rf"(?P<open>[\[(|~*•·–—-]\s*)?(?P<page>{_PAGE}\s*[|:]?\s*)?(?P<n>\d{{1,4}})"
    r"(?P<of>\s*(?:/|of|sur|de|von|di)\s*\d{1,4})?"
    rf"(?P<after>\s*\|?\s*page)?(?P<close>\s*[\])|~*•·–—-])?",
    re.IGNORECASE,
)
_WITH_NUMBER = re.compile(
    rf"(?P<begin>.*?\S)(?:(?P<apart>\t|\s{{2,}}|\s*[|•·–—-]\s*)|\s+)(?P<page>{_PAGE}\s*)?"
    r"(?P<n>\d{1,4})"
    r"(?:\s*(?:/|of|sur|de|von|di)\s*\d{1,4})?|(?P<first>\d{1,4})(?:\t|\s{2,}|\s*[|•·–—]\s*)\S.*",
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(
    r"(?:§|#|n°)?\s?[\[(]?(?P<n>\d{1,4})(?P<dot>[.)\]]{0,2})\s+(?=\S)(?!(?:hour|heure|minute|second))"
)
_HEADING = re.compile(r"(#{1,6})\s+(?=\S)")
_CLOCK = re.compile(r"\d:\d\d")
_ENDS_BACKWARDS = re.compile(r"\W*?[.!?…:»\"”)]")
_FEW, _SEVERAL = 2, 3
_OFTEN = 0.8
_STEPS = (1, 5)
"""Lines of records of courts and parliaments are numbered one by one, or every fifth."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a line has that was perhaps not said, and what is left of it without that.

    certain: whether the file by itself decides that.
    """

    mark: str
    rest: str
    certain: bool


def written_only(lines: Sequence[str]) -> Mapping[int, Written]:
    """Return what was written by pages and lists, by the index of its line."""
    breaks = {n for n, line in enumerate(lines) if "\f" in line}
    lines = [line.strip() for line in lines]
    full = [n for n, line in enumerate(lines) if line]
    whole = _page_numbers(lines, full) | _headings(lines, full)
    whole |= _counting(lines, [n for n in full if n not in whole])
    whole |= _beside_breaks(lines, [n for n in full if n not in whole], breaks | whole.keys())
    whole |= _again(lines, [n for n in full if n not in whole])
    found = {n: Written(lines[n], "", certain) for n, certain in whole.items()}
    return found | _list_numbers(lines, [n for n in full if n not in whole])


def _page_numbers(lines: Sequence[str], full: Sequence[int]) -> dict[int, bool]:
    """Return the lines that hold nothing but the number of a page."""
    shapes = defaultdict[str, list[tuple[int, int]]](list)
    sure = set[int]()
    for n in full:
        if match := _PAGE_NUMBER.fullmatch(lines[n]):
            shapes[_shape(lines[n].split("/")[0])].append((n, int(match["n"])))
            marked = match["page"] or match["after"] or (match["open"] and match["close"])
            sure |= {n} if marked else set()
    place = {n: at for at, n in enumerate(full)}
    found = dict[int, bool]()
    for pages in shapes.values():
        certain = {n for n, _ in pages} <= sure
        apart = all(place[b] - place[a] > 1 for (a, _), (b, _) in pairwise(pages))
        if certain or (len(pages) > 1 and apart and _rises(number for _, number in pages)):
            found |= {n: certain or len(pages) >= _SEVERAL for n, _ in pages}
    return found


def _rises(numbers: Iterable[int]) -> bool:
    return all(0 < b - a <= _FEW for a, b in pairwise(numbers))


def _shape(line: str) -> str:
    return re.sub(r"\d+", "0", " ".join(line.split()))


def _headings(lines: Sequence[str], full: Sequence[int]) -> dict[int, bool]:
    """Return Markdown's headings, but where those of a level are names of speakers."""
    levels = defaultdict[str, list[int]](list)
    for n in full:
        if match := _HEADING.match(lines[n]):
            levels[match[1]].append(n)
    found = list[int]()
    for level in levels.values():
        if len({lines[n] for n in level}) == len(level) and not any(
            _CLOCK.search(lines[n]) or label_of(lines[n].lstrip("# ")) for n in level
        ):
            found += level
    return dict.fromkeys(found, True) if 2 * len(found) <= len(full) else {}


def _counting(lines: Sequence[str], full: Sequence[int]) -> dict[int, bool]:
    """Return headers and footers that hold the number of their page: "Minutes – page 3"."""
    shapes = defaultdict[str, dict[int, int]](dict)
    found = dict[int, bool]()
    for n in full:
        match = _WITH_NUMBER.fullmatch(lines[n])
        if match and not label_of(lines[n].replace("\t", " ")):
            shapes[_shape(lines[n])][n] = int(match["n"] or match["first"])
            found[n] = bool(match["apart"] or match["page"] or match["first"])
    counting = [one for one in shapes.values() if len(one) >= _SEVERAL and _rises(one.values())]
    return {n: found[n] for pages in counting for n in pages}


def _beside_breaks(lines: Sequence[str], full: Sequence[int], breaks: set[int]) -> dict[int, bool]:
    """Return what stands at the end or beginning of pages again and again."""
    pages = sorted(breaks)
    near = {
        n
        for page in pages
        for side in ([m for m in full if m < page][-_FEW:], [m for m in full if m >= page][:_FEW])
        for n in side
    }
    shapes = Counter(_shape(lines[n]) for n in full)
    close = Counter(_shape(lines[n]) for n in near)
    again = {
        shape
        for shape, count in close.items()
        if count >= max(_FEW, len(pages) / 2) and count >= _OFTEN * shapes[shape]
    }
    return {n: True for n in near if _shape(lines[n]) in again and _may_be_a_header(lines[n])}


def _may_be_a_header(line: str) -> bool:
    return not _ENDS_BACKWARDS.match(line[::-1]) and not label_of(line)


def _again(lines: Sequence[str], full: Sequence[int]) -> dict[int, bool]:
    """Return lines of several words that come again without the full stop that others have."""
    uses = Counter(lines[n] for n in full)
    ended = sum(bool(_ENDS_BACKWARDS.match(lines[n][::-1])) for n in full if uses[lines[n]] == 1)
    if ended < _OFTEN * sum(uses[lines[n]] == 1 for n in full):
        return {}
    again = [n for n in full if uses[lines[n]] >= _SEVERAL and _may_be_a_header(lines[n])]
    found = {n for n in again if " " in lines[n] and not is_a_name(lines[n].strip("*_# "))}
    place = {n: at for at, n in enumerate(full)}
    near = {place[n] + step for n in found for step in (-1, 1)}
    return dict.fromkeys((n for n in again if n in found or place[n] in near), False)


def _list_numbers(lines: Sequence[str], full: Sequence[int]) -> dict[int, Written]:
    """Return the numbers of lines, or of list items, if they count."""
    found = {n: match for n in full if (match := _LIST_NUMBER.match(lines[n]))}
    numbers = [int(match["n"]) for match in found.values()]
    if len(numbers) < _SEVERAL:
        return {}
    fits = max(sum(b - a == step or b <= step < a for a, b in pairwise(numbers)) for step in _STEPS)
    if all(match["dot"] for match in found.values()) and {*numbers} == {1}:
        fits = len(numbers)  # Markdown counts itself
    if fits < _OFTEN * (len(numbers) - 1):
        return {}
    begun = 1 in numbers or not any(number % max(_STEPS) for number in numbers)
    certain = begun and (len(found) >= _OFTEN * len(full) or fits >= 2 * _SEVERAL)
    return {
        n: Written(match[0].strip(), lines[n][match.end() :], certain) for n, match in found.items()
    }
