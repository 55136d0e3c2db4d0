"""A recogniser that says what it is told: for our tests, eval's and yours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import Self

from streaming.audio import AudioFrame
from streaming.recognizer import (
    Capabilities,
    Flushed,
    Heard,
    Pause,
    RecognizerEvent,
    Tail,
    Word,
    WordEnd,
)


def time_of(event: RecognizerEvent) -> int:
    """The stream time in ms that ``event`` speaks of."""
    match event:
        case Word(start_ms=at) | Tail(start_ms=at):
            return at
        case WordEnd(end_ms=at) | Pause(at_ms=at) | Heard(until_ms=at) | Flushed(at_ms=at):
            return at


class ScriptedRecognizer:
    """Says each event of ``script`` once it has heard ``delay_ms`` past the event's time.

    ``flush`` and ``finish`` give what was heard without the delay. ``fail_at_ms``: raises
    ``failure`` from the iteration once it has heard so much. ``heard`` keeps the positions of
    the frames that it was sent.
    """

    def __init__(
        self,
        script: Iterable[RecognizerEvent],
        *,
        delay_ms: int = 0,
        fail_at_ms: int | None = None,
        failure: Exception | None = None,
        languages: Sequence[str] = ("en",),
    ) -> None:
        self._script = list(script)
        self._delay_ms = delay_ms
        self._fail_at_ms = fail_at_ms
        self._failure = failure
        self._heard_ms = 0
        self._out: asyncio.Queue[RecognizerEvent | Exception | None] = asyncio.Queue()
        self.capabilities = Capabilities("scripted", tuple(languages), True, delay_ms)
        self.heard: list[int] = []

    async def send(self, frame: AudioFrame) -> None:
        """Hear one frame."""
        self.heard.append(frame.position)
        self._heard_ms = frame.end_ms
        self._say(until_ms=self._heard_ms - self._delay_ms)
        if self._failure and self._fail_at_ms is not None and self._heard_ms >= self._fail_at_ms:
            self._out.put_nowait(self._failure)

    async def flush(self) -> None:
        """Say all that was heard, then Flushed."""
        self._say(until_ms=self._heard_ms)
        self._out.put_nowait(Flushed(self._heard_ms))

    async def finish(self) -> None:
        """Say all that was heard, then end."""
        self._say(until_ms=self._heard_ms)
        self._out.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while (event := await self._out.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.put_nowait(None)

    def _say(self, *, until_ms: int) -> None:
        while self._script and time_of(self._script[0]) <= until_ms:
            self._out.put_nowait(self._script.pop(0))
        self._out.put_nowait(Heard(max(until_ms, 0)))
