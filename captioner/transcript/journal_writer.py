"""Writes a journal in two threads, so that captions never wait for a disk.

One adds records; the other syncs them to the disk, and updates the WebVTT file.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from captioner import metrics
from captioner.transcript.journal_file import JournalFile
from captioner.transcript.records import Record, Said

QUEUE_MAX = 10_000
"""Records queued for a slow disk: hours of speech."""

GRACE_S = 0.02
"""A cue is in the journal before it is sent, unless the disk takes longer than this."""

SHOW_S = 0.7
"""Interval of checks for new records; with the time to write them, less than a second."""

ANSWER_S = 5.0
"""How long a request waits for the disk."""

CLOSE_S = 5.0


@dataclass(slots=True)
class _Item:
    record: Record
    added: threading.Event = field(default_factory=threading.Event)
    on_disk: asyncio.Future[None] | None = None


class JournalWriter:
    """Writes ``file`` from ``start`` to ``close``. Make it in the event loop.

    failed: called in the loop when the disk fails; nothing is written after that.
    lost: cues that were passed on and are not in the journal.
    """

    def __init__(self, file: JournalFile, *, failed: Callable[[OSError], None]) -> None:
        self.file = file
        self.lost = 0
        self._loop = asyncio.get_running_loop()
        self._failed = failed
        self._failure: OSError | None = None
        self._queue: queue.Queue[_Item | None] = queue.Queue(QUEUE_MAX)
        self._behind = False
        self._new = threading.Event()
        self._hurry = threading.Event()
        self._closing = False
        self._asked: list[asyncio.Future[None]] = []
        self._guard = threading.Lock()  # of _asked, lost and _failure
        self._threads = [
            threading.Thread(target=work, name=work.__name__, daemon=True)
            for work in (self._add, self._bring)
        ]

    def start(self) -> Self:
        """Start its threads."""
        for thread in self._threads:
            thread.start()
        return self

    def put(self, record: Record) -> None:
        """Pass on a record; when this returns it is in the journal, unless the disk is slow."""
        item = _Item(record)
        if self._hand_over(item) and not self._behind and not item.added.wait(GRACE_S):
            self._behind = True
            metrics.TRANSCRIPT_SLOW.inc()

    async def on_disk(self, record: Record) -> None:
        """Pass on a record, and wait until it survives a power cut.

        Raises OSError, or TimeoutError after ANSWER_S.
        """
        item = _Item(record, on_disk=self._loop.create_future())
        assert item.on_disk is not None
        if not self._hand_over(item):
            raise TimeoutError
        self._hurry.set()
        async with asyncio.timeout(ANSWER_S):
            await item.on_disk

    async def brought(self) -> None:
        """Wait until the WebVTT file has what the journal has, which a killed writer left behind.

        Raises OSError, or TimeoutError after ANSWER_S.
        """
        done = self._loop.create_future()
        with self._guard:
            self._asked.append(done)
        self._hurry.set()
        self._new.set()
        async with asyncio.timeout(ANSWER_S):
            await done

    def close(self) -> None:
        """Write the remaining records, and close the journal. Blocks for at most CLOSE_S."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=CLOSE_S)
        self._threads[0].join(CLOSE_S)
        self._closing = True
        self._hurry.set()
        self._new.set()
        self._threads[1].join(CLOSE_S)
        if not any(thread.is_alive() for thread in self._threads):
            self.file.close()
        else:
            metrics.TRANSCRIPT_LOST.inc(self._queue.qsize())

    def _hand_over(self, item: _Item) -> bool:
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._lose(item.record)
            return False
        return True

    def _add(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self.file.append(item.record)
                except OSError as exc:
                    self._fail(exc)
            if self._failure is not None:
                self._lose(item.record)
            item.added.set()
            self._behind = self._behind and not self._queue.empty()
            if item.on_disk is not None:
                with self._guard:
                    self._asked.append(item.on_disk)
                self._hurry.set()
            self._new.set()

    def _bring(self) -> None:
        while True:
            self._new.wait()
            self._new.clear()
            self._hurry.clear()
            closing = self._closing  # after clear, because close() sets it before _new
            with self._guard:
                asked, self._asked = self._asked, []
            try:
                if self._failure is None:
                    self.file.sync()
                    self.file.show()
            except OSError as exc:
                self._fail(exc)
            for future in asked:
                self._loop.call_soon_threadsafe(_settle, future, self._failure)
            if closing:
                return
            self._hurry.wait(SHOW_S)

    def _fail(self, exc: OSError) -> None:
        with self._guard:
            first, self._failure = self._failure is None, self._failure or exc
        if first:
            self._loop.call_soon_threadsafe(self._failed, exc)

    def _lose(self, record: Record) -> None:
        if isinstance(record, Said) and record.closed:
            with self._guard:
                self.lost += 1
            metrics.TRANSCRIPT_LOST.inc()


def _settle(future: asyncio.Future[None], failure: OSError | None) -> None:
    if future.done():
        return  # the caller has stopped waiting
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)
