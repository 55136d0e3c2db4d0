"""Names of speakers: in front of a text, and written in several ways for one person."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from eval.corpus.transcript import Label

_LONGEST = 60
_WORDS = 6
_LABEL = re.compile(
    rf"(?:>>+\s*|[-–—]\s+)?(\[[^\[\]:\n]{{1,{_LONGEST}}}\]|(?:[^\W_]|\+\d)[^:\n<>{{}}]{{0,{_LONGEST}}}?)"
    r"\s?(?::\s+|\uff1a\s*)(?=\S)"
)
# "(she/her)", "[External]", ", Company", "| Company", "@ Company", "- Company"
_ADDED = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\])|\s*(?:,|\||@|/| [-–—] ).*$")
_SENTENCE = re.compile(r"[^\W\d_]{4,}[.!?…]|[!?…]")
_PARTICLES = {"de", "du", "des", "la", "le", "von", "van", "der", "den", "di", "da", "al", "el"}
_OFTEN = 0.8
"""Share of texts with a name in front in a file that has one in front of each text."""


def label_of(text: str) -> tuple[str, str] | None:
    """Split "Ann Lee (she/her): Hello" into name and text; None if it cannot be a name."""
    match = _LABEL.match(text)
    if not match:
        return None
    name = " ".join(match[1].strip("[] ").split())
    bare = _ADDED.sub("", name).strip()
    if not bare or len(bare.split()) > _WORDS or _SENTENCE.search(bare):
        return None
    if bare.replace(".", "").replace(",", "").isdecimal():
        return None  # "10:30 we begin"
    return name, text[match.end() :]


def names_of(texts: Sequence[str]) -> frozenset[str]:
    """Return the names with which texts begin; none if these are not names.

    They are if nearly all texts begin with one, or if several of them come again and again.
    """
    names = Counter(one[0] for one in map(label_of, texts) if one)
    alike = all(map(_looks_like_a_name, names))
    uses = sum(names.values())
    # "Note: …" alone is no name, "Ann Lee: …" is.
    sure = alike and (len(texts) > 2 or all(" " in name or "_" in name for name in names))
    if uses >= _OFTEN * len(texts) and (sure or uses >= 3 * len(names)):
        return frozenset(names)
    again = len(names) > 1 and min(names.values()) > 1 and alike
    return frozenset(names if again else ())


_CONTEXT = 3


def labels_of(lines: Iterable[str], names: Collection[str]) -> Iterator[Label]:
    """Return what may be a name in front of a line: what is among ``names``, or has capitals."""
    before = ""
    for line in lines:
        name, text = label_of(line) or ("", line)
        words = text.split()
        if name and (name in names or _looks_like_a_name(name)):
            yield Label(name, before, " ".join(words[:_CONTEXT]), name in names)
        before = " ".join(words[-_CONTEXT:]) or before


def _looks_like_a_name(name: str) -> bool:
    words = [word for word in re.split(r"[\s_.-]+", _ADDED.sub("", name)) if word]
    capital = [word for word in words if not word[0].islower() or word in _PARTICLES]
    return len(capital) == len(words) and (len(words) > 1 or not name.islower())


def _key(name: str) -> frozenset[str]:
    """Return the words of a name without accents and case: "Lee, Ann" is "Ann Lee"."""
    flat = unicodedata.normalize("NFKD", name).casefold()
    return frozenset(re.findall(r"\w+", "".join(c for c in flat if not unicodedata.combining(c))))


def _bare(name: str) -> frozenset[str]:
    return _key(_ADDED.sub("", name)) or _key(name)


def matched(ours: Iterable[str], theirs: Iterable[str]) -> Mapping[str, str]:
    """Return for each name of ``theirs`` the one of ``ours`` that it certainly stands for.

    Equal but for case, accents, order of its words and additions such as "(she/her)" or a company;
    or with more given than the other ("Ann", "Ann Lee"), if only one can be meant on each side.
    """
    known = [name for name in dict.fromkeys(ours) if name]
    found: dict[str, str] = {}
    for name in (name for name in dict.fromkeys(theirs) if name):
        for likeness in (_same, _same_words, _within):
            fits = [one for one in known if likeness(one, name)]
            if len(fits) == 1:
                found[name] = fits[0]
            if fits:
                break
    taken = Counter(found.values())
    return {
        name: one
        for name, one in found.items()
        if taken[one] == 1 or _same(one, name) or _same_words(one, name)
    }


def _same(one: str, other: str) -> bool:
    return one == other


def _same_words(one: str, other: str) -> bool:
    return bool({_key(one), _bare(one)} & {_key(other), _bare(other)})


def _within(one: str, other: str) -> bool:
    ours, theirs = _bare(one), _bare(other)
    return bool(ours and theirs) and (ours <= theirs or theirs <= ours)
