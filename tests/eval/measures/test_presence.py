from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from eval.measures.presence import Stalls, is_stuck, made_up, merged, silence_ms, stalls

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda s: (s[0], s[0] + s[1])), max_size=8
)


@given(spans)
def test_merged_spans_cover_the_same_time_and_do_not_overlap(some: list[tuple[int, int]]) -> None:
    found = merged(some)
    assert all(a[1] < b[0] for a, b in pairwise(found))
    covered = {t for start, end in some for t in range(start, end)}
    assert covered == {t for start, end in found for t in range(start, end)}


def test_four_seconds_of_speech_without_a_caption_are_a_stall() -> None:
    speech = [(0, 3000), (3500, 7000), (20_000, 22_000)]
    assert stalls(speech, [1000, 4000, 7500, 21_000, 22_500]) == Stalls(0, 0, 9000)
    assert stalls(speech, [1000, 7500, 22_500]) == Stalls(1, 6000, 9000)


def test_silence_between_captions_is_no_stall() -> None:
    assert stalls([(0, 1000), (60_000, 61_000)], [1500, 61_500]).count == 0


def test_speech_without_any_caption_is_one_stall() -> None:
    assert stalls([(0, 9000)], []) == Stalls(1, 9000, 9000)
    assert stalls([], [5]) == Stalls()


changes = st.lists(st.integers(0, 30), max_size=6)


@given(spans, changes)
def test_stalls_are_those_that_counting_each_moment_finds(
    some: list[tuple[int, int]], at: list[int]
) -> None:
    step = 500
    spoken = [moment for moment in range(81) if any(s <= moment < e for s, e in some)]
    found = stalls([(s * step, e * step) for s, e in some if e > s], [n * step for n in at])
    # Pauses up to 0.8 s belong to the speech around them; here a step of 0.5 s.
    gaps = [n for n in range(81) if n not in spoken and {n - 1, n + 1} <= {*spoken}]
    spoken = sorted([*spoken, *gaps])
    assert found.speech_ms == step * len(spoken)
    waits = [0]
    for moment in range(81):
        if moment in at:
            waits.append(0)
        waits[-1] += moment in spoken
    over = [wait for wait in waits if wait * step > 4000]
    assert (found.count, found.stalled_ms) == (len(over), step * sum(over))


@given(spans, st.lists(st.tuples(st.integers(0, 70), st.integers(1, 9), st.integers(1, 5))))
def test_made_up_words_are_those_whose_every_moment_is_silent(
    some: list[tuple[int, int]], captions: list[tuple[int, int, int]]
) -> None:
    step = 100
    near = {n for s, e in some for n in range(s - 5, e + 5)}  # half a second on both sides
    speech = [(s * step, e * step) for s, e in some]
    shown = [((s * step, (s + n) * step), words) for s, n, words in captions]
    expected = sum(words for s, n, words in captions if not near & set(range(s, s + n)))
    assert made_up(speech, shown) == expected
    assert silence_ms(speech, until_ms=80 * step) == step * len(set(range(80)) - near)


def test_stalls_add_up() -> None:
    assert Stalls(1, 2, 3) + Stalls(4, 5, 6) == Stalls(5, 7, 9)


def test_words_are_made_up_where_nobody_spoke_near() -> None:
    speech = [(1000, 2000)]
    captions = [((900, 2600), 5), ((2400, 3000), 2), ((2600, 3500), 3)]
    assert made_up(speech, captions) == 3
    assert made_up([], captions) == 10
    assert silence_ms(speech, until_ms=4000) == 2000
    assert silence_ms([], until_ms=4000) == 4000


def test_a_caption_left_open_is_stuck() -> None:
    assert is_stuck([100, 900], None, until_ms=7000)
    assert not is_stuck([100, 900], 5950, until_ms=60_000)
    assert is_stuck([100], 6200, until_ms=60_000)
