"""Who may have a recogniser now: so many voices at once, first come, first served."""

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
        """How many there are. When there are fewer, those that are taken are given back first."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._hand_on()

    @property
    def full(self) -> bool:
        """Whether who asks now has to wait."""
        return self.taken >= self._limit

    @property
    def waiting(self) -> int:
        """How many wait: who has a slot and says nothing should let go of it."""
        return len(self._queue)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """A slot for as long as the context lasts; waits for one."""
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
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # passed over already
                    self._queue.remove(turn)
            else:  # it was given to us and to nobody else
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
