from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.audio import FRAME_SAMPLES, SAMPLE_RATE, AudioFrame, Framer, Pcm
from streaming.embedded.decoder import StreamDecoder
from streaming.embedded.hypothesis import HeardWord, Hypothesis
from streaming.embedded.models import ENGLISH, TINY_EN, WHISPER
from streaming.embedded.policy import DecoderPolicy, HandOver, HandOverPolicy
from streaming.recognizer import (
    Flushed,
    Heard,
    Pause,
    RecognizerEvent,
    Tail,
    Word,
    WordEnd,
)

WORD_S = 0.32


def loud_is_speech(chunk: Pcm) -> float:
    return 1.0 if float(np.abs(chunk).max()) > 0.1 else 0.0


def one_word_a_third_of_a_second(pcm: Pcm, draft: Sequence[int] = ()) -> Hypothesis:
    """The last word ends with the sound, as Moonshine has it."""
    voiced = np.flatnonzero(np.abs(pcm) > 0.1)
    count = int(len(voiced) / 16_000 / WORD_S)
    starts = voiced[[round(n * WORD_S * 16_000) for n in range(count)]] // 16
    spans = pairwise([*starts.tolist(), len(pcm) // 16])
    words = tuple(HeardWord(f"w{n}", 0.8, span, n) for n, span in enumerate(spans))
    return Hypothesis(words, tuple(range(count)))


def sound(*stretches: tuple[float, float]) -> Pcm:
    """Seconds and level of each stretch, one after the other."""
    parts = [np.full(round(s * SAMPLE_RATE), level, np.float32) for s, level in stretches]
    return np.concatenate(parts)


def frames(pcm: Pcm) -> list[AudioFrame]:
    framer = Framer()
    return framer.feed(pcm) + framer.flush()


def answer(hearing: StreamDecoder) -> list[RecognizerEvent]:
    events: list[RecognizerEvent] = []
    while (request := hearing.request) is not None:
        events += hearing.decoded(request, one_word_a_third_of_a_second(request.pcm))
    return events


def hear(given: list[AudioFrame], *, look_every: int = 1) -> list[RecognizerEvent]:
    hearing = StreamDecoder(loud_is_speech)
    events: list[RecognizerEvent] = []
    for number, frame in enumerate(given):
        while hearing.wanted:
            events += answer(hearing)
        events += hearing.feed(frame)
        if number % look_every == 0:
            events += answer(hearing)
    events += answer(hearing) + hearing.finish() + answer(hearing)
    assert hearing.finished
    return events


def words(events: list[RecognizerEvent]) -> list[Word]:
    return [event for event in events if isinstance(event, Word)]


def times(events: list[RecognizerEvent]) -> list[int]:
    return [
        e.start_ms if isinstance(e, Word) else e.end_ms
        for e in events
        if isinstance(e, Word | WordEnd)
    ]


SPEECH = sound((1.0, 0.0), (3.3, 0.5), (2.0, 0.0))


def test_speech_becomes_words_with_an_end_each() -> None:
    events = hear(frames(SPEECH))
    assert [word.text for word in words(events)] == [f"w{n}" for n in range(10)]
    assert sum(isinstance(event, WordEnd) for event in events) == 10


def test_the_first_word_begins_with_the_voice_and_the_last_ends_with_it() -> None:
    events = hear(frames(SPEECH))
    assert abs(times(events)[0] - 1000) < 100
    assert abs(times(events)[-1] - 4300) < 100


def test_what_is_shown_stays_while_somebody_speaks_though_the_model_doubts_it_then() -> None:
    hearing = StreamDecoder(loud_is_speech)
    speaking, quiet = list[RecognizerEvent](), list[RecognizerEvent]()
    for frame in frames(sound((0.5, 0.0), (3.0, 0.5), (2.0, 0.0))):
        events = speaking if frame.end_ms <= 3_500 else quiet
        events += hearing.feed(frame)
        while (request := hearing.request) is not None:
            sure = 0.9 if request.until < 45 else 0.1
            well = HeardWord("well", sure, (0, len(request.pcm) // 16))
            events += hearing.decoded(request, Hypothesis((well,), ()))
    assert [event.text for event in speaking if isinstance(event, Tail)] == ["well"]
    assert [event.text for event in quiet if isinstance(event, Tail | Word)] == [""]


def test_a_pause_is_told_once_from_where_the_voice_ended() -> None:
    pauses = [event for event in hear(frames(SPEECH)) if isinstance(event, Pause)]
    assert len(pauses) == 1
    assert abs(pauses[0].at_ms - 4300) < 100


def test_words_after_a_pause_begin_after_it() -> None:
    events = hear(frames(sound((0.5, 0.0), (2.0, 0.5), (2.0, 0.0), (2.0, 0.5), (2.0, 0.0))))
    gaps = [later.start_ms - earlier.start_ms for earlier, later in pairwise(words(events))]
    assert max(gaps) >= 2000


def test_silence_is_heard_and_says_nothing() -> None:
    events = hear(frames(sound((5.0, 0.0))))
    assert events
    assert all(isinstance(event, Heard) for event in events)
    heard = [event.until_ms for event in events if isinstance(event, Heard)]
    assert max(b - a for a, b in pairwise([0, *heard])) <= 600


def test_a_blip_is_not_speech() -> None:
    assert not words(hear(frames(sound((1.0, 0.0), (0.1, 0.5), (2.0, 0.0)))))


def test_a_flush_settles_what_was_heard_and_goes_on() -> None:
    hearing = StreamDecoder(loud_is_speech)
    events: list[RecognizerEvent] = []
    for frame in frames(sound((0.5, 0.0), (2.0, 0.5))):
        events += hearing.feed(frame) + answer(hearing)
    events += hearing.flush() + answer(hearing)
    assert isinstance(events[-1], Flushed)
    assert len(words(events)) >= 5
    assert [event for event in events if isinstance(event, Tail)][-1].text == ""
    before = len(words(events))
    base = SAMPLE_RATE * 5 // 2 // FRAME_SAMPLES * FRAME_SAMPLES + FRAME_SAMPLES
    for frame in frames(sound((1.0, 0.5))):
        moved = AudioFrame(frame.pcm, frame.position + base)
        events += hearing.feed(moved) + answer(hearing)
    events += hearing.finish() + answer(hearing)
    texts = [word.text for word in words(events)]
    assert len(texts) > before
    assert texts == [f"w{n}" for n in range(len(texts))]


def test_a_flush_in_silence_is_answered_at_once() -> None:
    assert StreamDecoder(loud_is_speech).flush() == [Flushed(0)]


def test_a_short_hole_is_silence_and_times_stay_right() -> None:
    given = frames(SPEECH)
    late = [AudioFrame(f.pcm, f.position + SAMPLE_RATE) for f in given[:]]
    assert abs(times(hear(late))[0] - 2000) < 100


def test_a_hole_of_hours_is_cheap_and_times_stay_right() -> None:
    hours = 3 * 3600
    given = frames(SPEECH)
    late = [AudioFrame(f.pcm, f.position + (hours + 10) * SAMPLE_RATE) for f in given]
    events = hear([*given, *late])
    assert len(words(events)) == 20
    assert abs(times(events)[-1] - ((hours + 10) * 1000 + 4300)) < 100
    assert len(events) < 500


def test_a_hole_in_mid_word_loses_nothing_of_either_side() -> None:
    given = frames(sound((0.5, 0.0), (2.0, 0.5)))
    after = [AudioFrame(f.pcm, f.position + 60 * SAMPLE_RATE) for f in frames(sound((2.0, 0.5)))]
    said = words(hear([*given, *after]))
    assert len([w for w in said if w.start_ms < 10_000]) >= 6
    assert len([w for w in said if w.start_ms >= 59_000]) >= 6


def test_frames_heard_twice_are_taken_once() -> None:
    given = frames(SPEECH)
    assert hear([frame for frame in given for _ in range(2)]) == hear(given)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_frame_that_is_no_sound_hurts_nothing_after_it(bad: float) -> None:
    given = frames(SPEECH)
    broken = AudioFrame(np.full(FRAME_SAMPLES, bad, np.float32), 0)
    events = hear([broken, *given[1:]])
    assert len(words(events)) >= 10


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(0.1, 3.0), st.sampled_from([0.0, 0.5])), min_size=1, max_size=8),
    st.integers(1, 30),
)
def test_times_never_go_back_whatever_is_skipped(
    stretches: list[tuple[float, float]], look_every: int
) -> None:
    events = hear(frames(sound(*stretches)), look_every=look_every)
    assert times(events) == sorted(times(events))
    heard = [event.until_ms for event in events if isinstance(event, Heard)]
    assert heard == sorted(heard)


@settings(max_examples=10)
@given(st.integers(1, 60))
def test_skipped_decodes_lose_no_words(look_every: int) -> None:
    said = [word.text for word in words(hear(frames(SPEECH), look_every=look_every))]
    assert said == [f"w{n}" for n in range(10)]


def test_the_same_frames_give_the_same_events() -> None:
    assert hear(frames(SPEECH)) == hear(frames(SPEECH))


def test_long_speech_without_a_pause_is_said_once_and_decoded_in_bounded_pieces() -> None:
    hearing = StreamDecoder(loud_is_speech)
    longest = 0
    events: list[RecognizerEvent] = []
    for frame in frames(sound((0.5, 0.0), (60.0, 0.5), (2.0, 0.0))):
        events += hearing.feed(frame)
        while (request := hearing.request) is not None:
            longest = max(longest, len(request.pcm))
            said = numbered(request.pcm, request.until)
            events += hearing.decoded(request, said)
    events += hearing.finish()
    assert longest <= 13 * 16_000
    texts = [int(word.text[1:]) for word in words(events)]
    assert texts == sorted(set(texts))
    assert len(texts) >= 170


def numbered(pcm: Pcm, until: int) -> Hypothesis:
    """Words by the stream's own clock, so that a piece says what the whole would."""
    end = until * 512 / 16_000
    start = end - len(pcm) / 16_000
    voiced = np.flatnonzero(np.abs(pcm) > 0.1)
    if not len(voiced):
        return Hypothesis((), ())
    first = int(np.ceil((start + voiced[0] / 16_000) / WORD_S - 0.3))
    last = int((start + voiced[-1] / 16_000) / WORD_S)
    edges = [max(0, round((n * WORD_S - start) * 1_000)) for n in range(first, last + 1)]
    spoken = tuple(
        HeardWord(f"w{n}", 0.8, (edges[n - first], edges[n - first + 1]), n - first)
        for n in range(first, last)
    )
    return Hypothesis(spoken, tuple(range(first, last)))


def test_an_answer_that_nobody_asked_for_is_refused() -> None:
    hearing = StreamDecoder(loud_is_speech)
    for frame in frames(sound((0.2, 0.0), (1.0, 0.5))):
        hearing.feed(frame)
    request = hearing.request
    assert request is not None
    hearing.decoded(request, Hypothesis((), ()))
    with pytest.raises(ValueError, match="not made"):
        hearing.decoded(request, Hypothesis((), ()))


def requests(*, took_ms: float, policy: DecoderPolicy | None = None) -> int:
    """The number of decodes in 8 s of voice, each of which takes so long."""
    hearing = StreamDecoder(loud_is_speech, policy)
    count = 0
    for frame in frames(sound((8.0, 0.5))):
        hearing.feed(frame)
        while (request := hearing.request) is not None:
            count += 1
            answered = one_word_a_third_of_a_second(request.pcm)
            hearing.decoded(request, answered, took_ms=took_ms)
    return count


def test_decodes_come_as_often_as_the_machine_has_room() -> None:
    often, less, busy = (requests(took_ms=ms) for ms in (20, 110, 1_000))
    assert often > less > busy
    usual = DecoderPolicy(shortest_ms=None)
    assert busy == requests(took_ms=20, policy=usual)


@pytest.mark.parametrize(("policy", "took_ms"), [(ENGLISH, 110), (WHISPER, 380)])
def test_a_stream_that_decodes_sooner_than_it_must_takes_at_most_its_share_of_a_processor(
    policy: DecoderPolicy, took_ms: int
) -> None:
    sooner = requests(took_ms=took_ms, policy=policy)
    assert requests(took_ms=5_000, policy=policy) < sooner <= 8_000 * policy.share / took_ms


LOAD = HandOverPolicy()


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3_000), st.integers(0, 40_000))))
def test_a_better_model_has_a_stream_only_in_a_bad_room_and_while_the_machine_has_room(
    decodes: list[tuple[bool, float, int]],
) -> None:
    hand_over, now_ms, last_late_ms = HandOver(), 0, None
    for bad_room, took_ms, passed_ms in decodes:
        before, now_ms = hand_over.better, now_ms + passed_ms
        hand_over.feed(bad_room=bad_room, took_ms=took_ms, now_ms=now_ms)
        if before and took_ms > LOAD.late_ms:
            last_late_ms = now_ms
        rested = last_late_ms is None or now_ms - last_late_ms >= LOAD.rest_ms
        assert hand_over.better == (bad_room and rested and (before or took_ms <= LOAD.ready_ms))


