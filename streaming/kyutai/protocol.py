"""Kyutai's speech-to-text protocol: messages ⇄ msgpack, as moshi-server 0.6.4 speaks it.

A binary websocket frame is a msgpack map tagged by ``"type"``. Unknown keys are ignored; everything
else that the protocol does not allow is a ProtocolError that says what was received. Times are
seconds of audio that the server received; samples are 24 kHz mono.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgpack
import numpy as np

from streaming.audio import Pcm, clean
from streaming.errors import ProtocolError
from streaming.kyutai.fields import (
    Fields,
    integer,
    kind_of,
    numbers,
    octets,
    seconds,
    string,
    wrong,
)

PATH = "/api/asr-streaming"
"""The path of the websocket."""

SLOTS_PATH = "/api/modules_info"
"""Where servers tell, to a GET, how many slots they have and how many are used."""

KEY_HEADER = "kyutai-api-key"
"""The header with a client's key; ``?auth_id=`` is the alternative."""

MOVES_HEADER = "live-captions-moves"
"""A header by which a client says that it goes on elsewhere, without loss, when it is sent away."""

PUBLIC_KEY = "public_token"
"""The public default key, which is in all configurations that Kyutai ships."""

NO_FREE_CHANNELS = "no free channels"
"""The text of a full server's Error, which it sends instead of Ready."""

MAX_CLIENT_BYTES = 1 << 20
"""The longest message that a client may send: 8.7 s of float32 samples."""

MAX_SERVER_BYTES = 1 << 16
"""The longest message that a server may send."""


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """float32[n] in [-1, 1]; servers process 1920 samples (80 ms) per step."""

    pcm: Pcm


