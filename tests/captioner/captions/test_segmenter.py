from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioner.captions.cues import CaptionEvent, CueClosed, CueDeleted, CueUpdated
from captioner.captions.segmenter import CuePolicy, Segmenter, up_to_sentence_end
from captioner.captions.webvtt import escape
from streaming.recognizer import Flushed, Heard, RecognizerEvent, Tail, Word, WordEnd


def segmenter(offset_ms: int = 0) -> Segmenter:
    return Segmenter("anna", prefix="t1", language="en", offset_ms=offset_ms)


def run(cutter: Segmenter, *events: RecognizerEvent) -> list[CaptionEvent]:
    return [out for event in events for out in cutter.feed(event)]


def said(*words: str, start: int = 0, each: int = 300) -> list[RecognizerEvent]:
    events: list[RecognizerEvent] = []
    for i, text in enumerate(words):
        at = start + i * each
        events += [Word(text, at), WordEnd(at + each - 50), Heard(at + each)]
    return events


def shown(events: list[CaptionEvent]) -> list[str]:
    return [e.cue.text for e in events if isinstance(e, CueUpdated)]


def closed(events: list[CaptionEvent]) -> list[str]:
    return [e.cue.text for e in events if isinstance(e, CueClosed)]


def test_words_grow_one_cue() -> None:
    events = run(segmenter(), *said("so", "we", "begin"))
    assert [e.cue.text for e in events if isinstance(e, CueUpdated)] == [
        "so", "so we", "so we begin",
    ]  # fmt: skip
    assert len({e.cue.id for e in events if isinstance(e, CueUpdated)}) == 1


def test_one_step_of_the_recogniser_is_one_change() -> None:
    events = run(
        segmenter(), Word("so", 0), WordEnd(200), Word("we", 200), WordEnd(400), Heard(500)
    )
    assert [type(e) for e in events] == [CueUpdated]


def test_a_sentence_end_closes_the_cue_at_once() -> None:
    events = run(segmenter(), *said("Thank", "you.", "Next"))
    assert closed(events) == ["Thank you."]
    last = events[-1]
    assert isinstance(last, CueUpdated)
    assert last.cue.text == "Next"


def test_a_pause_closes_the_cue_without_waiting_for_the_next_word() -> None:
    cutter = segmenter()
    run(cutter, *said("well"))
    assert closed(run(cutter, Heard(900))) == []
    assert closed(run(cutter, Heard(1100))) == ["well"]
    assert not cutter.is_open


def test_a_pause_is_not_over_while_something_is_still_unsettled() -> None:
    cutter = segmenter()
    run(cutter, *said("well"), Tail("then", 400), Heard(500))
    assert closed(run(cutter, Heard(3000))) == []


def test_a_cue_is_cut_at_120_code_points_and_at_7_seconds() -> None:
    events = run(segmenter(), *said(*["word"] * 100, each=100))
    for text in closed(events):
        assert 100 < len(text) <= 120
    slow = [
        e for e in run(segmenter(), *said(*["word"] * 20, each=700)) if isinstance(e, CueClosed)
    ]
    assert slow
    assert all(e.cue.end_ms - e.cue.start_ms <= 7000 for e in slow)


