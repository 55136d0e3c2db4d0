"""The script of a simulated meeting, the page that it reads with, and the judge over its words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captioner.captions.cues import Cue, CueClosed, CueDeleted, CueUpdated
from captioner.contract import Caption, GapPacket, caption_packet
from eval.simulation.caption_receiver import CaptionReceiver
from eval.simulation.real_speech import Overlap, overlap_of
from eval.simulation.script import (
    NETWORK_FAULTS,
    Fault,
    MeetingPlan,
    What,
    faults_of,
    script,
)
from eval.simulation.verdict import Facts, Fate, Span, SpokenWord, different, judge_meeting, leaks

plans = st.builds(
    MeetingPlan,
    people=st.integers(2, 12),
    seconds=st.floats(30, 600),
    faults=st.integers(0, 20).map(faults_of),
    seed=st.integers(0, 99),
    restless=st.booleans(),
)


@settings(max_examples=30)
@given(plan=plans)
def test_a_plan_gives_the_same_meeting_each_time_and_every_word_is_said_once(
    plan: MeetingPlan,
) -> None:
    acts = script(plan)
    words = [number for act in acts for number in act.words]
    assert acts == script(plan)
    assert len(words) == len(set(words)) > 0
    assert [act.fault for act in acts if act.what is What.FAULT] == list(plan.faults)


@settings(max_examples=30)
@given(plan=plans)
def test_nobody_speaks_who_is_muted_or_not_there(plan: MeetingPlan) -> None:
    here, muted = set(), set()
    for act in script(plan):
        match act.what:
            case What.JOIN:
                here.add(act.who)
            case What.LEAVE:
                here.discard(act.who)
            case What.MUTE:
                muted.add(act.who)
            case What.UNMUTE:
                muted.discard(act.who)
            case What.SAY:
                assert act.who in here - muted
            case What.FAULT if act.fault is Fault.TRACK_RAISES:
                assert act.who in here - muted


def test_people_speak_at_the_same_time() -> None:
    says = [act for act in script(MeetingPlan(seconds=300)) if act.what is What.SAY]
    ends = [act.at_s + len(act.words) * 0.4 for act in says]
    overlaps = sum(later.at_s < end for end, later in zip(ends, says[1:], strict=False))
    assert overlaps > len(says) / 5


def test_the_twenty_faults_have_every_kind_twice() -> None:
    faults = faults_of(20)
    assert min(faults.count(fault) for fault in NETWORK_FAULTS) == 2


SPEAKER = "anna"


def cue(text: str, *, n: int = 1, start: int = 1_000, speaker: str = SPEAKER) -> Cue:
    return Cue(f"t1-{n}", speaker, start, start + 500, text, "en")


def packet(event: Any, seq: int, *, session: str = "s") -> dict[str, Any]:
    speaker = getattr(event, "cue", cue("")).speaker
    return caption_packet(Caption(event, speaker, "Anna", "TR_1", 0), session=session, seq=seq)


def page_with(*packets: dict[str, Any], session: str = "s") -> CaptionReceiver:
    page = CaptionReceiver()
    page.answered({"session": session, "seq": 0, "cues": []})
    page.whole(0)
    for one in packets:
        page.feed(one)
    return page


def test_a_page_notices_a_packet_that_never_came_and_one_that_was_the_last() -> None:
    page = page_with(packet(CueUpdated(cue("a"), 1, 1), 1), packet(CueUpdated(cue("a b"), 3, 1), 3))
    assert page.missing
    page.answered({"session": "s", "seq": 3, "cues": []})
    page.whole(3)
    assert not page.missing
    page.feed({"type": "seq", "session": "s", "seq": 4})
    assert page.missing


def test_a_page_says_hello_to_a_bot_that_was_started_again_and_keeps_what_it_has() -> None:
    page = page_with(packet(CueClosed(cue("old"), 1), 1))
    page.feed(packet(CueClosed(cue("new"), 1), 1, session="t"))
    assert page.missing
    page.answered({"session": "t", "seq": 1, "cues": [packet(CueClosed(cue("new"), 1), 1)]})
    assert {(c.session, c.text) for c in page.shown()} == {("s", "old"), ("t", "new")}


@pytest.mark.parametrize(
    ("later", "fault"),
    [
        (CueUpdated(cue("said and"), 3, 4), "changed after closing"),
        (CueClosed(cue("said", start=2_000), 3), "start or speaker changed"),
        (CueClosed(cue("sad"), 3), "settled text changed"),
        (CueClosed(cue("other"), 2), "one revision, two texts"),
    ],
)
def test_a_page_counts_what_a_bot_must_never_send(later: Any, fault: str) -> None:
    page = page_with(packet(CueClosed(cue("said"), 2), 1), packet(later, 2))
    assert page.faults[fault] == 1


def test_a_page_takes_no_offence_at_what_is_allowed() -> None:
    page = page_with(
        packet(CueUpdated(cue("it was"), 1, 2), 1),
        packet(CueUpdated(cue("it is"), 2, 5), 2),
        packet(CueClosed(cue("it is so"), 3), 3),
        packet(CueUpdated(cue("it was"), 1, 2), 2),
        packet(CueDeleted("t1-1", 4), 4),
    )
    assert not page.faults
    assert page.shown() == []


def said(word: str, at_s: float, speaker: str = SPEAKER) -> SpokenWord:
    return SpokenWord(word, speaker, at_s, at_s + 0.3)


def fates(
    *words: SpokenWord, shown: str = "", facts: Facts | None = None, **more: Any
) -> list[Fate]:
    page = page_with(*([packet(CueClosed(cue(shown), 1), 1)] if shown else []))
    gaps = more.get("gaps", [])
    verdict = judge_meeting(words, page.shown(), gaps, facts or Facts(), origin_s=0)
    return [fate for fate, count in verdict.fates.items() for _ in range(count)]


def test_a_word_is_lost_unless_a_declared_gap_holds_it() -> None:
    assert fates(said("one", 10)) == [Fate.LOST]
    assert fates(said("one", 10), gaps=[GapPacket(9_000, 11_000, "r")]) == [Fate.IN_GAP]
    assert fates(said("one", 10), gaps=[GapPacket(2_000, 9_900, "r")]) == [Fate.LOST]


def test_a_word_of_somebody_who_refused_must_not_be_shown() -> None:
    facts = Facts(refused=[Span(5, 5.1, 15, 15.1, SPEAKER)])
    assert fates(said("one", 10), shown="one", facts=facts) == [Fate.LEAKED]
    assert fates(said("one", 10), facts=facts) == [Fate.EXCUSED]
    assert fates(said("one", 10, "bob"), facts=facts) == [Fate.LOST]
    assert fates(said("one", 20), facts=facts) == [Fate.LOST]


def test_a_word_that_no_recogniser_was_given_is_torn_and_three_in_a_row_are_lost() -> None:
    facts = Facts(reached={"heard"})
    one, two, three = (said(word, at_s) for at_s, word in enumerate(("one", "two", "three")))
    assert fates(one, two, facts=facts) == [Fate.TORN] * 2
    assert fates(one, two, three, facts=facts) == [Fate.LOST] * 3
    assert fates(one, said("four", 1, "bob"), two, facts=facts) == [Fate.TORN] * 3
    between = fates(one, said("heard", 0.5), two, three, facts=facts)
    assert sorted(between) == [Fate.LOST, *[Fate.TORN] * 3]


def test_a_word_that_nobody_else_had_whole_either_is_not_the_bots_fault() -> None:
    facts = Facts(reached=set(), delivered={"two"})
    said_by_one = [said(word, at_s) for at_s, word in enumerate(("one", "two", "three", "four"))]
    found = fates(*said_by_one, facts=facts)
    assert sorted(found) == sorted([Fate.TORN, *[Fate.NOT_DELIVERED] * 3])


def test_words_under_another_name_words_twice_and_words_of_nobody_are_counted() -> None:
    page = page_with(
        packet(CueClosed(cue("one two"), 1), 1),
        packet(CueClosed(cue("two three", n=2, start=3_000, speaker="bob"), 1), 2),
    )
    words = [said("one", 1), said("two", 1.4)]
    verdict = judge_meeting(words, page.shown(), [], Facts(), origin_s=0)
    assert (verdict.misattributed, verdict.doubled, verdict.made_up) == (1, 1, 1)
    assert verdict.fates == {Fate.SHOWN: 2}


@pytest.mark.parametrize(("gap_ms", "doubled"), [((2_100, 9_000), 0), ((5_000, 9_000), 1)])
def test_a_word_that_a_declared_gap_divides_may_be_heard_on_either_side(
    gap_ms: tuple[int, int], doubled: int
) -> None:
    page = page_with(
        packet(CueClosed(cue("one two"), 1), 1),
        packet(CueClosed(cue("two three", n=2, start=9_000), 1), 2),
    )
    words = [said("one", 1), said("two", 2), said("three", 9.4)]
    gaps = [GapPacket(*gap_ms, "r")]
    verdict = judge_meeting(words, page.shown(), gaps, Facts(), origin_s=0)
    assert verdict.doubled == doubled


def test_a_starved_bot_hears_the_halves_of_a_word_apart_and_newcomers_late() -> None:
    page = page_with(
        packet(CueClosed(cue("one two"), 1), 1),
        packet(CueClosed(cue("two three", n=2, start=9_000), 1), 2),
    )
    words = [said("one", 1), said("two", 2), said("three", 9.4)]
    facts = Facts(starved=[Span(1.5, 1.5, 11.5, 11.5)])
    assert judge_meeting(words, page.shown(), [], facts, origin_s=0).doubled == 0
    facts.unheard.append(Span(0, 0, 2, 2, "bob"))
    assert fates(said("four", 12, "bob"), facts=facts) == [Fate.EXCUSED]
    assert fates(said("four", 15, "bob"), facts=facts) == [Fate.LOST]
    assert fates(said("four", 12), facts=facts) == [Fate.LOST]


def test_two_pages_differ_by_the_cues_that_are_not_the_same() -> None:
    one = page_with(packet(CueClosed(cue("a"), 1), 1))
    two = page_with(packet(CueClosed(cue("b"), 1), 1))
    assert different(one.shown(), one.shown()) == set()
    assert len(different(one.shown(), two.shown())) == 2


def test_a_text_that_holds_a_secret_is_found() -> None:
    assert leaks({"log": "a kazevibo b", "disk": ""}, ["kazevibo"]) == {"log": 1, "disk": 0}


def test_what_overlapping_speech_changed_is_counted_voice_by_voice() -> None:
    anna, bob = (tuple(talk.split()) for talk in ("it was the best of times", "we had it all once"))
    alone = {"anna": anna, "bob": bob}
    assert overlap_of(alone, alone) == Overlap(2, 11, 0, 0, 0)
    lost = overlap_of(alone, {"anna": anna[:-2], "bob": bob})
    assert (lost.differ, lost.strayed, lost.doubled) == (2, 0, 0)
    strayed = overlap_of(alone, {"anna": anna + bob[:3], "bob": bob[3:]})
    assert (strayed.differ, strayed.strayed, strayed.doubled) == (6, 1, 0)
    doubled = overlap_of(alone, {"anna": anna[:3] + anna, "bob": bob})
    assert (doubled.differ, doubled.strayed, doubled.doubled) == (3, 0, 1)


def refusal(at_s: float, *, speaker: str = SPEAKER) -> Span:
    return Span(at_s, at_s + 0.1, at_s + 60, at_s + 60, speaker)


@pytest.mark.parametrize(
    ("refused", "had_all_s", "differs"),
    [
        ([], 20.0, True),
        ([refusal(10)], 20.0, False),
        ([refusal(10, speaker="bob")], 20.0, True),
        ([refusal(30)], 20.0, True),  # what was refused later the latecomer had already
        ([refusal(-60)], 20.0, True),  # said after it, and so agreed to again
    ],
)
def test_a_latecomer_lacks_what_a_refusal_took_away_before(
    refused: list[Span], had_all_s: float, differs: bool
) -> None:
    reader = page_with(packet(CueClosed(cue("said"), 1), 1)).shown()
    assert bool(different(reader, [], refused, had_all_s=had_all_s)) is differs


def test_a_refusal_excuses_no_cue_that_both_have_and_none_that_only_the_latecomer_has() -> None:
    one = page_with(packet(CueClosed(cue("said"), 1), 1)).shown()
    other = page_with(packet(CueClosed(cue("sad"), 1), 1)).shown()
    assert len(different(one, other, [refusal(10)])) == 2
    assert len(different([], other, [refusal(10)])) == 1
