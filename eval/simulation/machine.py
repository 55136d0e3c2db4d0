"""The machine under a simulated bot: its disk, its clock, its processors. Linux only."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from captioner.errors import ConfigurationError

DISK_BYTES = 32 * 1_048_576
BURNERS = 4
"""Processes that compete with a starved one for its only processor."""

_LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")
_BURN = "while True: pass"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has of the machine."""

    rss_mb: float
    files: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Raises OSError if there is no such process."""
        status = Path(f"/proc/{pid}/status").read_text()
        facts = dict(line.split(":", 1) for line in status.splitlines())
        rss_kb = int(facts["VmRSS"].split()[0]) if "VmRSS" in facts else 0
        return cls(rss_kb / 1024, len(os.listdir(f"/proc/{pid}/fd")), int(facts["Threads"]))


class SmallDisk:
    """A file system of DISK_BYTES at ``folder``, which can be filled. Making one takes root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            _run("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self.folder))
        except (OSError, subprocess.CalledProcessError) as exc:
            raise ConfigurationError("a soak fills a disk of its own: run it as root") from exc
        return self

    def __exit__(self, *_: object) -> None:
        _run("umount", "--lazy", str(self.folder))

    def fill(self) -> None:
        """Leave no byte free."""
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def empty(self) -> None:
        """Make room again."""
        (self.folder / "ballast").unlink(missing_ok=True)


class MovableClock:
    """The wall clock of processes with this ``environment``; it starts right. Needs libfaketime."""

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
            # Else it lets threads of WebRTC spin that wait by the monotonic clock.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }
        self.offset_s = 0
        self.set(0)

    def set(self, offset_s: int) -> None:
        """Let it be that much ahead of the real one."""
        self.offset_s = offset_s
        part = self._file.with_suffix(".part")
        part.write_text(f"{offset_s:+d}\n")
        part.replace(self._file)


def clock_library() -> Path:
    """Return libfaketime. Raises ConfigurationError."""
    found = (path for pattern in _LIBRARIES for path in Path("/").glob(pattern[1:]))
    if (library := next(found, None)) is None:
        raise ConfigurationError("a soak moves clocks: install libfaketime (Debian has it)")
    return library


@asynccontextmanager
async def starved(pid: int) -> AsyncIterator[None]:
    """A process that has to share one processor with BURNERS others."""
    everywhere = os.sched_getaffinity(pid)
    one = {min(everywhere)}
    burners = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _BURN) for _ in range(BURNERS)
    ]
    try:
        for each in (pid, *(burner.pid for burner in burners)):
            _pin(each, one)
        yield
    finally:
        _pin(pid, everywhere)
        for burner in burners:
            burner.kill()
            await burner.wait()


@asynccontextmanager
async def stopped(*pids: int) -> AsyncIterator[None]:
    """Processes that stand still."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _pin(pid: int, processors: set[int]) -> None:
    for thread in _threads(pid):
        with suppress(OSError):  # it has ended
            os.sched_setaffinity(thread, processors)


def _threads(pid: int) -> Iterator[int]:
    with suppress(OSError):
        yield from map(int, os.listdir(f"/proc/{pid}/task"))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
