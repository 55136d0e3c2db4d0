from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streaming.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE, AudioFrame
from streaming.errors import (
    ConnectionLost,
    ProtocolError,
    RecognizerAtCapacity,
    RecognizerUnavailable,
)
from streaming.kyutai import protocol
from streaming.kyutai_client.session import Session, SessionPolicy
from streaming.recognizer import Dropped, Flushed, Heard, Pause, RecognizerEvent, Word, WordEnd
from streaming.replay import Replay
from streaming.testing.scripted_server import Ears, speech

READY = protocol.encode(protocol.Ready())
POLICY = SessionPolicy()
DELAY = POLICY.delay_ms // FRAME_MS


def ready_session(policy: SessionPolicy = POLICY) -> Session:
    session = Session(policy)
    session.receive(READY)
    return session


def answered(session: Session, ears: Ears) -> list[RecognizerEvent]:
    """What comes of all that the session has to send, and of what it sends because of that."""
    events: list[RecognizerEvent] = []
    while messages := session.data_to_send():
        for data in messages:
            match protocol.decode_client(data):
                case protocol.Audio(pcm):
                    said = ears.step(pcm)
                case protocol.Marker(number):
                    ears.mark(number)
                    said = []
            for message in said:
                events += session.receive(protocol.encode(message))
    return events


def words(events: list[RecognizerEvent]) -> list[Word]:
    return [event for event in events if isinstance(event, Word)]


def texts(spoken: Sequence[int | None]) -> list[str]:
    return [f"w{n}" for n in spoken if n is not None]


def whole(frames: list[AudioFrame], *, heads: bool = True) -> list[RecognizerEvent]:
    session, ears = ready_session(), Ears(delay_frames=DELAY, heads=heads)
    events = answered(session, ears)
    for frame in frames:
        events += session.frame(frame) + answered(session, ears)
    return events + session.flush() + answered(session, ears)


def test_nothing_is_sent_before_the_server_is_ready() -> None:
    session = Session()
    assert session.room == 0
    assert session.data_to_send() == []
    session.receive(READY)
    assert session.room > 0
    assert len(session.data_to_send()) == POLICY.prefix_ms // FRAME_MS


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (protocol.Error(protocol.NO_FREE_CHANNELS), RecognizerAtCapacity),
        (protocol.Error("out of cheese"), RecognizerUnavailable),
        (protocol.Word("hello", 1.0), ProtocolError),
    ],
)
def test_what_comes_instead_of_ready_says_what_to_do(
    message: protocol.ServerMessage, error: type[Exception]
) -> None:
    with pytest.raises(error):
        Session().receive(protocol.encode(message))


def test_an_error_later_is_a_lost_connection() -> None:
    with pytest.raises(ConnectionLost, match="out of cheese"):
        ready_session().receive(protocol.encode(protocol.Error("out of cheese")))


@pytest.mark.parametrize("heads", [True, False])
def test_a_word_comes_with_its_end_and_how_far_was_heard(heads: bool) -> None:
    events = whole(speech([1, 2, 3]), heads=heads)
    at = [n for n, event in enumerate(events) if isinstance(event, Word)]
    assert len(at) == 3
    for n in at:
        word, end, heard = events[n : n + 3]
        assert isinstance(word, Word)
        assert isinstance(end, WordEnd)
        assert isinstance(heard, Heard)
        assert word.start_ms + 80 <= end.end_ms <= word.start_ms + 640


def test_silence_of_ours_is_in_no_time() -> None:
    session, ears = ready_session(), Ears(delay_frames=DELAY, heads=True)
    events: list[RecognizerEvent] = []
    for n in range(10):
        for frame in speech([n + 1], position=n * 4 * FRAME_SAMPLES):
            events += session.frame(frame) + answered(session, ears)
        events += session.flush() + answered(session, ears)
    assert [word.start_ms for word in words(events)] == [320 * n for n in range(10)]
    flushed = [event.at_ms for event in events if isinstance(event, Flushed)]
    assert flushed == [320 * (n + 1) for n in range(10)]