def test_a_tail_is_shown_and_replaced_behind_the_settled_text() -> None:
    cutter = segmenter()
    first = run(cutter, Tail("we beg", 0), Heard(300))
    then = run(cutter, Word("we", 0), Tail("begin", 200), Heard(500))
    assert [(e.cue.text, e.settled) for e in first + then if isinstance(e, CueUpdated)] == [
        ("we beg", 0), ("we begin", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("end", [Segmenter.flush, lambda cutter: cutter.feed(Heard(1_100))])
def test_a_tail_that_comes_to_nothing_deletes_its_cue(
    end: Callable[[Segmenter], list[CaptionEvent]],
) -> None:
    cutter = segmenter()
    run(cutter, Tail("uh", 0), Heard(300), Tail("", 0), Heard(600))
    assert [type(event) for event in end(cutter)] == [CueDeleted]
    assert not cutter.is_open


@pytest.mark.parametrize("now", [Tail("well", 700), Word("Well.", 700)])
def test_other_words_take_the_place_of_those_that_were_taken_back(now: RecognizerEvent) -> None:
    events = run(segmenter(), Tail("uh", 0), Heard(300), Tail("", 0), Heard(600), now, Heard(1_400))
    assert not any(isinstance(event, CueDeleted) for event in events)
    assert {event.cue.id for event in events if not isinstance(event, CueDeleted)} == {"t1-1"}
    assert [text.casefold().strip(".") for text in visible(events).values()] == ["well"]


def test_a_tail_that_does_not_fit_waits() -> None:
    cutter = segmenter()
    events = run(cutter, *said(*["word"] * 23, each=100), Tail("abcd efgh", 2300), Heard(2400))
    last = events[-1]
    assert isinstance(last, CueUpdated)
    assert last.cue.text.endswith("word abcd")


def test_words_behind_a_sentence_end_in_the_tail_wait_for_their_own_cue() -> None:
    assert up_to_sentence_end("you. Next we") == "you."
    assert up_to_sentence_end("Mr. Hale said") == "Mr. Hale said"


def test_joined_pieces_are_one_word() -> None:
    events = run(
        segmenter(), Word("4", 0), Word("00", 80, joined=True), Word("people", 160), Heard(400)
    )
    last = events[-1]
    assert isinstance(last, CueUpdated)
    assert last.cue.text == "400 people"


def test_what_was_closed_where_it_stood_is_not_said_again() -> None:
    cutter = segmenter()
    run(cutter, Tail("to be or", 0), Heard(900))
    assert closed(cutter.close()) == ["to be or"]
    late = run(cutter, *said("to", "be", "or"), *said("not", start=1000))
    texts = [e.cue.text for e in late if isinstance(e, CueUpdated)]
    assert texts == ["not"]


def test_a_flush_settles_and_closes_everything() -> None:
    cutter = segmenter()
    run(cutter, Word("good", 0), WordEnd(100), Tail("bye", 100), Heard(300))
    assert closed(
        [*run(cutter, Word("bye.", 100), Tail("", 0), Flushed(400)), *cutter.flush()]
    ) == ["good bye."]


def test_stream_time_becomes_room_time() -> None:
    event = run(segmenter(offset_ms=60_000), *said("now", start=500))[-1]
    assert isinstance(event, CueUpdated)
    assert event.cue.start_ms == 60_500


def test_a_new_stream_goes_on_behind_the_old_one() -> None:
    cutter = segmenter()
    first = [*run(cutter, *said("one")), *cutter.flush()]
    cutter.restart(10_000)
    second = [*run(cutter, *said("two")), *cutter.flush()]
    ids = [e.cue.id for e in first + second if isinstance(e, CueClosed)]
    assert ids == ["t1-1", "t1-2"]


words = st.lists(
    st.tuples(
        st.text(alphabet="abc<&é👍 .?", min_size=1, max_size=140),
        st.integers(0, 2000),
        st.booleans(),
    ),
    max_size=40,
)


@given(words, st.lists(st.text(alphabet="xyz. ", max_size=60), max_size=40))
def test_laws_of_cues(spoken: list[tuple[str, int, bool]], tails: list[str]) -> None:
    """Settled text never changes, starts stay, revisions rise, nothing follows an end."""
    cutter, at, policy = segmenter(), 0, CuePolicy()
    events: list[CaptionEvent] = []
    for i, (text, gap, joined) in enumerate(spoken):
        at += gap
        tail = Tail(tails[i], at) if i < len(tails) else Tail("", at)
        events += run(cutter, Word(text, at, joined), WordEnd(at + 50), tail, Heard(at + 60))
        at += 60
    events += cutter.flush()
    last: dict[str, CueUpdated] = {}
    revs: dict[str, int] = {}
    ended: set[str] = set()
    for event in events:
        cue_id = event.id if isinstance(event, CueDeleted) else event.cue.id
        assert cue_id not in ended
        assert event.rev > revs.get(cue_id, 0)
        revs[cue_id] = event.rev
        if isinstance(event, CueDeleted):
            ended.add(cue_id)
            continue
        assert 0 < len(event.cue.text) <= policy.max_code_points
        assert len(escape(event.cue.text).encode()) <= policy.max_bytes
        assert event.cue.end_ms > event.cue.start_ms
        if before := last.get(cue_id):
            assert event.cue.start_ms == before.cue.start_ms
            assert event.cue.text.startswith(before.cue.text[: before.settled])
        if isinstance(event, CueUpdated):
            assert event.settled <= len(event.cue.text)
            last[cue_id] = event
        else:
            ended.add(cue_id)
    assert ended == set(revs)


@given(words)
def test_every_settled_word_is_shown_once(spoken: list[tuple[str, int, bool]]) -> None:
    cutter, at = segmenter(), 0
    events: list[CaptionEvent] = []
    for text, gap, _ in spoken:
        at += gap
        events += run(cutter, Word(text, at), WordEnd(at + 50), Heard(at + 60))
        at += 60
    events += cutter.flush()
    shown = "".join("".join(closed(events)).split())
    assert shown == "".join("".join(text for text, _, _ in spoken).split())


def characters(text: str) -> list[RecognizerEvent]:
    events: list[RecognizerEvent] = []
    for n, character in enumerate(text):
        events += [Word(character, n * 50, joined=n > 0), WordEnd(n * 50 + 50)]
    return [*events, Heard(len(text) * 50)]


def test_chinese_has_no_spaces_settled_or_not() -> None:
    events = run(segmenter(), Tail("我们", 0), Heard(400))
    assert shown(events) == ["我们"]
    events = run(segmenter(), *characters("我们"), Tail("今天讨论", 100, joined=True), Heard(900))
    assert shown(events)[-1] == "我们今天讨论"


def test_a_tail_without_spaces_is_shown_as_far_as_it_fits() -> None:
    cutter = Segmenter("anna", prefix="t1", policy=CuePolicy(max_code_points=5))
    events = run(cutter, *characters("我们今"), Tail("天讨论预算", 150, joined=True), Heard(900))
    assert shown(events)[-1] == "我们今天讨"


def test_a_chinese_sentence_ends_its_cue() -> None:
    assert closed(
        run(segmenter(), *characters("好"), Word("的。", 50, joined=True), Heard(400))
    ) == ["好的。"]
    assert up_to_sentence_end("好的。我们开始") == "好的。"


def visible(events: list[CaptionEvent]) -> dict[str, str]:
    """The text of each cue, as a page has it."""
    shown: dict[str, str] = {}
    for event in events:
        if isinstance(event, CueDeleted):
            del shown[event.id]
        else:
            shown[event.cue.id] = event.cue.text
    return shown


def test_what_was_said_in_another_language_is_taken_back_and_the_rest_stays() -> None:
    cutter = segmenter(offset_ms=1_000)
    events = run(cutter, *said("Thank", "you.", "so", "mercy", "bow", "coo"))
    events += cutter.retract(1_900)  # after "so"
    assert list(visible(events).values()) == ["Thank you.", "so"]
    assert not cutter.is_open
    cutter.restart(1_900, language="fr")
    events += run(cutter, *said("merci")) + cutter.flush()
    assert list(visible(events).values()) == ["Thank you.", "so", "merci"]
    assert [e.cue.language for e in events if isinstance(e, CueClosed)][-2:] == ["en", "fr"]


def test_a_cue_that_is_all_in_the_wrong_language_is_deleted_even_if_it_was_closed() -> None:
    cutter = segmenter()
    events = run(cutter, *said("mercy", "bow", "coo."))
    assert closed(events) == ["mercy bow coo."]
    assert visible(events + cutter.retract(0)) == {}
    assert cutter.retract(0) == []  # no second time


@given(
    st.lists(st.sampled_from(["so", "we", "begin.", "well,"]), max_size=30), st.integers(0, 10_000)
)
def test_exactly_the_words_before_the_change_stay(words: list[str], since_ms: int) -> None:
    cutter = segmenter()
    events = run(cutter, *said(*words)) + cutter.retract(since_ms)
    early = [word for i, word in enumerate(words) if i * 300 + 125 < since_ms]
    assert " ".join(visible(events).values()).split() == early
    revisions: dict[str, int] = {}
    for event in events:
        name = event.id if isinstance(event, CueDeleted) else event.cue.id
        assert event.rev > revisions.get(name, 0)
        revisions[name] = event.rev
