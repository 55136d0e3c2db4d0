"""Reads a reference and its captions so that each decides what the other leaves open.

A capitalised beginning before a colon is a name or was said; text that comes again was shown again
or said again; what stands in brackets was said if the other has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from eval.corpus.speaker_names import matched
from eval.corpus.transcript import Choices, Label, Repair, Transcript
from eval.corpus.transcript_formats import read_transcript
from eval.measures.accuracy import missing_and_added
from eval.normalization.basic import without_asides
from eval.normalization.normalize import word_key
from eval.observation import Doubt

_COMPARED = 50_000
"""The words of each file by which it is decided whether text was said again."""
_IN_BRACKETS = re.compile(r"\(([^()]+)\)")
_BESIDE = 100
"""Characters that hold the word beside what stands in brackets."""
_SHOWN = 6
"""Names in one doubt."""


def read_pair(reference: Path, captions: Path) -> tuple[Transcript, Transcript, list[Doubt]]:
    """Return the contents of both files, and what neither decides. Raises FormatError."""
    paths, both = (reference, captions), [read_transcript(reference), read_transcript(captions)]
    if not all(map(_words, both)):
        return both[0], both[1], []
    written, doubts = _written(paths, both)
    again, more = _said_again(paths, both)
    choices = [Choices(None, *ways) for ways in zip(again, written, strict=True)]
    both = list(map(_read, paths, choices, both))
    if any(found.labels for found in both):
        names, others = _names(paths, both, choices)
        more += others
        choices = [replace(one, names=some) for one, some in zip(choices, names, strict=True)]
    said, shown = map(_read, paths, choices, both)
    return _with_asides(said, shown), _with_asides(shown, said), [*doubts, *more]


def _read(path: Path, choices: Choices, as_suggested: Transcript) -> Transcript:
    return as_suggested if choices == Choices() else read_transcript(path, choices)


def _with_asides(found: Transcript, other: Transcript) -> Transcript:
    """Take off the brackets of what the other file has too: "(which is old)", but "(laughs)"."""
    if not any("(" in (one.text or "") for one in found.segments):
        return found
    words = f" {' '.join(_words(other)[:_COMPARED])} "

    def bare(match: re.Match[str]) -> str:
        start, end = match.span()
        around = match.string[max(0, start - _BESIDE) : start], match.string[end : end + _BESIDE]
        begin, aside, rest = map(_keys, ([around[0]], [match[1]], [around[1]]))
        runs = ([*begin[-1:], *aside], [*aside, *rest[:1]])
        said = any(len(run) > len(aside) > 0 and f" {' '.join(run)} " in words for run in runs)
        return match[1] if said else match[0]

    segments = (
        replace(one, text=_IN_BRACKETS.sub(bare, one.text)) if one.text else one
        for one in found.segments
    )
    return replace(found, segments=tuple(segments))


def _words(found: Transcript) -> list[str]:
    return _keys(segment.text or "" for segment in found.segments)


def _keys(texts: Iterable[str]) -> list[str]:
    words = (word for text in texts for word in without_asides(text).split())
    return [key for word in words if any(map(str.isalnum, key := word_key(word)))]


def _said_again(
    paths: Sequence[Path], both: Sequence[Transcript]
) -> tuple[list[bool], list[Doubt]]:
    """Return for each file whether text that comes again was said again.

    Wrong words count as missing and additional ones: text that was only shown again would
    otherwise stand for words that are missing beside it.
    """
    ours, theirs = readings = [[_words(found)[:_COMPARED]] for found in both]
    for path, found, one in zip(paths, both, readings, strict=True):
        if any(mending.repair in (Repair.ROLL_UP, Repair.GROWING) for mending in found.mendings):
            again = read_transcript(path, Choices(said_again=True))
            one.append(_words(again)[:_COMPARED])
    errors = {
        (a, b): missing_and_added(ours[a], theirs[b])
        for a, b in product(range(len(ours)), range(len(theirs)))
    }
    best = min(errors, key=lambda way: errors[way])
    tie = list(errors.values()).count(errors[best]) > 1
    doubts = []
    if not any(best) and (tie or len(ours) == len(theirs) == 2):
        files = [path.name for path, one in zip(paths, readings, strict=True) if len(one) > 1]
        doubts = [Doubt("said_again", {"files": ", ".join(files)})]
    return [bool(way) for way in best], doubts


def _written(
    paths: Sequence[Path], both: Sequence[Transcript]
) -> tuple[Sequence[frozenset[str] | None], list[Doubt]]:
    """Return which labels of each file pages and titles added, None where it has none."""
    marks = [[one for one in f.labels if one.repair is Repair.PRODUCT_LINES] for f in both]
    if not any(marks):
        return (None, None), []
    whole = Choices(written=frozenset())
    words = [
        _words(read_transcript(path, whole) if some else found)
        for path, some, found in zip(paths, marks, both, strict=True)
    ]
    found = list[frozenset[str] | None]()
    doubts = list[Doubt]()
    for path, some, others in zip(paths, marks, reversed(words), strict=True):
        suggested = _named(label for label in some if label.named)
        chosen, unsure = _chosen(some, suggested, [others], ())
        if chosen - unsure:  # where one mark is decided, so are those of the same series
            unsure -= suggested
        found.append(chosen if some else None)
        doubts += _doubts(path, chosen, unsure)
    return found, doubts


def _names(
    paths: Sequence[Path], both: Sequence[Transcript], choices: Sequence[Choices]
) -> tuple[Sequence[frozenset[str]], list[Doubt]]:
    """Return which labels of each file are names or sounds.

    Each file is read with its labels and without them, since what follows a label in both files is
    no evidence.
    """
    suggested = [_named(label for label in _labels(found) if label.named) for found in both]
    kept, cut = list[Transcript](), list[Transcript]()
    for path, choice in zip(paths, choices, strict=True):
        kept.append(read_transcript(path, replace(choice, names=frozenset())))
        cut.append(read_transcript(path, replace(choice, names=_named(_labels(kept[-1])))))
    every = [_named(_labels(found)) for found in kept]
    words = [[_words(one) for one in readings] for readings in zip(kept, cut, strict=True)]
    people = [{segment.speaker for segment in found.segments} for found in kept]

    shown, open_shown = _chosen(_labels(kept[1]), suggested[1], words[0], people[0])
    people[1] |= shown
    said, open_said = _chosen(_labels(kept[0]), suggested[0], words[1], people[1])
    # Captions may lack what was said.
    lacking = said - suggested[0] - matched(people[1], sorted(said)).keys()
    chosen = said - lacking, shown
    alike = (every[0] - chosen[0]) & (every[1] - chosen[1])  # counts as words on both sides
    unsure = (open_said | lacking) - alike, open_shown - alike
    return chosen, [
        one for each in zip(paths, chosen, unsure, strict=True) for one in _doubts(*each)
    ]


def _doubts(path: Path, names: frozenset[str], unsure: frozenset[str]) -> Iterator[Doubt]:
    for doubt, some in (("perhaps_said", unsure & names), ("perhaps_names", unsure - names)):
        if some:
            yield Doubt(doubt, {"file": path.name, "names": ", ".join(sorted(some)[:_SHOWN])})


def _labels(found: Transcript) -> list[Label]:
    """Return its labels but those of pages and titles."""
    return [label for label in found.labels if label.repair is not Repair.PRODUCT_LINES]


def _named(labels: Iterable[Label]) -> frozenset[str]:
    return frozenset(label.name for label in labels)


def _chosen(
    labels: Sequence[Label],
    suggested: frozenset[str],
    others: Sequence[Sequence[str]],
    people: Collection[str],
) -> tuple[frozenset[str], frozenset[str]]:
    """Return which labels are names, and which of all are left open.

    suggested: what the file by itself takes for names. others: the words of the other file, read in
    two ways, first with all that may be names. people: names that it has.
    """
    names, unsure = set[str](), set[str]()
    for repair in {label.repair for label in labels}:
        alike = [label for label in labels if label.repair is repair]
        some, open_ = _chosen_alike(
            alike, suggested, others, people if repair is Repair.NAMES else ()
        )
        names |= some
        unsure |= open_
    return frozenset(names), frozenset(unsure)


def _chosen_alike(
    labels: Sequence[Label],
    suggested: frozenset[str],
    others: Sequence[Sequence[str]],
    people: Collection[str],
) -> tuple[set[str], set[str]]:
    each = [_votes(labels, words) for words in others]
    votes = Counter({label.name: 0 for label in labels})
    for some in each:
        votes.update(some)
    denied = {name for name, vote in each[0].items() if vote < 0}  # the other file has it
    known = matched(people, sorted(votes))
    most = sum(votes.values())
    names = {name for name, vote in votes.items() if name in known or vote > 0}
    unsure = {name for name, vote in votes.items() if vote == 0 and name not in known}
    if most < 0:
        unsure &= suggested
    names |= unsure - denied if most > 0 else set()
    names |= unsure & suggested
    return names, unsure


def _votes(labels: Iterable[Label], words: Sequence[str]) -> Counter[str]:
    """Count for each label where the words go on without it, less where they have it too."""
    found = []
    for label in labels:
        begin, own, rest = map(_keys, ([label.before], [label.name], [label.after]))
        found.append((label.name, ["", *begin][-1], own[-1:], rest))
    wanted = {
        (one, *after[:n])
        for _, before, said, after in found
        for one in (before, *said)
        for n in range(1, len(after) + 1)
    }
    marked = ["", *words]
    runs = {
        run
        for n in range(2, 5)
        for run in zip(*(marked[begin:] for begin in range(n)), strict=False)
        if run in wanted
    }
    votes = Counter[str]()
    for name, before, said, after in found:
        for n in range(len(after), 0, -1):
            without = (before, *after[:n]) in runs
            within = (*said, *after[:n]) in runs
            if without or within:
                votes[name] += without - within
                break
    return votes
