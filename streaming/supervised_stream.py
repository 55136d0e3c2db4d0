"""One voice's stream, which outlives its recognisers.

Audio is kept until a recogniser has dealt with it. When a recogniser fails, falls silent, or makes
no words of voice, the next one hears again whatever is not yet words, and no word is given twice
(``streaming/replay.py`` has the rule). Engines are tried in order: if the first cannot be had in
time the next one stands in, and gives the stream back in a pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Self

from prometheus_client import Counter, Gauge

from streaming.audio import AudioFrame
from streaming.errors import ModelError, RecognizerError
from streaming.recognizer import Capabilities, Engine, Recognizer, RecognizerEvent
from streaming.stream_state import Ask, StreamPolicy, StreamState

__all__ = ["StreamPolicy", "SupervisedStream"]

RESTARTS = Counter("asr_client_restarts", "Times a stream went on with a new connection.")
SEARCHING = Gauge("asr_client_searching", "Streams that look for a server, and hear nothing.")
STAND_INS = Gauge("asr_client_stand_ins", "Streams that a stand-in has while no server answers.")
DROPPED_MS = Counter(
    "asr_client_dropped_milliseconds", "Sound that no server took within the time it is kept."
)

_FAILURES = (RecognizerError, ModelError)

_UNREAD = 2_000  # unread events, above which no more are taken from the recogniser
_PROBE_S = 60.0  # at most, for an engine that opens and then fails each time
_AHEAD = 25  # unsent frames, above which a stream that is not live waits


class SupervisedStream:
    """Turns one voice's frames into events, with as many recognisers as that takes.

    engines: in order of preference; all but the first are skipped if they do not know ``language``.
    live: audio that no recogniser takes in time is dropped, and reported by Dropped; otherwise
    ``send`` waits. on_failure: called with the error that left the stream without a recogniser.
    capabilities: of the current engine, once it has answered; otherwise None. restarts: how many
    recognisers took over from one that failed.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        language: str = "en",
        *,
        live: bool = True,
        policy: StreamPolicy | None = None,
        on_failure: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        first, *others = engines
        self._engines = [first, *(e for e in others if e.capabilities.knows(language))]
        self._language = language
        self._live = live
        self._policy = policy or StreamPolicy()
        self._on_failure = on_failure
        self._state = StreamState(self._policy)
        self._engine = first
        self._open = AsyncExitStack()  # holds the current recogniser
        self._first_is_back = False
        self._probe_s = self._policy.probe_s
        self._out: asyncio.Queue[RecognizerEvent | BaseException | None] = asyncio.Queue()
        self._wake = asyncio.Event()  # there is something to send
        self._sent = asyncio.Event()  # something was sent
        self._read = asyncio.Event()  # an event was read
        self._running: asyncio.Task[None] | None = None
        self.capabilities: Capabilities | None = None
        self.restarts = 0

    @property
    def dropped_ms(self) -> int:
        """Audio that no recogniser has heard, or will hear."""
        return self._state.replay.dropped_ms

    @property
    def voice_ms(self) -> int:
        """Voice heard since the last word."""
        return self._state.replay.voice_ms

    async def send(self, frame: AudioFrame) -> None:
        """Take the next 80 ms. Waits for a recogniser only if the stream is not live."""
        if self._state.finished:
            raise ValueError("nothing can be sent after finish()")
        while not self._live and self._state.replay.unsent >= _AHEAD and not self._is_over:
            self._sent.clear()
            await self._sent.wait()
        dropped_ms = self.dropped_ms
        self._state.replay.add(frame)
        DROPPED_MS.inc(self.dropped_ms - dropped_ms)
        self._wake.set()

    async def flush(self) -> None:
        """Let go of what is held; answered by Flushed."""
        self._ask(Ask.FLUSH)

    async def finish(self) -> None:
        """No more audio: iteration ends when everything heard has been said."""
        self._ask(Ask.FINISH)

    async def __aiter__(self) -> AsyncIterator[RecognizerEvent]:
        while (item := await self._out.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            self._read.set()
            yield item

    async def __aenter__(self) -> Self:
        """Open a recogniser if patience is finite; raises what the first engine raises."""
        began = None if self._policy.insists else await self._try_each()
        self._running = asyncio.create_task(self._run(began))
        self._running.add_done_callback(self._end)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._open.aclose()

    def _end(self, running: asyncio.Task[None]) -> None:
        self._out.put_nowait(None if running.cancelled() else running.exception())
        self._sent.set()

    @property
    def _is_over(self) -> bool:
        return self._running is not None and self._running.done()

    def _ask(self, what: Ask) -> None:
        self._state.ask(what)
        self._wake.set()

    async def _run(self, recognizer: Recognizer | None) -> None:
        """Use one recogniser after another, until all is said or none can be had."""
        while True:
            failure = await self._speak(recognizer or await self._search())
            await self._open.aclose()
            recognizer = self.capabilities = None
            if failure is None and not self._state.left:
                return
            # A server frees the slot of a speaker who is silent for minutes; nothing is lost.
            while not self._state.has_work:
                self._wake.clear()
                await self._wake.wait()
            if failure is not None:
                wait_s = self._fail(failure)
                self.restarts += 1
                RESTARTS.inc()
                await asyncio.sleep(wait_s)

    async def _search(self) -> Recognizer:
        with SEARCHING.track_inprogress():
            while True:
                try:
                    return await self._try_each()
                except _FAILURES as exc:
                    wait_s = self._fail(exc)
                await asyncio.sleep(wait_s)

    def _fail(self, failure: Exception) -> float:
        alone_s = 0.0 if self.stands_in else self._policy.handover_s
        wait_s = self._state.fail(failure, _now(), alone_s=alone_s)
        if not wait_s:
            self._on_failure(failure)
        return wait_s

    async def _try_each(self) -> Recognizer:
        """Open a recogniser of the first engine that has one; raises what the first raises."""
        first, *others = self._engines
        engines = [first] if self._state.is_alone(_now()) else [first, *others]
        if self._state.is_stuck(_now()) and not self.stands_in:  # it may open and fail each time
            engines = [*others, first]
        faults: list[Exception] = []
        for engine in engines:
            try:
                opened = engine.open(self._language, live=self._live)
                recognizer = await self._open.enter_async_context(opened)
            except _FAILURES as exc:
                faults.append(exc)
                continue
            self._engine = engine
            if self.stands_in:
                STAND_INS.inc()
                self._open.callback(STAND_INS.dec)
            return recognizer
        raise faults[0]

    async def _speak(self, recognizer: Recognizer) -> Exception | None:
        """Return the failure after which another recogniser must take over, if any."""
        dropped_ms = self.dropped_ms
        self._state.begin(_now())
        DROPPED_MS.inc(self.dropped_ms - dropped_ms)
        self._first_is_back = False
        failure: Exception | None = None
        work = [self._talk(recognizer)]
        if self._engine.capabilities.remote:
            work.append(self._watch())
        if self.stands_in:
            work.append(self._probe())
        try:
            async with asyncio.TaskGroup() as tasks:
                beside = [tasks.create_task(one) for one in work]
                await self._listen(recognizer)
                for task in beside:
                    task.cancel()
        except* _FAILURES as failures:
            failure = failures.exceptions[0]
        if not self.stands_in:
            progressed = self._state.progressed
            self._probe_s = self._policy.probe_s if progressed else min(self._probe_s * 2, _PROBE_S)
        return failure

    async def _talk(self, recognizer: Recognizer) -> None:
        while True:
            self._wake.clear()
            while (item := self._state.next()) is not None:
                if isinstance(item, AudioFrame):
                    await recognizer.send(item)
                else:
                    await (recognizer.finish() if item is Ask.FINISH else recognizer.flush())
                self._sent.set()
            await self._wake.wait()

    async def _listen(self, recognizer: Recognizer) -> None:
        async for event in recognizer:
            self.capabilities = self._engine.capabilities.speaking(self._language)
            for told in self._state.take(event, _now()):
                self._out.put_nowait(told)
            if self._state.left:
                return
            if self._first_is_back and self._state.can_leave(event):
                self._ask(Ask.LEAVE)
            if self._engine.capabilities.remote:
                self._state.check(self._engine.capabilities, _now())
            while self._out.qsize() >= _UNREAD:
                self._read.clear()
                await self._read.wait()

    async def _watch(self) -> None:
        """Raise ConnectionLost once the server is silent."""
        while True:
            await asyncio.sleep(self._policy.silent_s / 4)
            self._state.check(self._engine.capabilities, _now())

    async def _probe(self) -> None:
        """Check whether the first engine is back."""
        while not self._first_is_back:
            await asyncio.sleep(self._probe_s)
            with suppress(*_FAILURES):
                async with self._engines[0].open(self._language, live=self._live):
                    self._first_is_back = True

    @property
    def stands_in(self) -> bool:
        """Whether the current engine replaces the first one."""
        return self._engine is not self._engines[0]


def _now() -> float:
    return asyncio.get_running_loop().time()