def test_flushes_of_the_same_sound_are_one_and_answered_each() -> None:
    session = ready_session()
    session.frame(speech([1])[0])
    session.data_to_send()
    assert session.flush() == []
    pushed = session.data_to_send()
    assert session.flush() == []
    assert session.data_to_send() == []
    ears = Ears(delay_frames=DELAY, heads=True)
    for data in [protocol.encode(protocol.Audio(f.pcm)) for f in speech([None] * 5)][:14] + pushed:
        message = protocol.decode_client(data)
        if isinstance(message, protocol.Audio):
            events = [
                e for m in ears.step(message.pcm) for e in session.receive(protocol.encode(m))
            ]
    assert [event for event in events if isinstance(event, Flushed)] == [Flushed(80), Flushed(80)]


@pytest.mark.parametrize("heads", [True, False])
def test_a_pause_is_told_once_and_lets_the_last_word_out(heads: bool) -> None:
    events = whole(speech([1, 2, *[None] * 6, 3]), heads=heads)
    first = next(event for event in events if isinstance(event, Pause))
    assert abs(first.at_ms - 560) <= 240
    assert [word.text for word in words(events)] == ["w1", "w2", "w3"]
    assert sum(isinstance(event, Pause) for event in events) == 1


@pytest.mark.parametrize("probability", [math.nan, math.inf, -1.0])
def test_heads_that_say_no_probability_hurt_nothing(probability: float) -> None:
    session = ready_session()
    for frame in speech([1] * 5):
        session.frame(frame)
        step = protocol.Step(1, (probability,) * 4, 0)
        for event in session.receive(protocol.encode(step)):
            assert not isinstance(event, Pause) or 0 <= event.probability <= 1


def test_more_steps_than_were_sent_are_not_believed() -> None:
    session = ready_session()
    session.frame(speech([1])[0])
    events = [
        e
        for n in range(99)
        for e in session.receive(protocol.encode(protocol.Step(n, (0.0,) * 4, 0)))
    ]
    assert all(event.until_ms <= 80 for event in events if isinstance(event, Heard))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ([("hello", 1.0), ("", 1.2), ("  ", 1.3), ("world", 1.4)], ["hello", " world"]),
        ([("4", 1.0), ("00", 1.16), ("0", 1.32)], ["4", "00", "0"]),
        ([("4", 1.0), ("0", 1.4), ("0", 1.8)], ["4", " 0", " 0"]),
        ([("bonjour", 1.0), ("!", 2.4)], ["bonjour", "!"]),
        ([("rock", 1.0), ("4", 1.16)], ["rock", " 4"]),
        ([("caf\ufffd", 1.0), ("\ufffd", 1.1), ("noir", 1.5)], ["caf", " noir"]),
        ([("2", 3.0), ("later", 2.0)], ["2", " later"]),
    ],
)
def test_pieces_are_joined_where_nothing_else_is_likely(
    said: list[tuple[str, float]], read: list[str]
) -> None:
    session = ready_session()
    for frame in speech([1] * 20):
        session.frame(frame)
    events = [
        event
        for text, at in said
        for event in session.receive(protocol.encode(protocol.Word(text, at)))
        if isinstance(event, Word)
    ]
    assert [("" if word.joined else " ") + word.text for word in events] == [
        " " + read[0],
        *read[1:],
    ]
    assert [word.start_ms for word in events] == sorted(word.start_ms for word in events)


def test_our_own_server_says_what_is_joined() -> None:
    session = ready_session()
    given = [
        protocol.Word("4", 1.0, False),
        protocol.Word("00", 2.0, True),
        protocol.Word("!", 2.1, False),
    ]
    events = [e for word in given for e in session.receive(protocol.encode(word))]
    assert [word.joined for word in words(events)] == [False, True, False]


