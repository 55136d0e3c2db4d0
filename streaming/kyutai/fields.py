"""Reads fields of untrusted messages: of the expected type, or a ProtocolError."""

from __future__ import annotations

import math

import numpy as np

from streaming.audio import Pcm
from streaming.errors import ProtocolError

Fields = dict[str, object]

_MAX_SECONDS = 1e8  # three years


def kind_of(value: object) -> str:
    """Describe the type of ``value`` for people."""
    names = {
        type(None): "nil", bool: "a boolean", int: "an integer", float: "a float",
        str: "a string", bytes: "bin", list: "an array", dict: "a map",
    }  # fmt: skip
    return names.get(type(value), "an extension")


def _field(fields: Fields, name: str) -> object:
    if name not in fields:
        raise ProtocolError(f"a message without its {name}")
    return fields[name]


def wrong(name: str, value: object, due: str) -> ProtocolError:
    """Return the error for a field whose type is not ``due``."""
    return ProtocolError(f"{name} is {kind_of(value)}, where {due} is due")


def integer(fields: Fields, name: str) -> int:
    """Read an integer that fits 64 bits."""
    value = _field(fields, name)
    if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
        raise wrong(name, value, "an integer of 64 bits")
    return value


def string(fields: Fields, name: str) -> str:
    """Read a string."""
    value = _field(fields, name)
    if not isinstance(value, str):
        raise wrong(name, value, "a string")
    return value


def seconds(fields: Fields, name: str) -> float:
    """Read a time, within three years."""
    value = _field(fields, name)
    if type(value) not in (int, float):
        raise wrong(name, value, "a number")
    time = float(value)  # type: ignore[arg-type]  # a number, by the check above (no bool)
    if not math.isfinite(time) or abs(time) > _MAX_SECONDS:
        raise ProtocolError(f"{name} is not a time")
    return time


def _array(fields: Fields, name: str) -> list[object]:
    value = _field(fields, name)
    if not isinstance(value, list):
        raise wrong(name, value, "an array")
    return value


def numbers(fields: Fields, name: str) -> Pcm:
    """Read an array of numbers: float32[n], not yet sanitised."""
    values = _array(fields, name)
    for value in values:
        if type(value) not in (int, float):
            raise wrong(f"an element of {name}", value, "a number")
    with np.errstate(over="ignore"):  # a float64 beyond float32 is infinite, and sanitised later
        return np.asarray(values, np.float64).astype(np.float32)


def octets(fields: Fields, name: str) -> bytes:
    """Read an array of numbers from 0 to 255."""
    values = _array(fields, name)
    for value in values:
        if type(value) is not int or not 0 <= value < 256:
            raise wrong(f"an element of {name}", value, "an octet")
    return bytes(values)  # type: ignore[arg-type]  # octets, by the check above
