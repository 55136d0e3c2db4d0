"""Judges the transcript of a simulated meeting, word by word. Pure.

Times are seconds on the simulation's clock, as in verdict.py.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from captioner.contract import GapPacket
from eval.simulation.verdict import CUE_S, IN_FLIGHT_S, Facts, Span, SpokenWord, in_gap, may_be_cut


@dataclass(slots=True)
class TranscriptVerdict:
    """missing: shown while it was kept. forbidden: of speakers who want nothing kept of it."""

    missing: list[SpokenWord] = field(default_factory=list)
    forbidden: list[SpokenWord] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    kept: int = 0


def judge_transcript(
    text: str,
    said: Sequence[SpokenWord],
    shown: Collection[str],
    gaps: Sequence[GapPacket],
    facts: Facts,
    *,
    keeps: Sequence[tuple[float, str]],
    origin_s: float,
) -> TranscriptVerdict:
    """Compare the WebVTT text with what was said, and with the words that a page had shown.

    keeps: (time, "on" or "off") of each change of the bot's attribute, as a reader saw it. A cue
    during which it changes is left out whole.
    """
    found = Counter(text.replace(">", " ").split())
    verdict = TranscriptVerdict()
    stretches = _stretches(keeps)
    for one in said:
        count = found[one.word]
        verdict.kept += bool(count)
        if count > 1 and not may_be_cut(one, gaps, facts, origin_s):
            verdict.twice.append(one.word)
        spans = [s for s in (*facts.refused, *facts.not_kept) if s.speaker == one.speaker]
        if count and any(_is_erased(one, span) for span in spans):
            verdict.forbidden.append(one)
        if (
            not count
            and one.word in shown
            and any(a + CUE_S < one.start_s and one.end_s + CUE_S < b for a, b in stretches)
            and not any(one.start_s < span.end_done_s + CUE_S for span in spans)
            and not any(in_gap(one, gap, origin_s) for gap in gaps)
        ):
            verdict.missing.append(one)
    return verdict


def _is_erased(said: SpokenWord, span: Span) -> bool:
    """What was said before the speaker agreed again, or was about to be recognised."""
    return said.end_s + IN_FLIGHT_S < span.end_asked_s


def _stretches(keeps: Sequence[tuple[float, str]]) -> list[tuple[float, float]]:
    return [
        (since, until)
        for (since, value), (until, _) in pairwise([*keeps, (math.inf, "")])
        if value == "on"
    ]
