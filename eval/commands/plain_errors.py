"""Turns expected errors into one sentence, for every command of ``caption-eval``."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from captioner.commands.options import reporting
from captioner.errors import CaptionerError
from eval.corpus.manifest import CorpusError
from eval.corpus.transcript import FormatError
from eval.observation import ObservationError
from eval.runs.browser import NoBrowser
from eval.runs.watch import WatchFailed
from streaming.errors import StreamingError

P = ParamSpec("P")

EXPECTED = (
    ObservationError, FormatError, CorpusError, WatchFailed, NoBrowser, CaptionerError,
    StreamingError,
)  # fmt: skip


def plainly(command: Callable[P, None]) -> Callable[P, None]:
    """Report what the commands of ``caption-eval`` expect to go wrong."""
    return reporting(*EXPECTED)(command)
