"""A meeting's journal on disk, and the WebVTT file beside it. Blocks: call it from a thread.

    budget-2026-11-22.journal    appended line by line; locked while a bot writes
    budget-2026-11-22.vtt        replaced as a whole, at most a second behind

Both are readable by their owner only.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from captioner.atomic_file import sync_folder, write_files
from captioner.transcript.records import Forgotten, Minutes, Opened, Record, encode, read

JOURNAL = ".journal"
OWNER_ONLY = 0o600
STEP_NS = 1_000
"""Finer than this some file systems do not keep times."""

MEETINGS_MAX = 1_000
"""Meetings of one name: budget, budget-2, budget-3…"""


class Busy(OSError):
    """Another process writes this journal."""


class NamesTaken(OSError):
    """The limit of transcripts with this name is reached."""


class JournalFile:
    """A journal that is being written. Made by ``open``; every method may raise OSError.

    ``minutes`` has its contents; the journal's lock guards it where threads share it.
    """

    def __init__(self, path: Path, fd: int, minutes: Minutes, size: int) -> None:
        self.path = path
        self.minutes = minutes
        self._fd = fd
        self._size = size
        self._lock = threading.Lock()
        self._shown = ""
        self._changed_ns = os.fstat(fd).st_mtime_ns

    @classmethod
    def open(cls, folder: Path, base: str, meeting: Opened, *, create: bool = True) -> Self | None:
        """Return the journal of ``meeting``: the existing one, else a new one, or None.

        Raises OSError, and Busy if another process writes it.
        """
        if create:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in _candidates(folder, base):
            if not create and not path.exists():
                return None
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
            try:
                found = cls._continue(path, fd, meeting)
            except BaseException:
                os.close(fd)
                raise
            if found is not None:
                return found
            os.close(fd)
        raise NamesTaken(f"there are {MEETINGS_MAX} transcripts of this name")

    @classmethod
    def existing(cls, path: Path) -> Self:
        """Open a journal that nobody writes, without a torn last line.

        Raises OSError, and Busy if another process writes it.
        """
        fd = os.open(path, os.O_RDWR | os.O_APPEND)
        try:
            return cls._mended(path, fd)
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def _continue(cls, path: Path, fd: int, meeting: Opened) -> Self | None:
        """Return the journal if it is this meeting's, or new."""
        first = os.pread(fd, 4096, 0).partition(b"\n")
        begun = read(first[0] + first[1]).records
        if begun and begun[0] != meeting:
            return None
        file = cls._mended(path, fd)
        records = file.minutes.records()
        if not records:
            file.append(meeting)
            file.sync()
            sync_folder(path.parent)
        elif records[0] != meeting:
            return None
        return file

    @classmethod
    def _mended(cls, path: Path, fd: int) -> Self:
        lock(path, fd)
        times = os.fstat(fd)
        reading = read(path.read_bytes())
        if reading.whole < times.st_size:
            os.ftruncate(fd, reading.whole)
            # Retention counts from the last speech, not from the repair.
            os.utime(fd, ns=(times.st_atime_ns, times.st_mtime_ns))
        return cls(path, fd, Minutes(reading.records), reading.whole)

    def append(self, record: Record) -> None:
        """Add a record, which then survives a kill of the process."""
        line = encode(record)
        with self._lock:
            if isinstance(record, Forgotten) and not self.minutes.has_voice(record.speaker):
                return  # a refusal is not to be recorded in this file
            written = 0
            try:
                while written < len(line):
                    written += os.write(self._fd, line[written:])
            except OSError:
                os.ftruncate(self._fd, self._size)  # no partial line before later records
                raise
            self._size += written
            self._stamp(self._fd)
            self.minutes.feed(record)

    def sync(self) -> None:
        """Make additions and removals survive a power cut."""
        os.fsync(self._fd)
        with self._lock:
            if self.minutes.forgets:
                self._compact()

    def show(self) -> None:
        """Bring the WebVTT file up to date: it is as old as what it has of the journal."""
        with self._lock:
            text, changed_ns = self.minutes.vtt(), self._changed_ns
        if text == self._shown:
            return

        def stamp(part: Path) -> None:
            os.utime(part, ns=(changed_ns, changed_ns))

        target = self.path.with_suffix(".vtt")
        write_files({target: text.encode()}, mode=OWNER_ONLY, durable=True, before=stamp)
        self._shown = text

    def text(self) -> str:
        """Return the WebVTT file as it is now, or is about to be."""
        with self._lock:
            return self.minutes.vtt()

    def close(self) -> None:
        """Close the journal."""
        os.close(self._fd)

    def _stamp(self, fd: int) -> None:
        """Make the journal younger than it was, though the machine's clock was set back."""
        times = os.fstat(fd)
        if times.st_mtime_ns <= self._changed_ns:
            os.utime(fd, ns=(times.st_atime_ns, self._changed_ns + STEP_NS))
        self._changed_ns = os.fstat(fd).st_mtime_ns

    def _compact(self) -> None:
        """Rewrite the journal without withdrawn records."""
        data = b"".join(map(encode, self.minutes.records()))
        fd = -1

        def take(part: Path) -> None:  # nobody may take it between its place and its lock
            nonlocal fd
            fd = os.open(part, os.O_RDWR | os.O_APPEND)
            lock(part, fd)
            self._stamp(fd)

        try:
            write_files({self.path: data}, mode=OWNER_ONLY, durable=True, before=take)
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise
        os.close(self._fd)
        self._fd, self._size = fd, len(data)
        self.minutes.forgets = False
        sync_folder(self.path.parent)


def _candidates(folder: Path, base: str) -> Iterator[Path]:
    for number in range(1, MEETINGS_MAX + 1):
        # not with_suffix, because a name may have dots
        yield folder / f"{base}{'' if number == 1 else f'-{number}'}{JOURNAL}"


def lock(path: Path, fd: int) -> None:
    """Lock the journal for this process until it ends, however it ends. Raises Busy."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy(f"{path.name} is being written by another process") from None
    if os.fstat(fd).st_ino != path.stat().st_ino:
        raise Busy(f"{path.name} was replaced by another process")


def disk_failure(exc: BaseException) -> tuple[str, str]:
    """Return the disk's failure as a word for logs and a sentence. Neither names a file."""
    if isinstance(exc, Busy):
        return "busy", "another bot writes this meeting's transcript"
    if isinstance(exc, TimeoutError):
        return "slow", "the disk does not answer"
    if isinstance(exc, NamesTaken):
        return "names", "too many transcripts have the same name: put {time} into it"
    match exc.errno if isinstance(exc, OSError) else None:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "full", "the disk is full"
        case errno.EROFS:
            return "read-only", "the disk is read-only"
        case errno.EACCES | errno.EPERM:
            return "not-allowed", "the bot may not write in the folder of the transcripts"
    return "failed", "the folder of the transcripts cannot be written"
