"""Who may have a recogniser now: so many voices at once, first come, first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from captioner import metrics


class Slots:
    """A number of recogniser streams that the tracks of this process share."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def full(self) -> bool:
        """Whether who asks now has to wait."""
        return self.taken >= self.limit

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
                self._queue.remove(turn)
            else:  # it was given to us and to nobody else
                self._release()
            raise

    def _release(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)  # the slot goes on to the next one
                return
        self.taken -= 1