@dataclass(frozen=True, slots=True)
class OggOpus:
    """A piece of an Ogg Opus stream."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Marker:
    """Echoed once the model has processed, with its delay, all audio sent before it."""

    id: int


@dataclass(frozen=True, slots=True)
class Init:
    """Restart: the slot's state is cleared."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The client has got a slot."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, without its leading space.

    joined: whether it continues the previous word. Sent by our server only; None from others.
    """

    text: str
    start_time: float
    joined: bool | None = None


@dataclass(frozen=True, slots=True)
class EndWord:
    """The end of the last word; from moshi-server it is the start of the next one."""

    stop_time: float


@dataclass(frozen=True, slots=True)
class Step:
    """The model has processed 80 ms of this client's audio.

    step_idx: counts all steps of the server. prs: output of the pause heads, 0–1.
    """

    step_idx: int
    prs: tuple[float, ...]
    buffered_pcm: int


@dataclass(frozen=True, slots=True)
class Error:
    """The server ends the stream."""

    message: str


ClientMessage = Audio | OggOpus | Marker | Init
ServerMessage = Ready | Word | EndWord | Marker | Step | Error


def encode(message: ClientMessage | ServerMessage) -> bytes:
    """Encode one frame, byte for byte like moshi-server and its clients."""
    match message:
        case Audio(pcm):
            return _map("Audio", pcm=_floats(pcm))
        case OggOpus(data):
            return _map("OggOpus", data=_pack(list(data)))
        case Marker(number):
            return _map("Marker", id=_pack(number))
        case Word(text, start_time, joined):
            said = {} if joined is None else {"joined": _pack(joined)}
            return _map("Word", text=_pack(text), start_time=_pack(float(start_time)), **said)
        case EndWord(stop_time):
            return _map("EndWord", stop_time=_pack(float(stop_time)))
        case Step(index, prs, buffered):
            heads = _floats(np.asarray(prs, np.float32))
            return _map("Step", step_idx=_pack(index), prs=heads, buffered_pcm=_pack(buffered))
        case Error(text):
            return _map("Error", message=_pack(text))
        case Init() | Ready():
            return _map(type(message).__name__)


def _pack(value: object) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed


def _map(kind: str, **fields: bytes) -> bytes:
    parts = [bytes([0x81 + len(fields)]), _pack("type"), _pack(kind)]
    for name, packed in fields.items():
        parts += [_pack(name), packed]
    return b"".join(parts)


_FLOAT32 = 0xCA
_MARKED = np.dtype([("mark", "u1"), ("value", ">f4")])  # msgpack's encoding of a float32


def _floats(values: Pcm) -> bytes:
    marked = np.empty(len(values), _MARKED)
    marked["mark"] = _FLOAT32
    marked["value"] = values
    return _array_header(len(values)) + marked.tobytes()


def _array_header(count: int) -> bytes:
    if count < 16:
        return bytes([0x90 | count])
    return struct.pack(">BH", 0xDC, count) if count < 1 << 16 else struct.pack(">BI", 0xDD, count)


_AUDIO_START = b"\x82" + _pack("type") + _pack("Audio") + _pack("pcm")


def _plain_audio(data: bytes) -> Pcm | None:
    """Return the samples if ``data`` has the usual form; many times faster than msgpack."""
    start = len(_AUDIO_START)
    for header in (3, 1, 5):
        count, rest = divmod(len(data) - start - header, _MARKED.itemsize)
        if rest or count < 0 or not data.startswith(_AUDIO_START + _array_header(count)):
            continue
        marked = np.frombuffer(data, _MARKED, count, start + header)
        return marked["value"].astype(np.float32) if (marked["mark"] == _FLOAT32).all() else None
    return None


M = TypeVar("M")


def _unpack(data: bytes) -> object:
    try:
        value: object = msgpack.unpackb(data)
    except (ValueError, TypeError, OverflowError, msgpack.UnpackException) as exc:
        raise ProtocolError(f"{len(data)} bytes that are not msgpack") from exc
    return value


def _tagged(data: bytes) -> tuple[str, Fields]:
    match _unpack(data):
        case {"type": str(kind), **fields}:
            return kind, {str(name): value for name, value in fields.items()}
        case ["Audio", pcm]:  # another form that the Rust server accepts
            return "Audio", {"pcm": pcm}
        case dict():
            raise ProtocolError("a map without a type")
        case other:
            raise ProtocolError(f"{kind_of(other)}, where a map with a type is due")


def _word(fields: Fields) -> Word:
    joined = fields.get("joined")
    if not isinstance(joined, bool | None):
        raise wrong("joined", joined, "a boolean")
    return Word(string(fields, "text"), seconds(fields, "start_time"), joined)


def _step(fields: Fields) -> Step:
    heads = tuple(float(value) for value in numbers(fields, "prs"))
    return Step(integer(fields, "step_idx"), heads, integer(fields, "buffered_pcm"))


def _read(data: bytes, readers: Mapping[str, Callable[[Fields], M]]) -> M:
    kind, fields = _tagged(data)
    if kind not in readers:
        raise ProtocolError(f"a message of unknown type {kind[:40]!r}")
    return readers[kind](fields)


_CLIENT: dict[str, Callable[[Fields], ClientMessage]] = {
    "Audio": lambda fields: Audio(clean(numbers(fields, "pcm"))),
    "OggOpus": lambda fields: OggOpus(octets(fields, "data")),
    "Marker": lambda fields: Marker(integer(fields, "id")),
    "Init": lambda fields: Init(),
}

_SERVER: dict[str, Callable[[Fields], ServerMessage]] = {
    "Ready": lambda fields: Ready(),
    "Word": _word,
    "EndWord": lambda fields: EndWord(seconds(fields, "stop_time")),
    "Marker": lambda fields: Marker(integer(fields, "id")),
    "Step": _step,
    "Error": lambda fields: Error(string(fields, "message")),
}


def decode_client(data: bytes) -> ClientMessage:
    """Decode a client's message; samples are sanitised. Raises ProtocolError."""
    if len(data) > MAX_CLIENT_BYTES:
        raise ProtocolError(f"a message of {len(data)} bytes; {MAX_CLIENT_BYTES} are the most")
    pcm = _plain_audio(data)
    if pcm is not None:
        return Audio(clean(pcm))
    return _read(data, _CLIENT)


def decode_server(data: bytes) -> ServerMessage:
    """Decode a server's message. Raises ProtocolError."""
    if len(data) > MAX_SERVER_BYTES:
        raise ProtocolError(f"a message of {len(data)} bytes; {MAX_SERVER_BYTES} are the most")
    return _read(data, _SERVER)
