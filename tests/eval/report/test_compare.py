from dataclasses import replace

from eval.corpus.spoken_words import Turn
from eval.measures.clip_score import Score, score
from eval.observation import Observation, Run, Shown
from eval.report.compare import compare, in_one_piece, obstacles


def clips(wrong: set[int], count: int = 24, **columns: str) -> list[Score]:
    found = []
    for n in range(count):
        said = f"we meet again on day number {n} of the long hot summer"
        text = said.replace("again", "against") if n in wrong else said
        shown = (Shown(900, "c", text, state="closed", start_ms=0, end_ms=3000),)
        clip = Observation(
            str(n), "en", 3.0, (Turn(said),), shown, "engine", fast=True,
            columns={"half": "first" if n < count // 2 else "second"},
        )  # fmt: skip
        found.append(score(clip))
    return found


def outcome(first: list[Score], second: list[Score], name: str = "wer") -> str:
    return next(one.outcome for one in compare(first, second).differences if one.name == name)


def test_fewer_errors_are_better_and_more_are_worse() -> None:
    assert outcome(clips(set(range(16))), clips(set(range(4)))) == "better"
    assert outcome(clips(set(range(4))), clips(set(range(16)))) == "worse"
    assert outcome(clips(set(range(16))), clips(set(range(4))), "ner_like") == "better"


def test_a_run_is_not_better_than_itself() -> None:
    found = compare(clips({1, 5}), clips({1, 5}))
    assert {one.outcome for one in found.differences} == {"the same"}
    assert all(one.change and one.change.low == one.change.high == 0 for one in found.differences)


def test_a_difference_that_chance_makes_cannot_be_told() -> None:
    assert outcome(clips({1, 5, 9}), clips({2, 5})) == "can't tell"


def test_pairing_sees_what_unpaired_ranges_do_not() -> None:
    # Every clip has errors of its own in both runs; the second mends one in most of them.
    first, second = clips(set(range(24))), clips({0, 3})
    found = next(one for one in compare(first, second).differences if one.name == "wer")
    assert found.change is not None
    assert found.change.high < 0


def test_groups_are_compared_by_themselves() -> None:
    found = compare(clips(set(range(12))), clips(set()))
    by_group = {
        value: {one.name: one.outcome for one in differences}["wer"]
        for (_, value), differences in found.groups.items()
    }
    assert by_group == {"first": "better", "second": "the same"}


def test_clips_of_one_run_only_are_counted_and_not_compared() -> None:
    first, second = clips(set(), 8), clips(set(), 10)
    second[0] = score(replace(second[0].clip, id="another"))
    found = compare(first, second)
    assert (found.only_first, found.only_second) == (1, 3)
    assert {one.clips for one in found.differences} == {7}


def test_a_run_under_noise_is_held_against_one_without() -> None:
    first, quiet = clips(set()), clips(set(range(16)))
    noisy = [score(replace(one.clip, condition="noise")) for one in quiet]
    assert outcome(first, noisy) == "worse"
    both = compare(first + noisy, first + noisy)  # several conditions in each: like with like
    assert (both.both, both.only_first) == (48, 0)
    assert outcome(first + noisy, first + noisy) == "the same"


def test_a_handful_of_clips_tells_nothing() -> None:
    found = compare(clips({1, 2, 3}, 4), clips(set(), 4))
    assert {one.outcome for one in found.differences} == {"can't tell", "the same"}
    assert {one.change for one in found.differences} == {None}


def run(**settings: str) -> Run:
    return Run(settings=settings, versions={"live-captions": "1"})


def test_runs_that_differ_in_the_captions_alone_are_comparable() -> None:
    runs = (run(captions="a.vtt"), run(captions="b.vtt"))
    assert obstacles(runs, (clips({1}), clips({2}))) == {}


def test_runs_that_differ_in_anything_else_are_not_comparable_and_it_is_said_in_what() -> None:
    first, second = clips({1}), clips({2})
    elsewhere = [score(replace(one.clip, through="browser")) for one in second]
    noisy = [score(replace(one.clip, condition="noise")) for one in second]
    same = (run(), run())
    assert obstacles(same, (first, elsewhere)) == {"through": ("engine", "browser")}
    assert obstacles(same, (first, noisy)) == {"condition": ("clean", "noise")}
    assert obstacles(same, (first, second[:20])) == {"recordings": ("24", "20")}
    assert obstacles((run(seed="1"), run(seed="2")), (first, second)) == {"seed": ("1", "2")}
    newer = replace(run(), versions={"live-captions": "2"})
    assert obstacles((run(), newer), (first, second)) == {
        "versions": ("live-captions 1", "live-captions 2")
    }


def test_passages_that_two_products_cut_at_different_words_are_compared_as_one() -> None:
    cuts = ({"talk 0:00": {1, 2}, "talk 0:16": {3}}, {"talk 0:00": {1}, "talk part 2": {0}})
    sides = [
        [replace(one, clip=replace(one.clip, id=name))
         for name, wrong in cut.items() for one in clips(wrong, 4)[: 4 - len(wrong)][-1:]]
        for cut in cuts
    ]  # fmt: skip
    run = Run(settings={"passages": "2"})
    joined = in_one_piece((run, run), (sides[0], sides[1]))
    assert [[one.clip.id for one in side] for side in joined] == [["talk"], ["talk"]]
    assert [side[0].sums["wer"][1] for side in joined] == [
        sum(one.sums["wer"][1] for one in side) for side in sides
    ]
    assert compare(*joined).only_first == 0
    assert "recordings" not in obstacles((run, run), joined)
    assert in_one_piece((run, run), (sides[0], sides[0])) == (sides[0], sides[0])
