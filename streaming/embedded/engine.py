"""The embedded engine: English speech to words in this process, with no network.

    async with EmbeddedEngine() as engine:
        async with engine.open() as recognizer:
            await recognizer.send(frame)       # one task
            async for event in recognizer:     # another

One engine holds one model and a fixed number of threads for all its streams.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Self

from streaming.audio import FRAME_MS, AudioFrame
from streaming.embedded.decoder import DecoderPolicy, StreamDecoder
from streaming.embedded.moonshine import Moonshine
from streaming.embedded.scheduler import Scheduler
from streaming.embedded.stream_job import Command, Ended, Item, SpeechModel, StreamWork
from streaming.errors import LanguageNotSupported, ModelError
from streaming.recognizer import Capabilities, RecognizerEvent
from streaming.voice.silero import SileroVoiceActivity, VoiceActivity

CAPABILITIES = Capabilities(engine="embedded", languages=("en",), revises=True, delay_ms=600)
"""What the embedded engine can do."""

BUFFER_MS = 30_000
"""Audio of a live stream that may wait for a thread before ``send`` blocks."""

_AHEAD_MS = 1_000  # the same if no decode is skipped: enough to keep the threads busy
_UNREAD = 2_000  # unread events at which the stream stops


class EmbeddedEngine:
    """The model, loaded when the first stream begins, and the threads that run it.

    threads: decodes that run in parallel; None for one per processor.
    load_model, load_detector: load them; each stream gets a detector of its own.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        policy: DecoderPolicy | None = None,
        load_model: Callable[[], SpeechModel] = Moonshine,
        load_detector: Callable[[], VoiceActivity] = SileroVoiceActivity,
    ) -> None:
        self._scheduler = Scheduler(threads or os.cpu_count() or 1)
        self._policy = policy or DecoderPolicy()
        self._load_model = load_model
        self._load_detector = load_detector
        self._loading = threading.Lock()
        self._model: SpeechModel | None = None
        self._open: set[EmbeddedRecognizer] = set()
        self._skipped_before = 0  # by streams that have ended

    @property
    def capabilities(self) -> Capabilities:
        """What this engine can do."""
        return CAPABILITIES

    def open(self, language: str = "en", *, live: bool = True) -> EmbeddedRecognizer:
        """Return a new stream, which begins when it is entered.

        live: if the machine is too slow, words are shown later and more at a time. Otherwise
        ``send`` waits, so that the words are the same on every machine, as files need it.
        Raises LanguageNotSupported.
        """
        if not CAPABILITIES.knows(language):
            raise LanguageNotSupported(
                f"the embedded engine knows English only, not {language!r}: "
                "French and others need a Kyutai server (engine `kyutai`)"
            )
        return EmbeddedRecognizer(self, live=live)

    async def close(self) -> None:
        """End the threads. Iterating an open stream raises ModelError after its events."""
        await asyncio.to_thread(self._scheduler.close)
        for stream in list(self._open):
            stream.deliver([ModelError("the engine was closed before the stream had ended")])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def streams(self) -> int:
        """The number of open streams."""
        return len(self._scheduler)

    @property
    def skipped_decodes(self) -> int:
        """Decodes of live streams skipped so far because no thread was free in time."""
        return self._skipped_before + sum(stream.skipped_decodes for stream in self._open)

    def load(self) -> None:
        """Load the model unless it is loaded. Blocks. Raises RecognizerUnavailable."""
        with self._loading:
            self._model = self._model or self._load_model()

    def _new_work(self, stream: EmbeddedRecognizer) -> StreamWork:
        self.load()
        assert self._model is not None
        decoder = StreamDecoder(self._load_detector(), self._policy)
        return StreamWork(self._model, decoder, live=stream.live, deliver=stream.deliver)

    def _begin(self, stream: EmbeddedRecognizer, work: StreamWork) -> None:
        self._scheduler.add(work)
        self._open.add(stream)

    def _end(self, stream: EmbeddedRecognizer, work: StreamWork) -> None:
        self._scheduler.remove(work)
        self._open.discard(stream)
        self._skipped_before += work.skipped


class EmbeddedRecognizer:
    """One stream of the embedded engine; made by ``EmbeddedEngine.open``.

    Word times are estimates, with errors of a few tenths of a second. Iterating may raise
    ModelError, also if the engine is closed first.
    """

    def __init__(self, engine: EmbeddedEngine, *, live: bool) -> None:
        self._engine = engine
        self.live = live
        self._work: StreamWork | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._out: deque[Item] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._finished = False

    @property
    def capabilities(self) -> Capabilities:
        """What this engine can do."""
        return CAPABILITIES

    @property
    def behind_ms(self) -> int:
        """Audio that was sent and not yet taken by a thread, in ms."""
        return len(self._work) * FRAME_MS if self._work is not None else 0

    @property
    def skipped_decodes(self) -> int:
        """Decodes skipped because no thread was free in time; 0 once the stream has ended."""
        return self._work.skipped if self._work is not None else 0

    async def send(self, frame: AudioFrame) -> None:
        """Take the next 80 ms. Waits while the stream is 30 s (live) or 1 s (not live) behind."""
        work = self._work
        most = (BUFFER_MS if self.live else _AHEAD_MS) // FRAME_MS
        while work is not None and work is self._work and len(work) >= most:
            self._room.clear()
            await self._room.wait()
        self._put(frame)

    async def flush(self) -> None:
        """Settle everything heard so far; answered by Flushed."""
        if not self._finished:
            self._put(Command.FLUSH)

    async def finish(self) -> None:
        """End the audio. Iteration ends once all its words were given."""
        if not self._finished:
            self._put(Command.FINISH)
            self._finished = True

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while True:
            while not self._out:
                self._ready.clear()
                await self._ready.wait()
            item = self._out.popleft()
            self._go_on()
            if isinstance(item, Ended):
                return
            if isinstance(item, ModelError):
                raise item
            yield item

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._work = await asyncio.to_thread(self._engine._new_work, self)
        self._engine._begin(self, self._work)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end()
        self._out.append(Ended.ENDED)
        self._ready.set()

    def deliver(self, items: list[Item]) -> None:
        """Hand over a thread's results; called by that thread."""
        loop = self._loop
        if loop is None or loop.is_closed():
            self._end()
            return
        loop.call_soon_threadsafe(self._accept, items)

    def _accept(self, items: list[Item]) -> None:
        if self._work is None:
            return
        self._out.extend(items)
        self._ready.set()
        self._room.set()
        if items and isinstance(items[-1], Ended | ModelError):
            self._end()
        elif len(self._out) > _UNREAD:
            self._work.stalled = True

    def _go_on(self) -> None:
        if self._work is not None and self._work.stalled and len(self._out) < _UNREAD // 2:
            self._work.stalled = False
            self._engine._scheduler.notify()

    def _put(self, item: AudioFrame | Command) -> None:
        if self._finished:
            raise ValueError("nothing can be sent after finish()")
        if self._work is not None:  # otherwise the stream has failed, and the iteration raises
            self._work.put(item)
            self._engine._scheduler.notify()

    def _end(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            self._engine._end(self, work)
        self._room.set()
