"""Writes files atomically: a reader sees the old or the new one, complete."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from captioner.errors import ConfigurationError


def write_files(
    files: Mapping[Path, bytes],
    *,
    mode: int = 0o666,
    durable: bool = False,
    before: Callable[[Path], None] = lambda part: None,
) -> None:
    """Write all files; if one cannot be written, all stay unchanged.

    durable: after a power cut each is the old or the new file, and certainly the new one after
    ``sync_folder``. before: called with each complete new file before it replaces the old one.
    Raises OSError with the name of the file that cannot be written.
    """
    target = Path()
    try:
        for target, data in files.items():
            _write(part_of(target), data, mode, durable)
            before(part_of(target))
        for target in files:
            os.replace(part_of(target), target)
    except BaseException as exc:
        for path in files:
            with suppress(OSError):
                part_of(path).unlink(missing_ok=True)
        if isinstance(exc, OSError):
            exc.filename = str(target)
        raise


def _write(path: Path, data: bytes, mode: int, durable: bool) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Make files created or replaced in ``folder`` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def part_of(path: Path) -> Path:
    """Return the name of ``path`` while it is being rewritten."""
    return path.with_name(f".{path.name}.part")


def write_text(path: Path, text: str) -> None:
    """Write one text file that a user named. Raises ConfigurationError."""
    with _plain_errors(path):
        write_files({path: text.encode()})


def must_be_writable(path: Path) -> None:
    """Check that a file can be written, before the work. Raises ConfigurationError."""
    with _plain_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        part_of(path).touch()
        part_of(path).unlink()


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ConfigurationError(
            f"cannot write {path}: {exc.strerror}. Choose another place."
        ) from exc
