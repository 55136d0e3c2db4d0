"""Reads a reference and its captions so that each decides what the other leaves open.

A capitalised beginning before a colon is a name or was said; text that comes again was shown again
or said again; what stands in brackets was said if the other has it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
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
    paths, both = (reference, captions), (read_transcript(reference), read_transcript(captions))
    if not all(map(_words, both)):
        return *both, []
    again, doubts = _said_again(paths, both)
    names: Sequence[frozenset[str] | None] = (None, None)
    if any(found.labels for found in both):
        names, more = _names(paths, both, again)
        doubts += more
    choices = map(Choices, names, again)
    said, shown = (
        found if choice == Choices() else read_transcript(path, choice)
        for path, found, choice in zip(paths, both, choices, strict=True)
    )
    return _with_asides(said, shown), _with_asides(shown, said), doubts


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


def _names(
    paths: Sequence[Path], both: Sequence[Transcript], again: Sequence[bool]
) -> tuple[Sequence[frozenset[str]], list[Doubt]]:
    """Return which labels of each file are names.

    Each file is read with its labels and without them, since what follows a label in both files is
    no evidence.
    """
    suggested = [_named(label for label in found.labels if label.named) for found in both]
    kept = [read_transcript(p, Choices(frozenset(), a)) for p, a in zip(paths, again, strict=True)]
    every = [_named(found.labels) for found in kept]
    cut = [read_transcript(p, Choices(n, a)) for p, n, a in zip(paths, every, again, strict=True)]
    words = [[_words(one) for one in readings] for readings in zip(kept, cut, strict=True)]
    people = [{segment.speaker for segment in found.segments} for found in kept]

    shown, open_shown = _chosen(kept[1].labels, suggested[1], words[0], people[0])
    people[1] |= shown
    said, open_said = _chosen(kept[0].labels, suggested[0], words[1], people[1])
    # Captions may lack what was said.
    lacking = said - suggested[0] - matched(people[1], sorted(said)).keys()
    chosen = said - lacking, shown
    alike = (every[0] - chosen[0]) & (every[1] - chosen[1])  # counts as words on both sides
    doubts = []
    for path, names, unsure in zip(paths, chosen, (open_said | lacking, open_shown), strict=True):
        for doubt, some in (
            ("perhaps_said", unsure & names),
            ("perhaps_names", unsure - names - alike),
        ):
            if some:
                facts = {"file": path.name, "names": ", ".join(sorted(some)[:_SHOWN])}
                doubts.append(Doubt(doubt, facts))
    return chosen, doubts


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
    two ways. people: names that it has.
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
    votes = Counter({label.name: 0 for label in labels})
    for words in others:
        votes.update(_votes(labels, words))
    known = matched(people, sorted(votes))
    most = sum(votes.values())
    names = {name for name, vote in votes.items() if name in known or vote > 0}
    unsure = {name for name, vote in votes.items() if vote == 0 and name not in known}
    if most < 0:
        unsure &= suggested
    names |= unsure if most > 0 else unsure & suggested
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