class Jittery:
    """A server whose times are some tens of ms off, and that mishears the first word."""

    def __init__(self, off_ms: int, *, heads: bool) -> None:
        self._ears = Ears(delay_frames=DELAY, heads=heads)
        self._off_s = off_ms / 1000
        self._said = False

    def answer(self, session: Session) -> list[bytes]:
        said: list[protocol.ServerMessage] = []
        for data in session.data_to_send():
            match protocol.decode_client(data):
                case protocol.Audio(pcm):
                    said += self._ears.step(pcm)
                case protocol.Marker(number):
                    self._ears.mark(number)
        return [protocol.encode(self._moved(message)) for message in said]

    def _moved(self, message: protocol.ServerMessage) -> protocol.ServerMessage:
        if isinstance(message, protocol.Word):
            text = message.text if self._off_s == 0 or self._said else f"v{message.text[1:]}"
            self._said = True
            return protocol.Word(text, message.start_time + self._off_s)
        return message


def spoken_over(
    frames: list[AudioFrame], cuts: Sequence[tuple[int, int]], *, off_ms: int, heads: bool
) -> list[RecognizerEvent]:
    """Each cut: so many frames and answers, then the connection breaks."""
    replay = Replay()
    events: list[RecognizerEvent] = []
    waiting = list(frames)
    for number, (count, answers) in enumerate([*cuts, (len(frames) * 2, 1 << 30)]):
        replay.restart()
        session = ready_session()
        server = Jittery(off_ms if number % 2 else 0, heads=heads)
        for _ in range(max(count - replay.unsent, 0)):
            if waiting:
                replay.add(waiting.pop(0))
        said: list[bytes] = []
        given: list[RecognizerEvent] = []
        while (frame := replay.next()) is not None:
            given += session.frame(frame)
            said += server.answer(session)
        if not waiting:
            given += session.flush()
            said += server.answer(session)
        for data in said[:answers]:
            given += session.receive(data)
        for event in given:
            events += replay.take(event)
        assert not replay.dropped_ms
    return events


spoken = st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=40)
cuts = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 200)), max_size=6)


@settings(max_examples=300)
@given(spoken, cuts, st.sampled_from([0, 80, -80]), st.booleans())
@example([1, 2, 3, 3, 3, 3, 4], [(12, 99), (12, 99), (14, 99)], 40, True)
def test_what_is_replayed_is_what_was_spoken(
    spoken: list[int | None], cuts: list[tuple[int, int]], off_ms: int, heads: bool
) -> None:
    frames = speech(spoken)
    events = spoken_over(frames, cuts, off_ms=off_ms, heads=heads)
    assert [f"w{word.text[1:]}" for word in words(events)] == texts(spoken)
    times = [word.start_ms for word in words(events)]
    assert times == sorted(times)
    for heard, expected in zip(times, words(whole(frames)), strict=True):
        assert abs(heard - expected.start_ms) <= 80
    reached = [event.until_ms for event in events if isinstance(event, Heard)]
    assert reached == sorted(reached)


def test_a_new_stream_hears_the_whole_phrase_and_four_seconds_of_it_at_most() -> None:
    for said, begins_ms in (([1] * 5, 480), ([1] * 20, 2_560)):
        replay = Replay()
        for frame in speech([1, None, *said]):
            replay.add(frame)
        last_ms = 240 + len(said) * 320
        replay.take(Word("w1", 0))
        replay.take(Word("w1", last_ms))
        replay.take(Heard(last_ms + 320))
        replay.restart()
        again = list(iter(replay.next, None))
        assert abs(again[0].start_ms - begins_ms) <= 80, len(said)


def test_a_new_recogniser_hears_what_had_not_become_words_and_nothing_is_given_twice() -> None:
    replay = Replay()
    for frame in speech([None, *[1] * 5]):
        replay.add(frame)
    assert replay.take(Word("one", 400)) == [Word("one", 400)]
    replay.take(WordEnd(600))
    replay.take(Heard(800))
    replay.restart()
    again = list(iter(replay.next, None))
    assert again[0].start_ms <= 400
    assert again[-1].end_ms == 1_840
    assert replay.take(Word("one", 400)) == []
    assert replay.take(Word("two", 900)) == [Word("two", 900)]
    assert replay.heard_ms == 800


