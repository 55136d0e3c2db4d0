"""Captions as a file."""

from __future__ import annotations

import os
from pathlib import Path

from captioner.errors import ConfigurationError


def write_whole(path: Path, text: str) -> None:
    """Put ``text`` into a file in one go: a reader sees the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot write {path}: {exc.strerror}. Choose another place."
        ) from exc
