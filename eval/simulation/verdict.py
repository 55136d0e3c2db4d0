"""Judges every word: shown once under the right name, or why not. Pure.

Times are seconds on the simulation's clock; ``origin_s`` is that clock at room time 0.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from captioner.contract import CuePacket, GapPacket

IN_FLIGHT_S = 0.6
"""The longest time from a word at the speaker's microphone to the bot."""

CUE_S = 12.0
"""The most speech before a refusal that the deleted open cue can contain."""

BACK_S = 3.0
"""Time until a voice is heard after a switch-on, an agreement, or joining."""

TORN_IN_A_ROW = 2
"""The most successive words of one speaker that a busy machine may tear."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as passed to a microphone."""

    word: str
    speaker: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Span:
    """A condition between two times. speaker: None for everybody.

    asked_s, done_s: when its beginning was requested, and confirmed; the same for its end.
    """

    asked_s: float
    done_s: float
    end_asked_s: float
    end_done_s: float
    speaker: str | None = None


@dataclass(slots=True)
class Facts:
    """The circumstances of the meeting.

    not_kept: speakers who are captioned, and want nothing of it kept. unheard: speakers without a
    connection, or with a failed track. reached: words that arrived at a recogniser intact; None:
    all. delivered: those that arrived intact at somebody else; None: nobody else listened. A busy
    machine tears audio between microphone and bot. starved: when the bot had too little processor
    time: it notices who comes late, and hears a word whose packets it fetched late in two parts.
    """

    off: list[Span] = field(default_factory=list)
    refused: list[Span] = field(default_factory=list)
    not_kept: list[Span] = field(default_factory=list)
    unheard: list[Span] = field(default_factory=list)
    starved: list[Span] = field(default_factory=list)
    reached: set[str] | None = None
    delivered: set[str] | None = None


class Fate(StrEnum):
    """What became of a word."""

    SHOWN = "shown"
    LOST = "lost"
    IN_GAP = "in a declared gap"
    EXCUSED = "not to be shown, or around a switch"
    TORN = "torn before any recogniser was given it"
    NOT_DELIVERED = "torn for everybody, before the bot"
    LEAKED = "shown though refused or switched off"


@dataclass(slots=True)
class MeetingVerdict:
    """misattributed, doubled, made_up: words. twice: which ones are doubled.

    fate_of: every word said. early_late_ms: for each cue, its start minus that of its first word.
    """

    fate_of: dict[SpokenWord, Fate] = field(default_factory=dict)
    misattributed: int = 0
    doubled: int = 0
    made_up: int = 0
    twice: dict[str, list[CuePacket]] = field(default_factory=dict)
    early_late_ms: list[int] = field(default_factory=list)

    @property
    def fates(self) -> Counter[Fate]:
        """How many words had which fate."""
        return Counter(self.fate_of.values())

    @property
    def lost(self) -> list[SpokenWord]:
        """The words that were lost."""
        return self.words(Fate.LOST)

    def words(self, fate: Fate) -> list[SpokenWord]:
        """Return the words that had this fate, in the order in which they were said."""
        return [one for one, theirs in self.fate_of.items() if theirs is fate]


def judge_meeting(
    said: Sequence[SpokenWord],
    shown: Iterable[CuePacket],
    gaps: Sequence[GapPacket],
    facts: Facts,
    *,
    origin_s: float,
) -> MeetingVerdict:
    """Compare the words said with the screen of a participant who always read."""
    by_word = {one.word: one for one in said}
    places: dict[str, list[CuePacket]] = defaultdict(list)
    verdict = MeetingVerdict()
    for cue in shown:
        words = cue.text.split()
        for word in words:
            places[word].append(cue)
        if first := by_word.get(words[0]):
            off_ms = cue.start_ms - (first.start_s - origin_s) * 1000
            verdict.early_late_ms.append(round(off_ms))
    for word, cues in places.items():
        if word not in by_word:
            verdict.made_up += len(cues)
            continue
        if len(cues) > 1 and not _cut_in_two(by_word[word], cues, gaps, facts, origin_s):
            verdict.doubled += len(cues) - 1
            verdict.twice[word] = cues
        verdict.misattributed += sum(cue.speaker != by_word[word].speaker for cue in cues)
    fates = {one: _fate(one, one.word in places, gaps, facts, origin_s) for one in said}
    verdict.fate_of = fates | dict.fromkeys(_lost_in_a_row(fates), Fate.LOST)
    return verdict