def test_a_word_whose_start_is_estimated_otherwise_is_not_given_again() -> None:
    replay = Replay()
    for frame in speech([1] * 8):
        replay.add(frame)
    replay.take(Word("It", 480))
    replay.take(Word("was", 1_000))
    replay.take(Heard(1_400))
    replay.restart()
    heard = [Word("it", 500), Word("was", 1_290), Word("was", 1_700), Word("it", 1_900)]
    assert [event for word in heard for event in replay.take(word)] == heard[2:]


@pytest.mark.parametrize(
    ("given", "again", "new"),
    [
        pytest.param(
            [("that", 1_360), ("not", 2_032), ("all,", 2_192)],
            [("That", 2_176), ("not", 2_432), ("all,", 2_624)],
            [("but", 3_232)],
            id="all later",
        ),
        pytest.param(
            [("to", 1_360), ("mind", 1_600), ("her", 1_700)],
            [("to", 1_500), ("mine", 1_780), ("her", 2_060)],
            [("father", 2_300)],
            id="one of them heard otherwise",
        ),
    ],
)
def test_words_that_come_again_in_the_same_order_are_not_given_again_though_they_begin_elsewhere(
    given: list[tuple[str, int]], again: list[tuple[str, int]], new: list[tuple[str, int]]
) -> None:
    replay = Replay()
    for frame in speech([1] * 10):
        replay.add(frame)
    for one in given:
        replay.take(Word(*one))
    replay.take(Heard(2_400))
    replay.restart()
    heard = [Word(*one) for one in again + new]
    assert [event for word in heard for event in replay.take(word)] == heard[len(again) :]


def test_sound_that_became_words_is_not_kept() -> None:
    replay = Replay()
    for frame in speech([1, *[None] * 200]):
        replay.add(frame)
        replay.take(Heard(frame.end_ms))
    replay.restart()
    assert replay.unsent * FRAME_MS <= 2_160


def test_a_minute_that_nobody_hears_is_kept_and_more_is_told_as_dropped() -> None:
    replay = Replay(keep_ms=60_000)
    for frame in speech([1] * 200):
        replay.add(frame)
    assert replay.dropped_ms == 800 * FRAME_MS - 60_000
    first = replay.next()
    assert first is not None
    assert first.start_ms == replay.dropped_ms
    assert replay.take(Heard(first.end_ms)) == [Dropped(0, first.start_ms), Heard(first.end_ms)]


def test_what_a_recogniser_was_sent_is_dropped_only_when_that_fails() -> None:
    replay = Replay(keep_ms=8_000)
    for frame in speech([1] * 50):
        replay.add(frame)
        replay.next()
    assert replay.dropped_ms == 0
    replay.take(Heard(3_200))
    replay.restart()
    assert replay.dropped_ms == 16_000 - 8_000 - 3_200
    assert replay.take(Flushed(16_000)) == [Dropped(3_200, 8_000), Flushed(16_000)]


def test_what_a_recogniser_was_late_with_is_not_dropped_once_it_deals_with_it() -> None:
    replay = Replay(keep_ms=8_000)
    for frame in speech([1] * 50):
        replay.add(frame)
        replay.next()
    assert replay.take(Heard(16_000)) == [Heard(16_000)]
    replay.restart()
    assert replay.dropped_ms == 0


def test_a_hole_of_hours_is_little_to_send() -> None:
    session = ready_session()
    session.data_to_send()
    session.frame(speech([1], position=3600 * SAMPLE_RATE)[0])
    assert len(session.data_to_send()) < 40


def test_a_pause_that_is_told_when_the_speaker_goes_on_cuts_no_word() -> None:
    for goes_on in (False, True):
        session = ready_session()
        session.data_to_send()
        for frame in speech([1] * 4 + [None] * 1 + [2] * goes_on)[: 20 if goes_on else 19]:
            session.frame(frame)
        sent = session.data_to_send()
        told: list[RecognizerEvent] = []
        for number in range(
            sum(isinstance(protocol.decode_client(d), protocol.Audio) for d in sent) + 10
        ):
            quiet = 0.95 if number >= 26 else 0.0
            told += session.receive(protocol.encode(protocol.Step(number, (quiet,) * 4, 0)))
        assert any(isinstance(event, Pause) for event in told)
        assert bool(session.data_to_send()) is not goes_on
