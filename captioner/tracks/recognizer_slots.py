"""Limits how many voices have a recogniser at once, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from captioner import metrics


class Slots:
    """A number of recogniser streams that the tracks of this process share."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """The number of slots. If it decreases, slots in use are released first."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._hand_on()

    @property
    def full(self) -> bool:
        """Whether a new request has to wait."""
        return self.taken >= self._limit

    @property
    def waiting(self) -> int:
        """The number of waiting requests, for which silent holders should release their slots."""
        return len(self._queue)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for as long as the context lasts."""
        await self._acquire()
        metrics.SLOTS.inc()
        try:
            yield
        finally:
            metrics.SLOTS.dec()
            self._release()

    async def _acquire(self) -> None:
        if not self.full:
            self.taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            with metrics.VOICES_WAITING.track_inprogress():
                await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # skipped already
                    self._queue.remove(turn)
            else:  # the slot was given to us
                self._release()
            raise

    def _release(self) -> None:
        self.taken -= 1
        self._hand_on()

    def _hand_on(self) -> None:
        while self._queue and not self.full:
            turn = self._queue.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)
