from __future__ import annotations

import contextlib
import math
import struct

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.audio import FRAME_SAMPLES
from streaming.errors import ProtocolError
from streaming.kyutai import protocol

# Recorded from moshi-server 0.6.4 and its clients.
VECTORS = {
    "81a474797065a55265616479": protocol.Ready(),
    "82a474797065a54572726f72a76d657373616765b06e6f2066726565206368616e6e656c73": protocol.Error(
        protocol.NO_FREE_CHANNELS
    ),
    "83a474797065a4576f7264a474657874a568656c6c6faa73746172745f74696d65cb3ff0a3d70a3d70a4": (
        protocol.Word("hello", 1.04)
    ),
    "82a474797065a7456e64576f7264a973746f705f74696d65cb3ff5c28f5c28f5c3": protocol.EndWord(1.36),
    "82a474797065a64d61726b6572a2696400": protocol.Marker(0),
    "84a474797065a453746570a8737465705f696478cd0198a370727394ca3f000000ca3e800000ca3e000000ca00000000"
    "ac62756666657265645f70636dcd5640": protocol.Step(408, (0.5, 0.25, 0.125, 0.0), 22080),
}
AUDIO = bytes.fromhex("82a474797065a5417564696fa370636d92ca00000000ca3f000000")

singles = st.floats(width=32, allow_nan=False, allow_infinity=False)
seconds = st.floats(-1e8, 1e8)
integers = st.integers(-(1 << 63), (1 << 63) - 1)
server_messages = st.one_of(
    st.just(protocol.Ready()),
    st.builds(protocol.Error, st.text()),
    st.builds(protocol.Word, st.text(), seconds, st.none() | st.booleans()),
    st.builds(protocol.EndWord, seconds),
    st.builds(protocol.Marker, integers),
    st.builds(protocol.Step, integers, st.lists(singles, max_size=20).map(tuple), integers),
)
client_messages = st.one_of(
    st.just(protocol.Init()),
    st.builds(protocol.Marker, integers),
    st.builds(protocol.OggOpus, st.binary()),
)


@pytest.mark.parametrize(("written", "message"), VECTORS.items())
def test_what_a_server_says_is_what_the_rust_server_says(
    written: str, message: protocol.ServerMessage
) -> None:
    assert protocol.encode(message).hex() == written
    assert protocol.decode_server(bytes.fromhex(written)) == message


def test_audio_is_written_as_kyutais_clients_write_it() -> None:
    assert protocol.encode(protocol.Audio(np.array([0, 0.5], np.float32))) == AUDIO
    assert len(protocol.encode(protocol.Audio(np.zeros(FRAME_SAMPLES, np.float32)))) == 9_619


@given(server_messages)
def test_a_server_message_survives_the_wire(message: protocol.ServerMessage) -> None:
    assert protocol.decode_server(protocol.encode(message)) == message


@given(client_messages)
def test_a_client_message_survives_the_wire(message: protocol.ClientMessage) -> None:
    assert protocol.decode_client(protocol.encode(message)) == message


@given(st.lists(st.floats(-1, 1, width=32), max_size=40))
def test_samples_survive_the_wire(samples: list[float]) -> None:
    assert pcm(protocol.encode(protocol.Audio(np.array(samples, np.float32)))) == samples


@pytest.mark.parametrize("count", [0, 1, 15, 16, 1919, 1920, 65_535, 65_536, 100_000])
def test_any_number_of_samples_survives_the_wire(count: int) -> None:
    samples = np.linspace(-1, 1, count, dtype=np.float32)
    written = protocol.encode(protocol.Audio(samples))
    assert written == msgpack.packb(
        {"type": "Audio", "pcm": samples.tolist()}, use_single_float=True
    )
    assert pcm(written) == samples.tolist()


def pcm(data: bytes) -> list[float]:
    message = protocol.decode_client(data)
    assert isinstance(message, protocol.Audio)
    assert message.pcm.dtype == np.float32
    samples: list[float] = message.pcm.tolist()
    return samples


@pytest.mark.parametrize(
    "said",
    [
        {"type": "Audio", "pcm": [0.0, 0.5]},
        {"type": "Audio", "pcm": [0, 0.5]},
        {"pcm": [0.0, 0.5], "type": "Audio"},
        {"type": "Audio", "pcm": [0.0, 0.5], "from": "me"},
        ["Audio", [0.0, 0.5]],
    ],
)
def test_audio_may_be_written_in_other_ways(said: object) -> None:
    assert pcm(msgpack.packb(said)) == [0.0, 0.5]


