from __future__ import annotations

import pytest

from streaming.errors import ConnectionLost, ModelError, ProtocolError, RecognizerUnavailable
from streaming.recognizer import Capabilities, Flushed, Heard, Pause, Word
from streaming.stream_state import Ask, StreamPolicy, StreamState
from streaming.testing.scripted_server import speech

SERVER = Capabilities("kyutai", ("en",), False, 640, remote=True)
POLICY = StreamPolicy(silent_s=5, mute_ms=1_600, handover_s=2)


def begun(*words: int | None, policy: StreamPolicy = POLICY) -> StreamState:
    """A stream whose recogniser has begun at second 0, and was sent the words."""
    state = StreamState(policy)
    state.begin(0)
    for frame in speech(words):
        state.replay.add(frame)
        state.next()
    return state


def test_a_server_without_work_may_be_silent() -> None:
    state = begun(*[None] * 4)
    state.check(SERVER, 3_600)


def test_a_server_that_has_work_and_says_nothing_for_too_long_is_left() -> None:
    state = begun(*[None] * 20)
    state.check(SERVER, 4.9)
    state.take(Heard(160), 4.9)
    state.check(SERVER, 9.8)
    with pytest.raises(ConnectionLost, match="says nothing"):
        state.check(SERVER, 9.9)


def test_a_flush_may_take_some_delays_longer() -> None:
    state = begun(None)
    state.ask(Ask.FLUSH)
    assert state.next() is Ask.FLUSH
    state.check(SERVER, 6.8)
    with pytest.raises(ConnectionLost, match="says nothing"):
        state.check(SERVER, 7)


def test_a_mute_server_is_left_each_time_after_twice_as_much_voice() -> None:
    state = begun(*[1] * 30)
    state.take(Heard(2_000), 0)
    state.check(SERVER, 0)
    state.take(Heard(2_080), 0)
    with pytest.raises(ConnectionLost, match="no words"):
        state.check(SERVER, 0)
    state.begin(0)
    while state.next():
        pass
    state.take(Heard(4_160), 0)
    state.check(SERVER, 0)
    state.take(Heard(4_240), 0)
    with pytest.raises(ConnectionLost, match="no words"):
        state.check(SERVER, 0)
    state.take(Word("w1", 4_480), 0)
    state.take(Heard(4_800), 0)
    state.check(SERVER, 0)


def test_a_request_is_made_where_in_the_stream_it_was_asked_for_by_every_recogniser() -> None:
    state = begun()
    for frame in speech([1, 2])[:5]:
        state.replay.add(frame)
    state.ask(Ask.FLUSH)
    for frame in speech([1, 2])[5:]:
        state.replay.add(frame)
    for _ in range(2):
        items = list(iter(state.next, None))
        assert [item is Ask.FLUSH for item in items] == [False] * 5 + [True] + [False] * 3
        state.begin(0)


def test_nothing_more_is_sent_to_a_recogniser_that_was_asked_to_leave() -> None:
    state = begun(1)
    assert state.can_leave(Pause(240, 1.0))
    state.ask(Ask.LEAVE)
    assert not state.can_leave(Pause(240, 1.0))
    state.ask(Ask.FLUSH)
    for frame in speech([2], position=4 * 1_920):
        state.replay.add(frame)
    assert state.next() is Ask.LEAVE
    assert state.next() is None
    assert state.take(Flushed(320), 1) == [Heard(320)]
    assert state.left
    state.begin(1)
    items = list(iter(state.next, None))
    assert items[0] is Ask.FLUSH
    assert [item.start_ms for item in items if not isinstance(item, Ask)] == [320, 400, 480, 560]


def test_only_the_first_engine_is_retried_until_the_hand_over() -> None:
    state, failure = begun(1), ConnectionLost("hung up")
    assert not state.is_alone(0)
    assert state.fail(failure, 10, alone_s=2) == 0
    assert state.is_alone(11.9)
    assert not state.is_stuck(11.9)
    assert state.fail(failure, 11.95, alone_s=2) <= 0.0500001
    assert not state.is_alone(12)
    assert state.is_stuck(12)
    state.take(Heard(80), 12)
    assert not state.is_stuck(12)


def test_a_stream_of_finite_patience_fails_of_what_no_retry_helps_or_when_it_ends() -> None:
    policy = StreamPolicy(patience_s=30, first_wait_s=1)
    for failure in (ModelError("step"), ProtocolError("nonsense")):
        with pytest.raises(type(failure)):
            begun(1, policy=policy).fail(failure, 0, alone_s=0)
    state, gone = begun(1, policy=policy), RecognizerUnavailable("gone")
    for now in (0, 10, 20):
        state.fail(gone, now, alone_s=0)
    with pytest.raises(RecognizerUnavailable):
        state.fail(gone, 29.9, alone_s=0)
