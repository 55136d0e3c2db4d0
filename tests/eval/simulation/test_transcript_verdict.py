"""What the judge of transcripts says about each word of a simulated meeting."""

from __future__ import annotations

import pytest

from captioner.contract import GapPacket
from eval.simulation.transcript_verdict import judge_transcript
from eval.simulation.verdict import Facts, Span, SpokenWord

ON = [(0.0, "on")]
FILE = "WEBVTT\n\nt1-1\n00:00:50.000 --> 00:00:52.000\n<v Simulata p1>one two"


def said(word: str, at_s: float, speaker: str = "p1") -> SpokenWord:
    return SpokenWord(word, speaker, at_s, at_s + 0.28)


def judged(
    *words: SpokenWord,
    text: str = FILE,
    gaps: tuple[GapPacket, ...] = (),
    facts: Facts | None = None,
    keeps: list[tuple[float, str]] = ON,
) -> tuple[list[str], list[str], list[str]]:
    shown = {one.word for one in words}
    found = judge_transcript(text, words, shown, gaps, facts or Facts(), keeps=keeps, origin_s=0)
    return (
        [one.word for one in found.missing], [one.word for one in found.forbidden], found.twice,
    )  # fmt: skip


def test_what_was_shown_is_in_the_file_once() -> None:
    assert judged(said("one", 50), said("two", 50.4)) == ([], [], [])
    assert judged(said("one", 50), said("three", 51)) == (["three"], [], [])
    assert judged(said("one", 50), text=f"{FILE}\n\n<v Simulata p1>one") == ([], [], ["one"])


@pytest.mark.parametrize(
    "keeps",
    [[(0.0, "off")], [(0.0, "on"), (52.0, "off")], [(0.0, "off"), (49.0, "on")], []],
)
def test_what_was_shown_while_none_was_kept_need_not_be_in_it(
    keeps: list[tuple[float, str]],
) -> None:
    assert judged(said("three", 51), keeps=keeps) == ([], [], [])


def test_what_was_shown_in_a_declared_gap_need_not_be_in_it() -> None:
    assert judged(said("three", 51), gaps=(GapPacket(50_000, 52_000, "r"),)) == ([], [], [])


@pytest.mark.parametrize("kind", ["refused", "not_kept"])
@pytest.mark.parametrize(("at_s", "erased"), [(40, True), (60, True), (80, False)])
def test_what_was_said_until_somebody_agreed_again_is_not_in_it(
    kind: str, at_s: float, erased: bool
) -> None:
    facts = Facts(**{kind: [Span(58, 58.1, 70, 70.1, "p1")]})
    word = said("one", at_s)
    assert judged(word, facts=facts) == ([], ["one"] if erased else [], [])
    other = Facts(**{kind: [Span(58, 58.1, 70, 70.1, "p2")]})
    assert judged(word, facts=other) == ([], [], [])
    assert judged(said("three", 90), facts=facts) == (["three"], [], [])