def _cut_in_two(
    said: SpokenWord,
    cues: Sequence[CuePacket],
    gaps: Sequence[GapPacket],
    facts: Facts,
    origin_s: float,
) -> bool:
    """Whether each part of a divided word is heard: at the end of a cue, and later."""
    if len(cues) != 2:
        return False
    before, after = sorted(cues, key=lambda cue: cue.start_ms)
    halves = before.text.split()[-1] == said.word == after.text.split()[0]
    return halves and may_be_cut(said, gaps, facts, origin_s)


def may_be_cut(said: SpokenWord, gaps: Sequence[GapPacket], facts: Facts, origin_s: float) -> bool:
    """Return whether the word's sound may have come in two parts, with a hole between them."""
    return any(
        span.asked_s < said.end_s + IN_FLIGHT_S and said.start_s < span.end_done_s
        for span in facts.starved
    ) or any(
        said.start_s < origin_s + gap.start_ms / 1000 < said.end_s + IN_FLIGHT_S for gap in gaps
    )


def _lost_in_a_row(fates: Mapping[SpokenWord, Fate]) -> Iterator[SpokenWord]:
    """Return runs of torn words too long for a busy machine, which count as lost."""
    said = sorted(fates, key=lambda one: (one.speaker, one.start_s))
    for (_, fate), words in groupby(said, key=lambda one: (one.speaker, fates[one])):
        in_a_row = list(words)
        if fate is Fate.TORN and len(in_a_row) > TORN_IN_A_ROW:
            yield from in_a_row


def different(
    reader: Iterable[CuePacket],
    other: Iterable[CuePacket],
    refused: Sequence[Span] = (),
    *,
    not_kept: Sequence[Span] = (),
    origin_s: float = 0.0,
    had_all_s: float = math.inf,
) -> set[CuePacket]:
    """Return the cues that two pages show differently, and should not.

    ``other`` joined late, or lost packets, and had the captions from before at ``had_all_s``.
    It lacks cues that their speaker's refusal had taken away by then, and those that are only for
    people who were there; ``reader`` has these.
    """
    theirs = set(other)
    known = {(cue.session, cue.id) for cue in theirs}

    def taken_away(cue: CuePacket) -> bool:
        start_s = origin_s + cue.start_ms / 1000
        until = [(span, span.done_s) for span in refused]
        until += [(span, span.end_done_s + CUE_S) for span in not_kept]
        return (cue.session, cue.id) not in known and any(
            span.speaker in (None, cue.speaker) and start_s < until_s and span.asked_s < had_all_s
            for span, until_s in until
        )

    return {cue for cue in set(reader) - theirs if not taken_away(cue)} | (theirs - set(reader))


def _fate(
    said: SpokenWord, shown: bool, gaps: Sequence[GapPacket], facts: Facts, origin_s: float
) -> Fate:
    forbidden = [*facts.off, *_of(said, facts.refused)]
    if any(s.done_s < said.start_s and said.end_s < s.end_asked_s for s in forbidden):
        return Fate.LEAKED if shown else Fate.EXCUSED
    if shown:
        return Fate.SHOWN
    if any(in_gap(said, gap, origin_s) for gap in gaps):
        return Fate.IN_GAP
    before = {id(s): CUE_S for s in _of(said, facts.refused)}
    for span in [*forbidden, *_of(said, facts.unheard)]:
        begins = span.asked_s - before.get(id(span), IN_FLIGHT_S)
        noticed_s = max(
            (s.end_done_s for s in facts.starved if s.asked_s < span.end_done_s <= s.end_done_s),
            default=span.end_done_s,
        )
        if begins < said.end_s and said.start_s < noticed_s + BACK_S:
            return Fate.EXCUSED
    if facts.reached is None or said.word in facts.reached:
        return Fate.LOST
    whole = facts.delivered is None or said.word in facts.delivered
    return Fate.TORN if whole else Fate.NOT_DELIVERED


def _of(said: SpokenWord, spans: Iterable[Span]) -> list[Span]:
    return [span for span in spans if span.speaker in (None, said.speaker)]


def in_gap(said: SpokenWord, gap: GapPacket, origin_s: float) -> bool:
    """Whether nobody may have heard the word."""
    start, end = origin_s + gap.start_ms / 1000, origin_s + gap.end_ms / 1000
    return start - IN_FLIGHT_S < said.end_s and said.start_s < end


def leaks(texts: Mapping[str, str], secrets: Iterable[str]) -> dict[str, int]:
    """Count the secrets in each text; texts by description."""
    held = list(secrets)
    return {what: sum(secret in text for secret in held) for what, text in texts.items()}
