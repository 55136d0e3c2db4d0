"""What each peer's program does, in its own environment: hear float32 on stdin, tell what it shows.

A program tells its sample rate once it is ready, then one JSON object a line whenever a line of
text of its own changes. It ends when stdin ends.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import numpy as np

BLOCK_S = 0.08


def blocks(rate: int) -> Iterator[np.ndarray]:
    """Say that the model is loaded; give float32[n] at ``rate`` as it comes, in real time."""
    print(json.dumps({"rate": rate}), flush=True)
    size = round(rate * BLOCK_S) * 4
    while data := sys.stdin.buffer.read(size):
        yield np.frombuffer(data, np.float32)


class Shown:
    """Tells changes alone."""

    def __init__(self) -> None:
        self._before: dict[str, str] = {}

    def show(self, line: str, text: str) -> None:
        """The line ``line`` now reads ``text``; "" if there is none."""
        text = " ".join(text.split())
        if self._before.get(line, "") != text:
            self._before[line] = text
            print(json.dumps({"line": line, "text": text}), flush=True)
