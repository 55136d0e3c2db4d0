"""A recogniser and a model that follow a script: for our tests, eval and yours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Self

import numpy as np

from streaming.audio import FRAME_SAMPLES, AudioFrame, Pcm
from streaming.kyutai_server.batch import Flags, StepOutput
from streaming.kyutai_server.token_words import PADDING
from streaming.recognizer import (
    Capabilities,
    Dropped,
    Flushed,
    Heard,
    Pause,
    Recognizer,
    RecognizerEvent,
    Tail,
    Word,
    WordEnd,
)

_STARTS = 99  # silence is 0, so token 0 is encoded as 99


def time_of(event: RecognizerEvent) -> int:
    """Return the stream time of ``event``, in ms."""
    match event:
        case Word(start_ms=at) | Tail(start_ms=at) | Dropped(start_ms=at):
            return at
        case WordEnd(end_ms=at) | Pause(at_ms=at) | Heard(until_ms=at) | Flushed(at_ms=at):
            return at


class ScriptedRecognizer:
    """Gives each event of ``script`` once it has heard ``delay_ms`` past the event's time.

    ``flush`` and ``finish`` give what was heard without the delay. fail_at_ms: the iteration raises
    ``failure`` once it has heard this much. heard: the positions of the frames received.
    """

    def __init__(
        self,
        script: Iterable[RecognizerEvent],
        *,
        delay_ms: int = 0,
        fail_at_ms: int | None = None,
        failure: Exception | None = None,
    ) -> None:
        self._script = list(script)
        self._delay_ms = delay_ms
        self._fail_at_ms = fail_at_ms
        self._failure = failure
        self._heard_ms = 0
        self._out: asyncio.Queue[RecognizerEvent | Exception | None] = asyncio.Queue()
        self.heard: list[int] = []

    async def send(self, frame: AudioFrame) -> None:
        """Hear one frame."""
        self.heard.append(frame.position)
        self._heard_ms = frame.end_ms
        self._say(until_ms=self._heard_ms - self._delay_ms)
        if self._failure and self._fail_at_ms is not None and self._heard_ms >= self._fail_at_ms:
            self._out.put_nowait(self._failure)

    async def flush(self) -> None:
        """Give all events heard, then Flushed."""
        self._say(until_ms=self._heard_ms)
        self._out.put_nowait(Flushed(self._heard_ms))

    async def finish(self) -> None:
        """Give all events heard, then end."""
        self._say(until_ms=self._heard_ms)
        self._out.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while (event := await self._out.get()) is not None:
            if isinstance(event, Exception):
                raise event
            yield event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._out.put_nowait(None)

    def _say(self, *, until_ms: int) -> None:
        while self._script and time_of(self._script[0]) <= until_ms:
            self._out.put_nowait(self._script.pop(0))
        self._out.put_nowait(Heard(max(until_ms, 0)))


class ScriptedEngine:
    """Opens what ``opens`` makes, in any language."""

    def __init__(
        self,
        opens: Callable[[], Recognizer],
        capabilities: Capabilities | None = None,
    ) -> None:
        self._opens = opens
        self.capabilities = capabilities or Capabilities("scripted", ("en",), True, 0)

    def open(self, _language: str = "en", *, live: bool = True) -> Recognizer:
        """The next one."""
        return self._opens()


class Fragile:
    """Another recogniser, but iterating it raises ValueError, a bug, at the word ``at``."""

    def __init__(self, recognizer: Recognizer, *, at: str) -> None:
        self._recognizer = recognizer
        self._at = at

    async def send(self, frame: AudioFrame) -> None:
        """Hear one frame."""
        await self._recognizer.send(frame)

    async def flush(self) -> None:
        """Let go of what is held."""
        await self._recognizer.flush()

    async def finish(self) -> None:
        """No more audio."""
        await self._recognizer.finish()

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        async for event in self._recognizer:
            if isinstance(event, Word) and event.text == self._at:
                raise ValueError("a recogniser with a bug")
            yield event

    async def __aenter__(self) -> Self:
        await self._recognizer.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        await self._recognizer.__aexit__(*raised)


class ToyVocabulary:
    """A vocabulary of ``pieces``, numbered from 4; a leading "▁" stands for a space.

    The pieces "é-a" and "é-b" are the two halves of one character.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = list(pieces)

    def starts_word(self, token: int) -> bool:
        """Return whether this piece starts with a space."""
        return self.pieces[token - 4].startswith("▁")

    def text(self, tokens: Sequence[int]) -> str:
        """Return the joined pieces."""
        whole = "".join(self.pieces[token - 4] for token in tokens)
        whole = whole.replace("é-aé-b", "é").replace("é-a", "\ufffd").replace("é-b", "\ufffd")
        return whole.replace("▁", " ").strip()


def frame_of(token: int) -> Pcm:
    """Return 80 ms of audio that a ScriptedModel maps to ``token`` (0 to 98)."""
    return np.full(FRAME_SAMPLES, (token or _STARTS) / 100, np.float32)


class ScriptedModel:
    """Maps each frame to the token of ``frame_of``, and gives it ``delay_frames`` steps later.

    Like a real model it has state: a row that is not reset gives what the last stream left in it.
    Silence is padding. heads: pause heads, all at 0.9 in padding, else 0.1. fail_at: the step that
    raises ``failure``.
    """

    def __init__(
        self,
        *,
        vocabulary: ToyVocabulary,
        batch_size: int = 4,
        delay_frames: int = 2,
        heads: int = 0,
        fail_at: int | None = None,
        failure: Exception | None = None,
    ) -> None:
        self.vocabulary, self.batch_size, self.delay_frames = vocabulary, batch_size, delay_frames
        self._heads, self._fail_at, self._failure = heads, fail_at, failure
        self._steps = 0
        self._held = [self._fresh() for _ in range(batch_size)]

    def step(self, pcm: Pcm, active: Flags, reset: Flags) -> StepOutput:
        """Make a step; raise ``failure`` when it is due."""
        self._steps += 1
        if self._failure and self._steps == self._fail_at:
            raise self._failure
        tokens = np.full(self.batch_size, -2, np.int64)
        for row in range(self.batch_size):
            if reset[row]:
                self._held[row] = self._fresh()
            if active[row]:
                self._held[row].append(round(float(pcm[row, 0]) * 100) or PADDING)
                tokens[row] = self._held[row].pop(0) % _STARTS
        pauses = np.where(tokens == PADDING, 0.9, 0.1).astype(np.float32)
        return StepOutput(tokens, np.repeat(pauses[None], self._heads, axis=0))

    def _fresh(self) -> list[int]:
        return [PADDING] * self.delay_frames
