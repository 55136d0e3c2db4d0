"""Which recogniser captions a room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from captioner import metrics
from captioner.bot import Engine
from streaming.embedded import EmbeddedEngine


@asynccontextmanager
async def embedded(
    *, language: str, threads: int | None, live: bool = True
) -> AsyncIterator[Engine]:
    """The recogniser that needs no server.

    threads: None for one a processor. live: False for files, as fast as it goes.

    Raises LanguageNotSupported, RecognizerUnavailable.
    """
    async with EmbeddedEngine(threads=threads) as engine:
        engine.open(language)  # a language that it does not have is an error before the meeting
        await asyncio.to_thread(engine.load)
        metrics.DECODES_SKIPPED.set_function(lambda: engine.skipped_decodes)
        yield Engine("embedded", language, lambda: engine.open(language, live=live))
