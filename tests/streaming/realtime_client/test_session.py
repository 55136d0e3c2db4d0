from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.audio import FRAME_SAMPLES, AudioFrame, Framer
from streaming.errors import ConnectionLost, ProtocolError, RecognizerAtCapacity
from streaming.realtime_client.session import RealtimePolicy, Session
from streaming.recognizer import Flushed, Heard, Pause, RecognizerEvent, Word, WordEnd
from streaming.replay import Replay
from streaming.testing.scripted_server import Hearing, speech
from streaming.testing.step_model import StepModel, steady_level

CREATED = json.dumps({"type": "session.created", "id": "sess-1", "created": 1})
SAID = [1, 12, None, 3, 3, None, None, 40, 5]


class OneServer:
    """What a server does with one connection, without a connection.

    It forgets what it is sent between the end of an utterance and its done, like vLLM.
    """

    def __init__(self, *, delay_frames: int = 6, holds_back: bool = True) -> None:
        self._delay, self._holds_back = delay_frames, holds_back
        self._model: StepModel | None = None
        self._framer = Framer(16_000)
        self._text = ""
        self.utterances = 0
        self.samples = 0

    def take(self, data: str) -> list[str]:
        """Its answers to one message."""
        message = json.loads(data)
        match message["type"], message.get("final", False):
            case "input_audio_buffer.commit", False if self._model is None:
                self.utterances += 1
                hearing = Hearing(steady_level)
                self._model = StepModel(
                    delay_frames=self._delay, holds_back=self._holds_back, hearing=hearing
                )
                self._framer, self._text = Framer(16_000), ""
            case "input_audio_buffer.append", _:
                assert self._model, "sound that no utterance takes"
                pcm = np.frombuffer(base64.b64decode(message["audio"]), "<i2")
                assert len(pcm)
                self.samples += len(pcm)
                return self._steps(self._framer.feed(pcm.astype(np.float32) / 32_768))
            case "input_audio_buffer.commit", True:
                assert self._model, "the end of nothing"
                rest = self._steps(self._framer.flush())
                rest += [self._delta(text) for text in self._model.end()]
                self._model = None
                return [*rest, json.dumps({"type": "transcription.done", "text": self._text})]
        return []

    def _steps(self, frames: list[AudioFrame]) -> list[str]:
        assert self._model
        return [self._delta(text) for frame in frames for text in self._model.feed(frame.pcm)]

    def _delta(self, text: str) -> str:
        self._text += text
        return json.dumps({"type": "transcription.delta", "delta": text})


def ready_session(policy: RealtimePolicy | None = None) -> Session:
    session = Session(policy)
    session.receive(CREATED)
    return session


def answered(session: Session, server: OneServer) -> list[RecognizerEvent]:
    events: list[RecognizerEvent] = []
    while messages := session.data_to_send():
        for data in messages:
            for answer in server.take(data):
                events += session.receive(answer)
    return events


def whole(
    frames: list[AudioFrame], server: OneServer, *, policy: RealtimePolicy | None = None
) -> list[RecognizerEvent]:
    session = ready_session(policy)
    events = answered(session, server)
    for frame in frames:
        events += session.frame(frame) + answered(session, server)
    return events + session.flush() + answered(session, server)


def words(events: Sequence[RecognizerEvent]) -> list[Word]:
    return [event for event in events if isinstance(event, Word)]


def texts(events: Sequence[RecognizerEvent]) -> list[str]:
    return [word.text for word in words(events)]


def said(spoken: Sequence[int | None]) -> list[str]:
    return [f"w{n}" for n in spoken if n is not None]


def starts(spoken: Sequence[int | None]) -> list[int]:
    levels = [0.0, *(float(f.pcm[0]) for f in speech(spoken))]
    return [80 * i for i, (a, b) in enumerate(pairwise(levels)) if b and not a]


def sent(session: Session) -> list[str]:
    return [json.loads(data)["type"] for data in session.data_to_send()]


def test_the_model_is_named_before_the_first_utterance_which_begins_with_sound() -> None:
    session = Session(RealtimePolicy("voxtral"))
    assert session.room == 0
    assert session.frame(speech([1])[0]) == []
    assert session.data_to_send() == []
    session.receive(CREATED)
    assert session.room > 0
    update, commit, append = map(json.loads, session.data_to_send())
    assert update == {"type": "session.update", "model": "voxtral"}
    assert commit == {"type": "input_audio_buffer.commit"}
    assert append["type"] == "input_audio_buffer.append"


def test_sound_is_sent_as_int16_at_16_khz_all_of_it_and_never_nothing() -> None:
    server = OneServer()
    whole(speech(SAID), server)
    assert server.samples == len(speech(SAID)) * 1_280


