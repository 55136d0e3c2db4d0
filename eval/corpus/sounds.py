"""Sounds that captions describe between asterisks or notes: "*laughs*", "♪ soft music ♪".

Words between notes may have been sung, and words between asterisks may be stressed: the other file
decides. What stands in brackets is no word for any normaliser.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from eval.corpus.speaker_names import CONTEXT
from eval.corpus.transcript import Found, Label, Repair, Repaired, Segment
from eval.normalization.basic import without_asides

_SOUND = re.compile(r"(?<![\w*])\*(?=\w)[^*]{1,60}(?<=[\w.!?…])\*(?![\w*])|[♪♫]+[^♪♫]*[♪♫]+")
_WORDS = """
applause beep beeping beeps cheering chuckles clapping coughing coughs gasps giggles groans humming
hums instrumental jingle laugh laughing laughs laughter music noise sigh sighing sighs silence
sneezes sniffs sobbing sobs static whistles yawns
applaudissements bip brouhaha bruit bruits générique huées musique rire rires rit sanglots
sifflements sonnerie soupir soupire soupirs tousse toux
"""
"""Of which one makes a sound of what is marked, if the other file does not decide."""
_KNOWN = frozenset(_WORDS.split())


def without_sounds(found: Found, chosen: Collection[str] | None) -> Found:
    """Leave out the sounds among ``chosen``, or those that are known; name all that are marked."""
    events = list(found)
    texts = [one.text for _, one in events if isinstance(one, Segment) and one.text]
    labels = list(_labels(texts))
    yield from ((1, label) for label in labels)
    sounds = {one.name for one in labels if one.named} if chosen is None else chosen
    for number, one in events:
        if isinstance(one, Segment) and one.text and (cut := _cut(one, sounds)) != one:
            left_out = (_name(match) for match in _SOUND.finditer(one.text))
            yield from ((number, Repaired(Repair.SOUNDS, s)) for s in left_out if s in sounds)
            one = cut
        if not isinstance(one, Segment) or one.text != "" or not labels:
            yield number, one


def _labels(texts: Sequence[str]) -> Iterator[Label]:
    """Return each mark twice: among what is not marked, and among all words."""
    speech, whole, places = list[str](), list[str](), list[tuple[str, int, int]]()
    for text in map(without_asides, texts):
        at = 0
        for match in _SOUND.finditer(text):
            spoken = text[at : match.start()].split()
            speech += spoken
            whole += spoken
            places.append((_name(match), len(speech), len(whole)))
            whole += match[0].split()
            at = match.end()
        speech += text[at:].split()
        whole += text[at:].split()
    for name, n, m in places:
        if marked := re.findall(r"\w+", name.casefold()):
            known = not _KNOWN.isdisjoint(marked)
            for words, begin, end in ((speech, n, n), (whole, m, m + len(name.split()))):
                before = " ".join(words[max(0, begin - CONTEXT) : begin])
                after = " ".join(words[end : end + CONTEXT])
                yield Label(name, before, after, known, Repair.SOUNDS)


def _name(match: re.Match[str]) -> str:
    return " ".join(match[0].split())


def _cut(one: Segment, sounds: Collection[str]) -> Segment:
    """Return a segment without these sounds, also in its lines and its timed words."""
    text = one.text or ""
    gone = [match.span() for match in _SOUND.finditer(text) if _name(match) in sounds]
    if not gone:
        return one

    def bare(text: str) -> str:
        return _SOUND.sub(lambda match: " " if _name(match) in sounds else match[0], text)

    spoken = [
        not any(start <= token.start() and token.end() <= end for start, end in gone)
        for token in re.finditer(r"\S+", text)
    ]
    words = one.words if len(one.words) == len(spoken) else ()
    lines = (" ".join(line.split()) for line in bare("\n".join(one.lines)).split("\n"))
    return replace(
        one,
        text=" ".join(bare(text).split()),
        words=tuple(word for word, kept in zip(words, spoken, strict=False) if kept),
        lines=tuple(filter(None, lines)),
    )
