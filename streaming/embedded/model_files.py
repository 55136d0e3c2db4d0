"""The files of Moonshine tiny-en: where they are and what is in them, without loading it."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from streaming.errors import RecognizerUnavailable

INSTALL = "install moonshine-voice==0.0.73 (later versions carry no model) and onnxruntime"

_GRAPH_OF = (1, 7)  # fields: the session's model, and the model's graph
_VALUES, _NODES, _OUTPUTS = 1, 2, 6  # fields of a graph
_KIND, _NODE_OUTPUTS, _ATTRIBUTES = 5, 9, 10  # of a node
_NAME, _BRANCH = 0, 7  # of a value, and of an attribute
_SESSION_NUMBERS, _MODEL_NUMBERS, _GRAPH_NUMBERS = (), (0, 5), (3,)  # fields that refer to nothing
_NODE_NUMBERS, _ATTRIBUTE_NUMBERS = (3, 4, 6), (2, 3, 4)
_ALIGNED = 16
_SPECIAL = re.compile(rb"<unk>|</?s>|<<ST_\d+>>")


def model_folder() -> Path:
    """Return the folder of tiny-en in the wheel of moonshine-voice.

    Raises RecognizerUnavailable, which says what to install.
    """
    spec = find_spec("moonshine_voice")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "assets" / "tiny-en"
        if (folder / "tokenizer.bin").is_file():
            return folder
    raise RecognizerUnavailable(f"the English model is not here: {INSTALL}")


def pieces(data: bytes) -> list[bytes]:
    """Read each token: its length in one or two bytes, then its bytes; "▁" is a space."""
    pieces = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length = data[at] * 128 + length - 128
            at += 1
        pieces.append(data[at : at + length].replace("▁".encode(), b" "))
        at += length
    return [b"" if _SPECIAL.fullmatch(piece) else piece for piece in pieces]


def with_output(model: bytes, tensor: str) -> bytes:
    """Return a model in onnxruntime's format with ``tensor`` as its last output, by the same name.

    The model chooses by an ``If`` between branches that all have the tensor. Fields are numbered as
    in onnxruntime/core/flatbuffers/schema/ort.fbs. Raises ValueError for any other model.
    """
    try:
        file = _FlatBuffer(model)
        session = file.root
        whole = file.target(session, _GRAPH_OF[0])
        graph = _with_output(file, file.target(whole, _GRAPH_OF[1]), tensor.encode())
        whole = file.copy(whole, _MODEL_NUMBERS, {_GRAPH_OF[1]: graph})
        return file.rooted(file.copy(session, _SESSION_NUMBERS, {_GRAPH_OF[0]: whole}))
    except (struct.error, ValueError) as error:
        raise ValueError(f"not a model in onnxruntime's format that has {tensor}") from error


def _with_output(file: _FlatBuffer, graph: int, tensor: bytes) -> int:
    nodes = file.items(graph, _NODES)
    [choice] = (node for node in nodes if file.text(node, _KIND) == b"If")
    branches: list[int] = []
    for attribute in file.items(choice, _ATTRIBUTES):
        branch = file.target(attribute, _BRANCH)
        values = file.items(branch, _VALUES)
        [value] = (value for value in values if file.text(value, _NAME) == tensor)
        name = file.target(value, _NAME)
        changed = {_OUTPUTS: file.row([*file.items(branch, _OUTPUTS), name])}
        branch = file.copy(branch, _GRAPH_NUMBERS, changed)
        branches.append(file.copy(attribute, _ATTRIBUTE_NUMBERS, {_BRANCH: branch}))
    changed = {
        _NODE_OUTPUTS: file.row([*file.items(choice, _NODE_OUTPUTS), name]),
        _ATTRIBUTES: file.row(branches),
    }
    chosen = file.copy(choice, _NODE_NUMBERS, changed)
    changed = {
        _VALUES: file.row([*file.items(graph, _VALUES), value]),
        _NODES: file.row([chosen if node == choice else node for node in nodes]),
        _OUTPUTS: file.row([*file.items(graph, _OUTPUTS), name]),
    }
    return file.copy(graph, _GRAPH_NUMBERS, changed)


class _FlatBuffer:
    """A file in which tables refer to what lies behind them, so that new ones are put in front.

    Places are counted from the end, below zero: those of what is there stay the same. The format:
    https://flatbuffers.dev/internals
    """

    def __init__(self, data: bytes) -> None:
        self._data = bytearray(data)
        self._name = data[4:8]

    @property
    def root(self) -> int:
        return self._referred(-len(self._data))

    def target(self, table: int, field: int) -> int:
        return self._referred(table + self._number("H", self._layout(table) + 4 + 2 * field))

    def text(self, table: int, field: int) -> bytes:
        at = self.target(table, field)
        return bytes(self._data[at + 4 : at + 4 + self._number("I", at)])

    def items(self, table: int, field: int) -> list[int]:
        at = self.target(table, field)
        return [self._referred(at + 4 * n) for n in range(1, 1 + self._number("I", at))]

    def row(self, items: Sequence[int]) -> int:
        at = self._room(4 + 4 * len(items), like=0)
        struct.pack_into("<I", self._data, at, len(items))
        for n, item in enumerate(items, 1):
            self._refer(at + 4 * n, item)
        return at

    def copy(self, table: int, numbers: Sequence[int], changed: Mapping[int, int]) -> int:
        """Add a table like another, except for the fields that are ``changed``."""
        layout = self._layout(table)
        end, size = struct.unpack_from("<HH", self._data, layout)
        at = self._room(size, like=table)
        self._data[at : at + size] = self._data[table : table + size]
        struct.pack_into("<i", self._data, at, at - layout)
        for field in range((end - 4) // 2):
            offset = self._number("H", layout + 4 + 2 * field)
            if offset and field not in numbers:
                self._refer(at + offset, changed.get(field) or self._referred(table + offset))
        return at

    def rooted(self, table: int) -> bytes:
        """Return the file that begins with ``table``."""
        at = self._room(8, like=0)
        self._data[4:8] = self._name
        self._refer(at, table)
        return bytes(self._data)

    def _room(self, size: int, *, like: int) -> int:
        at = -len(self._data) - size
        at -= (at - like) % _ALIGNED
        self._data[:0] = bytes(-at - len(self._data))
        return at

    def _layout(self, table: int) -> int:
        return table - self._number("i", table)

    def _referred(self, place: int) -> int:
        return place + self._number("I", place)

    def _refer(self, place: int, to: int) -> None:
        struct.pack_into("<I", self._data, place, to - place)

    def _number(self, kind: str, place: int) -> int:
        return int(struct.unpack_from(f"<{kind}", self._data, place)[0])