@pytest.mark.parametrize("holds_back", [True, False])
def test_words_come_whole_at_about_their_times(holds_back: bool) -> None:
    events = whole(speech([None, *SAID]), OneServer(holds_back=holds_back))
    assert texts(events) == said(SAID)
    assert not any(word.joined for word in words(events))
    for word, start_ms in zip(words(events), starts([None, *SAID]), strict=True):
        assert -320 <= word.start_ms - start_ms <= 320
    reached = [event.until_ms for event in events if isinstance(event, Heard)]
    assert reached == sorted(reached)
    assert events[-1] == Flushed(len(speech([None, *SAID])) * 80)


def test_of_a_server_that_steps_when_it_has_heard_as_much_as_vllm_the_ends_are_right() -> None:
    for delay_frames in (6, 30):
        policy = RealtimePolicy(delay_ms=delay_frames * 80, flush_at_pauses=False)
        events = whole(speech(SAID), OneServer(delay_frames=delay_frames), policy=policy)
        ends = [event.end_ms for event in events if isinstance(event, WordEnd)]
        true = [start_ms + 240 for start_ms in starts(SAID)]
        assert max(abs(end - right) for end, right in zip(ends, true, strict=True)) <= 240


def test_what_is_spoken_while_an_utterance_ends_waits_for_the_next_one() -> None:
    session, server = ready_session(), OneServer()
    events = answered(session, server)
    for frame in speech([1, 2]):
        events += session.frame(frame) + answered(session, server)
    session.flush()
    ending = session.data_to_send()
    late = speech([3, 4], position=8 * FRAME_SAMPLES)
    for frame in late:
        assert session.frame(frame) == []
    assert session.data_to_send() == []
    answers = [answer for data in ending for answer in server.take(data)]
    for answer in answers:
        events += session.receive(answer)
    events += answered(session, server) + session.flush() + answered(session, server)
    assert texts(events) == ["w1", "w2", "w3", "w4"]
    assert [event for event in events if isinstance(event, Flushed)] == [
        Flushed(640),
        Flushed(1280),
    ]
    assert server.utterances == 2


def test_flushes_of_the_same_sound_are_one_and_answered_each() -> None:
    session, server = ready_session(), OneServer()
    for frame in speech([1]):
        session.frame(frame)
    assert session.flush() + session.flush() == []
    assert answered(session, server)[-2:] == [Flushed(320), Flushed(320)]
    assert session.flush() == [Flushed(320)]
    assert server.utterances == 1


@pytest.mark.parametrize(("delay_ms", "utterances"), [(480, 1), (2_400, 2)])
def test_a_pause_ends_the_utterance_where_that_brings_the_last_word_sooner(
    delay_ms: int, utterances: int
) -> None:
    server = OneServer(delay_frames=delay_ms // 80)
    spoken = [1, 2, None, None, None, 3]
    events = whole(speech(spoken), server, policy=RealtimePolicy(delay_ms=delay_ms))
    assert texts(events) == ["w1", "w2", "w3"]
    assert server.utterances == utterances
    assert [event.at_ms for event in events if isinstance(event, Pause)] == [560]


def test_a_long_utterance_ends_at_a_pause() -> None:
    server = OneServer()
    policy = RealtimePolicy(long_ms=1_600)
    assert texts(whole(speech([*SAID, None, None] * 3), server, policy=policy)) == said(SAID * 3)
    assert server.utterances >= 3


def test_a_hole_of_hours_is_little_to_send_and_keeps_the_times_right() -> None:
    server = OneServer()
    late = speech([3, 4], position=3600 * 24_000)
    events = whole([*speech([1, 2]), *late], server)
    assert texts(events) == ["w1", "w2", "w3", "w4"]
    assert server.samples < 80 * 1_280
    assert all(abs(word.start_ms - 3_600_000) < 700 for word in words(events)[2:])


@pytest.mark.parametrize(
    ("steps", "read"),
    [
        ([" hel", "lo", "", " world"], ["hello", " world"]),
        (["Bon", "jour", ",", " le", " mon", "de", "!", ""], ["Bonjour,", " le", " monde!"]),
        ([" one two", " three"], ["one", " two", " three"]),
        ([" caf", "", "é"], ["caf", "é"]),
        ([" ", "a", " ", "b"], ["a", " b"]),
        (["今天", "", "天气", ""], ["今天", "天气"]),
        ([" a\ufffd", "\ufffd", " b"], ["a", " b"]),
        (["", "", ""], []),
    ],
)
def test_pieces_become_words(steps: list[str], read: list[str]) -> None:
    session = ready_session()
    for frame in speech([1] * 20):
        session.frame(frame)
    session.flush()
    given = [json.dumps({"type": "transcription.delta", "delta": text}) for text in steps]
    given.append(json.dumps({"type": "transcription.done", "text": "".join(steps)}))
    heard = words([event for data in given for event in session.receive(data)])
    spaced = [("" if word.joined else " ") + word.text for word in heard]
    assert "".join(spaced).strip() == "".join(read).strip()
    assert len(heard) == len(read)


def test_text_that_only_the_end_tells_is_not_lost() -> None:
    session = ready_session()
    for frame in speech([1, 2]):
        session.frame(frame)
    session.flush()
    given = [{"type": "transcription.delta", "delta": " one"}]
    given.append({"type": "transcription.done", "text": " one two three"})
    events = [event for data in given for event in session.receive(json.dumps(data))]
    assert texts(events) == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        ("model_not_found", ProtocolError, "does not serve the model voxtral"),
        ("model_not_validated", ProtocolError, "does not serve the model voxtral"),
        ("unknown_event", ProtocolError, "does not understand us"),
        ("invalid_audio", ProtocolError, "does not understand us"),
        ("rate_limit_exceeded", RecognizerAtCapacity, "is full"),
        ("processing_error", ConnectionLost, "failed: it says 'Out of cheese'"),
        (None, ConnectionLost, "failed"),
    ],
)
def test_a_complaint_says_what_to_do(code: str | None, error: type[Exception], says: str) -> None:
    session = ready_session(RealtimePolicy("voxtral"))
    with pytest.raises(error, match=says):
        session.receive(json.dumps({"type": "error", "error": "Out of cheese", "code": code}))


