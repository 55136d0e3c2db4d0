"""Shows a run's progress and remaining time: a bar, or lines without a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

Progress = Callable[[float, str], None]
"""Called with the seconds of audio that are done, and the name of the current clip."""

EVERY_S = 10.0
"""Seconds between lines."""


@contextmanager
def progress_of(
    seconds: float, *, stream: TextIO, clock: Callable[[], float] = time.monotonic
) -> Iterator[Progress]:
    """Give the progress of a run of ``seconds`` of audio: a bar on a terminal, else some lines."""
    if not stream.isatty():
        yield _lines(seconds, stream, clock)
        return
    length = max(round(seconds), 1)
    with click.progressbar(
        length=length, label="Playing", file=stream, show_eta=True,
        item_show_func=lambda name: name or "",
    ) as bar:  # fmt: skip
        yield lambda done_s, name: bar.update(min(round(done_s), length) - bar.pos, name)


def _lines(seconds: float, stream: TextIO, clock: Callable[[], float]) -> Progress:
    began = clock()
    told_s = began - EVERY_S

    def progress(done_s: float, name: str) -> None:
        nonlocal told_s
        now = clock()
        if now - told_s < EVERY_S:
            return
        told_s = now
        left = ""
        if done_s >= 1 and now - began >= EVERY_S:  # earlier it would be a guess
            left = f", {_minutes((seconds - done_s) * (now - began) / done_s)} left"
        click.echo(
            f"Playing {_minutes(done_s)} of {_minutes(seconds)} of sound{left}: {name}", stream
        )

    return progress


def _minutes(seconds: float) -> str:
    """Format as 3:07."""
    whole = max(round(seconds), 0)
    return f"{whole // 60}:{whole % 60:02}"
