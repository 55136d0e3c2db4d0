"""The step loop: streams on the event loop, the model in a thread of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from streaming.audio import Pcm
from streaming.errors import ModelError
from streaming.kyutai_server import metrics
from streaming.kyutai_server.batch import Batch, BatchedModel, Step, StepOutput, Ticket
from streaming.kyutai_server.client_stream import Answer
from streaming.kyutai_server.step_pacing import Pace
from streaming.kyutai_server.token_words import WordSaid

OUTBOX_MAX = 512
"""Answers queued for a client that does not read: about 20 s of Steps and words."""

_POLL_S = 0.02  # how often a waiting Marker is checked


@dataclass(slots=True, eq=False)
class Seat:
    """One client's slot, and the answers queued for it.

    moves: whether its client goes on elsewhere when it is sent away.
    ended: why the server ended the stream; None while it runs.
    """

    ticket: Ticket
    key: int
    abort: Callable[[], None]
    moves: bool = False
    ended: str | None = None
    _answers: asyncio.Queue[Answer | None] = field(
        default_factory=lambda: asyncio.Queue(OUTBOX_MAX + 1)
    )

    def tell(self, answers: list[Answer]) -> None:
        """Queue ``answers``; a client that does not read them is disconnected."""
        if self.ended is not None:
            return
        if self._answers.qsize() + len(answers) > OUTBOX_MAX:
            metrics.ENDED.labels("does not read").inc()
            self.end("you do not read what is sent to you")
            self.abort()
            return
        for answer in answers:
            self._answers.put_nowait(answer)

    def end(self, reason: str) -> None:
        """Accept no more answers; queued ones are still sent."""
        if self.ended is None:
            self.ended = reason
            self._answers.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Answer]:
        while (answer := await self._answers.get()) is not None:
            yield answer


class StepLoop:
    """Runs the model's steps for all seats. All but the model runs on the event loop."""

    def __init__(
        self,
        model: BatchedModel,
        *,
        admit_when_slow: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.batch = Batch(
            batch_size=model.batch_size,
            delay_frames=model.delay_frames,
            vocabulary=model.vocabulary,
        )
        self.pace = Pace(clock())
        self.draining = False
        self._admit_when_slow = admit_when_slow
        self._model = model
        self._clock = clock
        self._seats: dict[Ticket, Seat] = {}
        self._wake = asyncio.Event()
        self._stepped = asyncio.Event()
        self._left = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        metrics.SLOTS.set(model.batch_size)

    def admit(
        self, key: int, abort: Callable[[], None], *, per_key: int, moves: bool = False
    ) -> Seat | None:
        """Return a seat for a client with key number ``key``, or None if there is none."""
        reason = self._refusal(key, per_key)
        ticket = None if reason else self.batch.admit()
        if ticket is None:
            metrics.REFUSED.labels(reason or "no free slot").inc()
            return None
        seat = self._seats[ticket] = Seat(ticket, key, abort, moves)
        metrics.ADMITTED.inc()
        metrics.STREAMS.set(len(self._seats))
        return seat

    def leave(self, seat: Seat) -> None:
        """Give the seat back. May be called twice."""
        self._seats.pop(seat.ticket, None)
        self.batch.release(seat.ticket)
        metrics.STREAMS.set(len(self._seats))
        self._wake.set()
        self._left.set()

    async def feed(self, seat: Seat, pcm: Pcm) -> None:
        """Take float32[n]; wait while this stream's queue is full."""
        await self._room(seat)
        self.batch.feed(seat.ticket, pcm, now=self._clock())
        self._wake.set()

    async def mark(self, seat: Seat, mark_id: int) -> None:
        """Take a Marker; wait like ``feed``."""
        await self._room(seat)
        self.batch.mark(seat.ticket, mark_id)
        self._wake.set()

    def fault(self) -> str | None:
        """Return why this server should get no streams, or None."""
        return "it is about to stop" if self.draining else self.pace.fault(self._clock())

    async def run(self) -> None:
        """Run steps until cancelled. Raises ModelError, after telling all clients."""
        try:
            while True:
                await self._until_due()
                await self._step()
        except ModelError:
            self.end_all("the model failed")
            raise
        finally:
            self._thread.shutdown(wait=False)

    async def drain(self, within_s: float) -> None:
        """Admit no more clients. Those that can move end now, the others within ``within_s``."""
        self.draining = True
        for seat in self._seats.values():
            if seat.moves:
                seat.end("the server stops")
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self.empty()
        self.end_all("the server stops")

    async def empty(self) -> None:
        """Wait until all seats are free."""
        while self._seats:
            self._left.clear()
            await self._left.wait()

    def end_all(self, reason: str) -> None:
        """End every stream."""
        self.draining = True
        for seat in self._seats.values():
            metrics.ENDED.labels(reason).inc()
            seat.end(reason)

    def _refusal(self, key: int, per_key: int) -> str | None:
        if self.draining:
            return "draining"
        if sum(seat.key == key for seat in self._seats.values()) >= per_key:
            return "key has enough"
        slow = self._seats and self.pace.overloaded and not self._admit_when_slow
        return "overloaded" if slow else None

    async def _room(self, seat: Seat) -> None:
        while self.batch.is_full(seat.ticket) and seat.ended is None:
            await self._stepped.wait()

    async def _until_due(self) -> None:
        while True:
            now = self._clock()
            wait = self.pace.due(self.batch.demand(now)) - now
            if wait <= 0:
                return
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(wait, _POLL_S) if self.batch.marks_wait() else wait):
                    await self._wake.wait()

    async def _step(self) -> None:
        began = self._clock()
        step = self.batch.gather(began)
        loop = asyncio.get_running_loop()
        output, cost = await loop.run_in_executor(self._thread, self._timed, step)
        for ticket, answers in self.batch.route(step, output):
            metrics.WORDS.inc(sum(isinstance(answer, WordSaid) for answer in answers))
            self._seats[ticket].tell(answers)
        self._stepped.set()
        self._stepped = asyncio.Event()
        ended = self._clock()
        self.pace.record(began, ended)
        metrics.STEPS.inc()
        metrics.STEP_SECONDS.observe(cost)
        metrics.OVERHEAD_SECONDS.observe(ended - began - cost)

    def _timed(self, step: Step) -> tuple[StepOutput, float]:
        began = self._clock()
        output = self._model.step(step.pcm, step.active, step.reset)
        return output, self._clock() - began
