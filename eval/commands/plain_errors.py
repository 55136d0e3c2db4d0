"""Turns expected errors into one sentence, for every command of ``caption-eval``."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import click

from captioner.errors import CaptionerError
from eval.corpus.manifest import CorpusError
from eval.corpus.transcript_formats import FormatError
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
    """Report an expected error as one sentence on stderr, and exit with status 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except EXPECTED as error:
            click.echo(f"caption-eval: {error}", err=True)
            sys.exit(1)

    return run
