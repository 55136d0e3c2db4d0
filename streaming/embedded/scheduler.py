"""Runs all streams of the process on a fixed number of threads, the most urgent first."""

from __future__ import annotations

import threading
from typing import Protocol


class Job(Protocol):
    """A stream with work to do. At most one thread at a time works for a job."""

    def urgency(self) -> float | None:
        """Return its priority, or None while there is nothing to do. Called under a lock."""
        ...

    def work(self) -> None:
        """Do one piece of work. Must not raise."""
        ...


class Scheduler:
    """Repeatedly gives a thread to the most urgent job.

    Threads start with the first job and end with ``close``. They do not keep the process alive.
    """

    def __init__(self, threads: int) -> None:
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._jobs: set[Job] = set()
        self._busy: set[Job] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """Schedule ``job`` from now on."""
        with self._changed:
            if self._closed:
                raise RuntimeError("the engine is closed")
            self._jobs.add(job)
            while len(self._threads) < self._count:
                name = f"embedded-{len(self._threads)}"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def remove(self, job: Job) -> None:
        """Stop scheduling ``job``, without waiting for work in progress."""
        with self._changed:
            self._jobs.discard(job)

    def notify(self) -> None:
        """Reconsider urgencies, of which one has changed."""
        with self._changed:
            self._changed.notify()

    def close(self) -> None:
        """End the threads, each after its current work."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (job := self._take()) is not None:
            job.work()
            with self._changed:
                self._busy.discard(job)
                self._changed.notify()
            del job  # free an ended stream now, not when this thread has work again

    def _take(self) -> Job | None:
        with self._changed:
            while not self._closed:
                job = self._most_urgent()
                if job is not None:
                    self._busy.add(job)
                    return job
                self._changed.wait()
            return None

    def _most_urgent(self) -> Job | None:
        best: Job | None = None
        highest = 0.0
        for job in self._jobs - self._busy:
            urgency = job.urgency()
            if urgency is not None and (best is None or urgency > highest):
                best, highest = job, urgency
        return best