@pytest.mark.parametrize("single", [True, False])
def test_samples_that_are_no_sound_are_cleaned(single: bool) -> None:
    wild = [math.nan, math.inf, -math.inf, 3.0e38, 2.0]
    assert pcm(msgpack.packb({"type": "Audio", "pcm": wild}, use_single_float=single)) == [
        0.0, 1.0, -1.0, 1.0, 1.0,
    ]  # fmt: skip
    assert pcm(msgpack.packb({"type": "Audio", "pcm": [1e300, -1e300]})) == [1.0, -1.0]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"type": "Video"}, "unknown type 'Video'"),
        ({"type": "Ready"}, "unknown type 'Ready'"),
        ({"pcm": []}, "a map without a type"),
        ({"type": 7}, "a map without a type"),
        (["Marker", 1], "an array, where a map"),
        (None, "nil, where a map"),
        ({"type": "Audio"}, "without its pcm"),
        ({"type": "Audio", "pcm": b"\0\0\0\0"}, "pcm is bin, where an array"),
        ({"type": "Audio", "pcm": [0.0, "x"]}, "an element of pcm is a string"),
        ({"type": "Audio", "pcm": [True]}, "an element of pcm is a boolean"),
        ({"type": "OggOpus", "data": [256]}, "an octet is due"),
        ({"type": "Marker", "id": 1.5}, "id is a float, where an integer"),
        ({"type": "Marker", "id": 1 << 63}, "an integer of 64 bits"),
        ({"type": "Audio", 3: 4}, "not msgpack"),
    ],
)
def test_what_a_client_may_not_say_is_named(said: object, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        protocol.decode_client(msgpack.packb(said))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"type": "Word", "text": "a", "start_time": math.nan}, "start_time is not a time"),
        ({"type": "Word", "text": "a", "start_time": 1e9}, "start_time is not a time"),
        ({"type": "Word", "text": "a", "start_time": "1"}, "start_time is a string"),
        ({"type": "Word", "text": b"a", "start_time": 1.0}, "text is bin"),
        ({"type": "Word", "text": "a", "start_time": 1.0, "joined": 1}, "joined is an integer"),
        ({"type": "Step", "step_idx": 1, "prs": [None], "buffered_pcm": 0}, "of prs is nil"),
        ({"type": "Step", "step_idx": 1, "prs": []}, "without its buffered_pcm"),
        ({"type": "Error"}, "without its message"),
        ({"type": "Audio", "pcm": []}, "unknown type 'Audio'"),
    ],
)
def test_what_a_server_may_not_say_is_named(said: object, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        protocol.decode_server(msgpack.packb(said))


def test_what_was_said_is_in_no_error() -> None:
    with pytest.raises(ProtocolError) as raised:
        protocol.decode_server(
            msgpack.packb({"type": "Word", "text": "secret", "start_time": None})
        )
    assert "secret" not in str(raised.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    for decode in (protocol.decode_client, protocol.decode_server):
        with contextlib.suppress(ProtocolError):
            decode(data)


@given(client_messages | server_messages, st.data())
def test_a_message_cut_short_is_a_protocol_error(
    message: protocol.ClientMessage | protocol.ServerMessage, data: st.DataObject
) -> None:
    written = protocol.encode(message)
    cut = written[: data.draw(st.integers(0, len(written) - 1))]
    for decode in (protocol.decode_client, protocol.decode_server):
        with pytest.raises(ProtocolError):
            decode(cut)
        with pytest.raises(ProtocolError):
            decode(written + b"\0")


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff" + b"\0" * 20,
        AUDIO[:15] + b"\xdd" + struct.pack(">I", 1 << 31) + b"\xca\0\0\0\0",
        b"\0" * (protocol.MAX_CLIENT_BYTES + 1),
        b"\xc7\xff\xff" + b"\0" * 255,
        b"\xd7\xff" + b"\xff" * 8,
    ],
    ids=["nested", "array", "map", "samples", "long", "timestamp", "nanoseconds"],
)
def test_a_hostile_message_is_a_protocol_error(hostile: bytes) -> None:
    with pytest.raises(ProtocolError):
        protocol.decode_client(hostile)