def in_other_tokens(heard: Hypothesis) -> Hypothesis:
    return Hypothesis(heard.words, tuple(10_000 + token for token in heard.tokens))


@given(st.lists(st.integers(1, 12), max_size=12))
@settings(max_examples=10)
def test_a_stream_may_change_its_model_between_any_two_decodes(decodes_until: list[int]) -> None:
    """Every word is said once, and no model gets another one's tokens."""
    hearing = StreamDecoder(loud_is_speech, TINY_EN.policy)
    better, left = False, list(decodes_until)
    events: list[RecognizerEvent] = []

    def decode() -> None:
        nonlocal better
        while (request := hearing.request) is not None:
            if left:
                left[0] -= 1
                if not left[0]:
                    left.pop(0)
                    better = not better
                    hearing.use(WHISPER if better else TINY_EN.policy)
                    request = hearing.request
                    assert request is not None
            assert all((token >= 10_000) == better for token in request.draft)
            heard = numbered(request.pcm, request.until)
            answered = in_other_tokens(heard) if better else heard
            events.extend(hearing.decoded(request, answered))

    for frame in frames(sound((0.5, 0.0), (5.0, 0.5), (0.6, 0.0), (9.0, 0.5), (2.0, 0.0))):
        events += hearing.feed(frame)
        decode()
    events += hearing.finish()
    decode()
    texts = [int(word.text[1:]) for word in words(events)]
    assert texts == sorted(set(texts))
    assert set(range(2, 17)) <= set(texts)
    assert times(events) == sorted(times(events))