@pytest.mark.parametrize(
    "data",
    [b"\x00", "hello", "[]", "{}", '{"type": 3}', '{"type":"transcription.delta","delta":4}'],
)
def test_what_is_no_message_is_told(data: str | bytes) -> None:
    with pytest.raises(ProtocolError):
        ready_session().receive(data)


def test_what_comes_before_the_server_lets_us_in_is_another_protocol() -> None:
    with pytest.raises(ProtocolError, match=r"expected session\.created"):
        Session().receive('{"type":"conversation.created"}')


def test_messages_of_unknown_types_are_ignored() -> None:
    session = ready_session()
    assert session.receive('{"type":"session.updated","more":[1]}') == []
    assert session.receive('{"type":"transcription.delta","delta":"early"}') == []


def test_a_server_that_ends_an_utterance_by_itself_is_left() -> None:
    session = ready_session()
    session.frame(speech([1])[0])
    with pytest.raises(ConnectionLost, match="by itself"):
        session.receive('{"type":"transcription.done","text":""}')


def test_no_more_than_some_seconds_are_under_way() -> None:
    session = ready_session()
    frames = iter(speech([1] * 200))
    while session.room > 0:
        session.frame(next(frames))
    assert sent(session).count("input_audio_buffer.append") <= 70


def spoken_over(
    frames: list[AudioFrame], cuts: Sequence[tuple[int, int, bool]], *, holds_back: bool
) -> list[RecognizerEvent]:
    """Each cut: so many frames and answers, then the connection breaks; perhaps flushed before."""
    replay = Replay()
    events: list[RecognizerEvent] = []
    waiting = list(frames)
    for count, answers, flushes in [*cuts, (len(frames) * 2, 1 << 30, True)]:
        replay.restart()
        session, server = ready_session(), OneServer(holds_back=holds_back)
        for _ in range(max(count - replay.unsent, 0)):
            if waiting:
                replay.add(waiting.pop(0))
        given: list[RecognizerEvent] = []
        left = answers
        while (frame := replay.next()) is not None:
            given += session.frame(frame)
        quiet = not waiting or not frames[-len(waiting)].voiced
        given += session.flush() if flushes and quiet else []
        while left > 0 and (messages := session.data_to_send()):
            for data in messages:
                for answer in server.take(data):
                    given += session.receive(answer) if left > 0 else []
                    left -= 1
        for event in given:
            events += replay.take(event)
        assert not replay.dropped_ms
    return events


spoken = st.lists(st.none() | st.integers(1, 3), min_size=1, max_size=40)
cuts = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 200), st.booleans()), max_size=6)


@settings(max_examples=60)
@given(spoken, cuts, st.booleans())
def test_what_is_replayed_is_what_was_spoken(
    spoken: list[int | None], cuts: list[tuple[int, int, bool]], holds_back: bool
) -> None:
    events = spoken_over(speech(spoken), cuts, holds_back=holds_back)
    assert texts(events) == said(spoken)
    times = [word.start_ms for word in words(events)]
    assert times == sorted(times)
