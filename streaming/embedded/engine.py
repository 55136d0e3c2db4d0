"""The embedded engine: speech to words in this process, with no network.

    async with EmbeddedEngine() as engine:
        async with engine.open() as recognizer:
            await recognizer.send(frame)       # one task
            async for event in recognizer:     # another

One engine holds each model at most once, and a fixed number of threads for all its streams.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Self

from streaming.audio import FRAME_MS, AudioFrame, Pcm
from streaming.embedded.models import Loaded, Model, installed
from streaming.embedded.scheduler import Scheduler
from streaming.embedded.segments import at_model_rate
from streaming.embedded.stream_job import Command, Ended, Item, ModelInUse, StreamWork
from streaming.errors import LanguageNotSupported, ModelError, RecognizerUnavailable
from streaming.recognizer import Capabilities, RecognizerEvent
from streaming.voice.silero import SileroVoiceActivity, VoiceActivity

BUFFER_MS = 30_000
"""Audio of a live stream that may wait for a thread before ``send`` blocks."""

_AHEAD_MS = 1_000  # the same if no decode is skipped: enough to keep the threads busy
_UNREAD = 2_000  # unread events at which the stream stops


class EmbeddedEngine:
    """The models, each loaded when it is first needed, and the threads that run them.

    models: in order of preference: a language takes the first that knows it; None for those that
    are installed. threads: decodes that run in parallel; None for one per processor.
    load_detector: each stream gets a detector of its own.
    vocabulary: names and terms, see ``vocabulary.entries``, that all streams are told from now on;
    a model that takes none does without.
    """

    def __init__(
        self,
        *,
        models: Sequence[Model] | None = None,
        threads: int | None = None,
        load_detector: Callable[[], VoiceActivity] = SileroVoiceActivity,
    ) -> None:
        self.threads = threads or os.cpu_count() or 1
        self._models = tuple(installed() if models is None else models)
        self.capabilities = _capabilities(self._models)
        self.vocabulary: Sequence[str] = ()
        self._scheduler = Scheduler(self.threads)
        self._load_detector = load_detector
        self._loading = threading.Lock()
        self._loaded: dict[str, Loaded] = {}  # by the model's name
        self._open: set[EmbeddedRecognizer] = set()
        self._skipped_before = 0  # by streams that have ended

    def model(self, language: str) -> Model:
        """Return the model that serves ``language``. Raises LanguageNotSupported."""
        for model in self._models:
            if model.knows(language):
                return model
        known = self.capabilities.languages
        raise LanguageNotSupported(
            f"the embedded engine knows {', '.join(known)} here, not {language!r}: {_advice(known)}"
        )

    def open(self, language: str = "en", *, live: bool = True) -> EmbeddedRecognizer:
        """Return a new stream, which begins when it is entered.

        live: if the machine is too slow, words are shown later and more at a time. Otherwise
        ``send`` waits, so that the words do not depend on the machine's speed or load, as files
        need it.
        Raises LanguageNotSupported.
        """
        return EmbeddedRecognizer(self, self.model(language), language, live=live)

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

    @property
    def tells_languages(self) -> bool:
        """Whether some model can tell which language a voice speaks."""
        return any(len(model.languages) > 1 for model in self._models)

    async def detect_language(self, pcm: Pcm, among: Sequence[str] = ()) -> Mapping[str, float]:
        """Return the probability of each language for a voice in float32[n] at 24 kHz.

        among: primary tags of the only languages that there can be; all if empty. Raises
        ModelError, RecognizerUnavailable.
        """
        model = max(self._models, key=lambda model: len(model.languages))

        def detect() -> Mapping[str, float]:
            return self._load(model).detect_language(at_model_rate(pcm), among)

        return await asyncio.to_thread(detect)

    def load(self, language: str = "en") -> Loaded:
        """Load the model for ``language`` unless it is loaded. Blocks.

        Raises LanguageNotSupported, RecognizerUnavailable.
        """
        return self._load(self.model(language))

    def _load(self, model: Model) -> Loaded:
        with self._loading:
            if model.name not in self._loaded:
                self._loaded[model.name] = model.load(self.threads)
            return self._loaded[model.name]

    def _new_work(self, stream: EmbeddedRecognizer) -> StreamWork:
        def in_use(model: Model) -> ModelInUse:
            policy = model.policy if stream.live else model.policy.for_files
            return self._load(model).speaking(stream.language), policy

        def choose(better: bool) -> ModelInUse:
            other = stream.model.in_bad_rooms
            if better and other is not None:
                # What is missing there is no reason to hear nothing.
                with suppress(RecognizerUnavailable):
                    return in_use(other)
            return in_use(stream.model)

        return StreamWork(
            choose, self._load_detector(), live=stream.live, deliver=stream.deliver,
            vocabulary=lambda: self.vocabulary,
        )  # fmt: skip

    def _begin(self, stream: EmbeddedRecognizer, work: StreamWork) -> None:
        self._scheduler.add(work)
        self._open.add(stream)

    def _end(self, stream: EmbeddedRecognizer, work: StreamWork) -> None:
        self._scheduler.remove(work)
        self._open.discard(stream)
        self._skipped_before += work.skipped


class EmbeddedRecognizer:
    """One stream of the embedded engine; made by ``EmbeddedEngine.open``.

    Word times come from the model's attention, good to a few tenths of a second.
    Iterating may raise ModelError, also if the engine is closed first.
    """

    def __init__(self, engine: EmbeddedEngine, model: Model, language: str, *, live: bool) -> None:
        self._engine = engine
        self.model = model
        self.capabilities = _capabilities((model,))
        self.language = language
        self.live = live
        self._work: StreamWork | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._out: deque[Item] = deque()
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._finished = False

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


def _capabilities(models: Sequence[Model]) -> Capabilities:
    serving = {tag: model for model in reversed(models) for tag in model.languages}
    languages = tuple(dict.fromkeys(tag for model in models for tag in model.languages))
    first_ms = models[0].delay_ms
    delays = ((tag, serving[tag].delay_ms) for tag in languages)
    others = tuple((tag, delay_ms) for tag, delay_ms in delays if delay_ms != first_ms)
    return Capabilities("embedded", languages, revises=True, delay_ms=first_ms, delays_ms=others)


def _advice(known: Sequence[str]) -> str:
    """What to do about a language that no model knows."""
    if len(known) > 1:
        return "CAPTIONER_MODEL may name a folder with another Whisper model"
    return "`captioner models --fetch` fetches a model of 99, or a Kyutai server may know it"
