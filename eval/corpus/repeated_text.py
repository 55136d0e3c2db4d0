"""Captions that show text again: rolled up by lines, grown by words, or simply twice."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile

from eval.corpus.cue_files import Block
from eval.corpus.layouts.heads import heads_of
from eval.corpus.speaker_names import is_a_name, label_of, labels_of, names_above, names_of
from eval.corpus.transcript import Choices, Label, Repair, Repaired

Mended = tuple[list[Block], list[tuple[int, Repaired | Label]]]

_FEWEST = 4
"""With fewer captions than this it cannot be told whether text comes again by intent."""


def mended(blocks: Sequence[Block], choices: Choices) -> Mended:
    """Read text that comes again once, put captions in order, and tell names from text."""
    found = list(blocks)
    repairs: list[tuple[int, Repaired | Label]] = []
    once = () if choices.said_again else (_unrolled, _grown, _revised)
    for step in (_restarted, _doubled, _ordered, *once):
        found, more = step(found)
        repairs += more
    found, more = _named(found, choices.names)
    return found, repairs + more


def _restarted(blocks: list[Block]) -> Mended:
    """Files that were joined together are read one after the other, and a copy of one is not."""
    found: list[Block] = []
    repairs: list[tuple[int, Repaired | Label]] = []
    seen: set[tuple[int, int, str, str]] = set()
    shift = 0
    for part in _parts(blocks):
        keys = set(map(_as_shown, part))
        if keys <= seen:
            repairs += ((block.line, Repaired(Repair.DOUBLED)) for block in part)
            continue
        seen |= keys
        if found:
            repairs.append((part[0].line, Repaired(Repair.RESTART)))
        found += (_later(block, shift) for block in part)
        shift = max(shift, *(block.end_ms for block in found[-len(part) :]))
    return found, repairs


def _parts(blocks: list[Block]) -> Iterator[list[Block]]:
    """Split captions where caption 1 and time 0 come again."""
    part: list[Block] = []
    latest = 0
    for block in blocks:
        again = block.id == "1" and bool(part) and part[-1].line != block.line
        if again and block.start_ms < latest:
            yield part
            part, latest = [], 0
        part.append(block)
        latest = max(latest, block.end_ms)
    if part:
        yield part


def _as_shown(block: Block) -> tuple[int, int, str, str]:
    return block.start_ms, block.end_ms, block.speaker, block.text


def _later(block: Block, by: int) -> Block:
    words = tuple(word.later(by) for word in block.words)
    return replace(block, start_ms=block.start_ms + by, end_ms=block.end_ms + by, words=words)


def _doubled(blocks: list[Block]) -> Mended:
    seen: set[tuple[int, int, str, str]] = set()
    found: list[Block] = []
    repairs: list[tuple[int, Repaired | Label]] = []
    for block in blocks:
        if block.text and _as_shown(block) in seen:
            repairs.append((block.line, Repaired(Repair.DOUBLED)))
        else:
            found.append(block)
        seen.add(_as_shown(block))
    return found, repairs


def _ordered(blocks: list[Block]) -> Mended:
    back = [new.line for old, new in pairwise(blocks) if new.start_ms < old.start_ms]
    found = sorted(blocks, key=lambda block: block.start_ms)
    return found, [(line, Repaired(Repair.ORDER)) for line in back]


def _unrolled(blocks: list[Block]) -> Mended:
    """Captions roll up if every second one begins with the last line of the one before it."""
    if len(blocks) < _FEWEST:
        return blocks, []
    shared = [_shared(old.text, new.text) for old, new in pairwise(blocks)]
    certain = Counter(ways[0] for ways in shared if len(ways) == 1)
    usual = max(certain, key=lambda n: certain[n], default=0)
    fresh = [blocks[0].text]
    for ways, block in zip(shared, blocks[1:], strict=True):
        again = min(ways, key=lambda n: abs(n - usual), default=0)
        fresh.append("\n".join(block.text.split("\n")[again:]))
    rolled = sum(text != block.text for text, block in zip(fresh, blocks, strict=True))
    if rolled < len(blocks) / 2:
        return blocks, []
    return _only(blocks, fresh, Repair.ROLL_UP)


def _shared(before: str, text: str) -> list[int]:
    """Return how many first lines of a text may be the last ones of the one before, most first.

    Several numbers are possible where a line was said several times.
    """
    old, new = before.split("\n"), text.split("\n")
    return [n for n in range(len(new), 0, -1) if new[:n] == old[-n:]]


def _grown(blocks: list[Block]) -> Mended:
    """Captions grow if every second one begins with all words of the one before it."""
    if len(blocks) < _FEWEST:
        return blocks, []
    words = [block.text.split() for block in blocks]

    def grows(before: list[str], after: list[str]) -> bool:
        return bool(before) and len(after) > len(before) and after[: len(before)] == before

    if sum(grows(*pair) for pair in pairwise(words)) < len(blocks) / 2:
        return blocks, []
    fresh = [words[0], *(b[len(a) :] if grows(a, b) else b for a, b in pairwise(words))]
    return _only(blocks, [" ".join(one) for one in fresh], Repair.GROWING)


def _revised(blocks: list[Block]) -> Mended:
    """Captions with all their revisions, each a caption of its own, are read as the last of them.

    Every second one is revised by the next, which begins with half of its letters or more.
    """
    revised = [_revises(new, old) for old, new in pairwise(blocks)]
    if len(blocks) < _FEWEST or sum(revised) < len(blocks) / 2:
        return blocks, []
    found: list[Block] = []
    begin: int | None = None
    for block, again in zip(blocks, [*revised, False], strict=True):
        begin = block.start_ms if begin is None else begin
        if not again:
            found.append(replace(block, start_ms=begin))
            begin = None
    gone = [block.line for block, again in zip(blocks, revised, strict=False) if again]
    return found, [(line, Repaired(Repair.GROWING)) for line in gone]


def _revises(new: Block, old: Block) -> bool:
    one, other = old.text.casefold(), new.text.casefold()
    shared = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )
    at_once = new.start_ms <= old.end_ms and new.speaker == old.speaker
    return at_once and old.text != new.text and 2 * shared >= len(one) > 0


def _only(blocks: list[Block], fresh: Sequence[str], repair: Repair) -> Mended:
    """Keep the fresh text of each block, with its own timed words."""
    found: list[Block] = []
    repairs: list[tuple[int, Repaired | Label]] = []
    for text, block in zip(fresh, blocks, strict=True):
        if text != block.text:
            repairs.append((block.line, Repaired(repair)))
        if text or not block.text:
            words = block.words[len(block.words) - len(text.split()) :] if block.words else ()
            found.append(replace(block, text=text, words=words))
    return found, repairs


def _named(blocks: list[Block], names: frozenset[str] | None) -> Mended:
    """Some products write "Ann Lee: Hello" instead of a voice tag; unnamed text goes on."""
    if names_above([block.text.split("\n") for block in blocks if _is_bare(block)]):
        blocks = [_with_colon(block) if _is_bare(block) else block for block in blocks]
    blocks = _with_heads(blocks)
    bare = list(filter(_is_bare, blocks))
    if names is None:
        names = names_of([block.text for block in bare])
    lines = [(block.line, line) for block in bare for line in _lines(block.text)]
    found: list[tuple[int, Repaired | Label]] = []
    found += ((1, label) for label in labels_of((line for _, line in lines), names))
    for number, line in lines:
        if (one := label_of(line)) and one[0] in names:
            found.append((number, Repaired(Repair.NAMES, one[0])))
    return (list(_with_names(blocks, names)) if names else blocks), found


def _is_bare(block: Block) -> bool:
    return bool(block.text and not block.speaker)


def _with_colon(block: Block) -> Block:
    name, *rest = block.text.split("\n")
    marked = bool(rest) and is_a_name(name)
    return replace(block, text="\n".join([f"{name}:", *rest])) if marked else block


def _with_heads(blocks: Sequence[Block]) -> list[Block]:
    """Write a colon behind names that another mark, or capitals, set apart."""
    places = [
        (n, line) for n, one in enumerate(blocks) if _is_bare(one) for line in _lines(one.text)
    ]
    heads = heads_of([line for _, line in places])
    lines = defaultdict[int, list[str]](list)
    for at, (n, line) in enumerate(places):
        lines[n].append(": ".join(heads[at]) if at in heads else line)
    changed = {places[at][0] for at in heads}
    return [
        replace(one, text="\n".join(lines[n])) if n in changed else one
        for n, one in enumerate(blocks)
    ]


def _lines(text: str) -> list[str]:
    """Split a text into its lines; a colon at the end of one belongs to what follows it."""
    return re.split(r"(?<![:\uff1a])\n", text)


def _with_names(blocks: list[Block], known: Collection[str]) -> Iterator[Block]:
    speaker = ""
    for block in blocks:
        if block.speaker or not block.text:
            speaker = block.speaker or speaker
            yield block
            continue
        for name, text in _by_line(block.text, known):
            # ">>" alone says that somebody else speaks, and not who.
            speaker = name or ("" if text.startswith(">>") else speaker)
            words = block.words if text == block.text else ()
            yield replace(block, speaker=speaker, text=text, words=words)


def _by_line(text: str, known: Collection[str]) -> list[tuple[str, str]]:
    """Split a caption at the lines that begin with a known name; a line without one goes on."""
    parts: list[tuple[str, str]] = []
    for line in _lines(text):
        if (one := label_of(line)) and one[0] in known:
            parts.append(one)
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]}\n{line}")
        else:
            parts.append(("", line))
    return parts
