"""Names before another mark than a colon: "Ann Lee – Hello", "**Ann Lee** Hello", "ANN Hello"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from eval.corpus.speaker_names import is_a_name, is_surely_a_name, mostly_labelled
from eval.normalization.basic import without_asides

_NAME = r"(?P<name>[^\W_][^:\n|=;<>–—]{0,59}?)"
_MARKS = tuple(
    re.compile(rf"(?:[-–—]\s+)?{_NAME}{mark}(?=\S)(?P<text>.*)")
    for mark in (
        r"[.,]?(?:\s+[-–—]+|\s*[–—])\s+",
        r"\s*\|\s*",
        r"\s*>+\s+",
        r"\s*[=;]\s+",
        r"\s*(?:…|\.\.\.)\s+",
        r"(?:\s{2,}|\t\s*)",
    )
)
_POINT = re.compile(r"(?P<name>[^\W\d_a-z][^:.\na-zà-ÿ]{2,59})\.\s+(?=\S)(?P<text>.*)")
# Columns of questions and answers; "Q fever", "A good day" go on in lower case.
_ASKED = re.compile(
    r"(?P<name>(?P<side>[QARFP])(?:[ .]?\d{1,3})?)\s?[.)\]|–—-]?\s+"
    r"(?=[^\w\s]*[^\W_a-zà-ÿ])(?P<text>.*)"
)
_SIDES = ({"Q", "A"}, {"Q", "R"}, {"F", "A"}, {"P", "R"})
"""Question and answer in English, French, German, Spanish."""
_OFTEN = 0.8
"""Share of lines with a name in front in a file that has one in front of each line."""
_MOST_WORDS = 4
"""Words of a name that nothing marks."""

Heads = Mapping[int, tuple[str, str]]
"""Name and text of some lines, by their index."""


def heads_of(texts: Sequence[str], bold: Sequence[str] = ()) -> Heads:
    """Return the names before texts, if they come again and again and all before the same mark.

    bold: what is written in bold at the beginning of each text, or "".
    """
    spoken = [n for n, text in enumerate(texts) if without_asides(text).strip()]
    lines = [texts[n] for n in spoken]
    if mostly_labelled(lines):
        return {}
    ways = [_asked(lines), _in_bold(lines, [bold[n] if bold else "" for n in spoken])]
    ways += [_before(mark, lines) for mark in (*_MARKS, _POINT)]
    best = max((*ways, _bare(lines)), key=len)
    return {spoken[n]: head for n, head in best.items()}


def _asked(lines: Sequence[str]) -> Heads:
    found = {n: match for n, line in enumerate(lines) if (match := _ASKED.fullmatch(line))}
    uses = Counter(match["side"] for match in found.values())
    sides = {*uses} in _SIDES and min(uses.values()) > 1
    alone = [line for line in lines if re.match(r"[QARFP]\b(?!['’])", line)]
    if not sides or len(found) < _OFTEN * len(alone) or 2 * min(uses.values()) < max(uses.values()):
        return {}
    return {n: (match["name"], match["text"]) for n, match in found.items()}


def _in_bold(lines: Sequence[str], bold: Sequence[str]) -> Heads:
    found = {
        n: (begin.strip(" .,:–—*_-"), rest)
        for n, (line, begin) in enumerate(zip(lines, bold, strict=True))
        if begin and (rest := line.removeprefix(begin).lstrip(" .,:–—-")) and rest != line
    }
    return _regular(found, len(lines))


def _before(mark: re.Pattern[str], lines: Sequence[str]) -> Heads:
    found = {
        n: (match["name"].strip(), match["text"])
        for n, line in enumerate(lines)
        if (match := mark.fullmatch(line))
    }
    return _regular(found, len(lines))


def _regular(found: Heads, lines: int) -> Heads:
    """Return those that are names; none if these are not regular."""
    names = Counter(name for name, _ in found.values() if is_a_name(name))
    again = {name: uses for name, uses in names.items() if uses > 1}
    uses = sum(again.values())
    sure = all(map(is_surely_a_name, again)) and (len(again) > 1 or uses > 2)
    if not again or not (
        sure or (sum(names.values()) >= _OFTEN * lines and uses >= 3 * len(again))
    ):
        return {}
    known = {*again, *filter(is_surely_a_name, names)}
    return {n: head for n, head in found.items() if head[0] in known}


def _bare(lines: Sequence[str]) -> Heads:
    """Return names that only capitals tell: "ANN LEE Hello", if nearly each line begins so."""
    begins = [_capitalised(line.split()[: _MOST_WORDS + 1]) for line in lines]
    uses = Counter(tuple(begin[:n]) for begin in begins for n in range(1, len(begin) + 1))
    found = dict[int, tuple[str, str]]()
    for n, (line, begin) in enumerate(zip(lines, begins, strict=True)):
        length = 1
        while length < len(begin) and 2 * uses[*begin[: length + 1]] >= uses[*begin[:length]]:
            length += 1
        name, rest = " ".join(begin[:length]), line.split(maxsplit=length)[length:]
        goes_on = rest and re.match(r"\W*[^\W_a-zà-ÿ]", rest[0])
        if goes_on and uses[*begin[:length]] > 1 and is_surely_a_name(name):
            found[n] = name, rest[0]
    rest = [word for _, text in found.values() for word in text.split()[1:]]
    titles = 2 * sum(word[0].isupper() for word in rest) > len(rest)
    people = len({name for name, _ in found.values()})
    often = len(found) >= _OFTEN * len(lines) and len(found) >= 3 * people
    return found if people > 1 and often and not titles else {}


def _capitalised(words: Sequence[str]) -> list[str]:
    """Return the first words as far as they may be a name that something follows."""
    count = 0
    for word in words[:-1]:
        if not re.fullmatch(r"[^\W\d_a-zà-ÿ][\w'’.-]*|\d{1,2}", word) or word[-1:] in ".!?":
            break
        count += 1
    return list(words[:count])
