"""Captions as a file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from captioner.errors import ConfigurationError


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` into a file in one go: a reader sees the old one or the new one.

    Raises ConfigurationError.
    """
    with _plain_errors(path):
        part = _part_of(path)
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)


def must_be_writable(path: Path) -> None:
    """Try a place before the work whose text goes there. Raises ConfigurationError."""
    with _plain_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _part_of(path).touch()
        _part_of(path).unlink()


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise ConfigurationError(
            f"cannot write {path}: {exc.strerror}. Choose another place."
        ) from exc
