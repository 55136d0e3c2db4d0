"""Calls a state store, which blocks, in a thread of its own."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from captioner.controls.state_store import StateStore

T = TypeVar("T")


class StoreThread:
    """Calls a store, one call after the other, in a thread that does not hold up the process."""

    def __init__(self, store: StateStore) -> None:
        self.pseudonym = store.pseudonym
        self._store = store
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, act: Callable[[StateStore], T]) -> concurrent.futures.Future[T]:
        """Call it when those before are done. Starts the thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="store", daemon=True)
            self._thread.start()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def call() -> None:
            try:
                future.set_result(act(self._store))
            except Exception as exc:  # it belongs to whoever waits
                future.set_exception(exc)

        self._calls.put(call)
        return future

    def close(self) -> None:
        """Take no more."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
