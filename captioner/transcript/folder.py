"""The folder of transcripts: file names, recovery after a crash, retention. Blocks."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from captioner.atomic_file import part_of
from captioner.captions.webvtt import plain
from captioner.errors import ConfigurationError
from captioner.transcript.audit import expire_audit
from captioner.transcript.journal_file import JOURNAL, Busy, JournalFile, lock
from captioner.transcript.records import Opened, read

BASE_BYTES_MAX = 180
LINE_MAX = 8_192
LISTED_MAX = 1_000
DAY_S = 86_400
NAME = "{room}-{date}-{time}"
FIELDS = {"room", "date", "time", "recording"}


@dataclass(frozen=True, slots=True)
class TranscriptPolicy:
    """Where transcripts are written, their names, and days of retention (None: for ever)."""

    folder: Path
    name: str = NAME
    keep_days: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A transcript as a host gets it: the file's name, and days of retention (None: for ever).

    text: makes the WebVTT file, as it is then; slow where it is long.
    """

    file: str
    keep_days: int | None
    text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Tidied:
    """The result of tidying a folder. rebuilt: (file, its cues); counts for the rest."""

    rebuilt: tuple[tuple[Path, int], ...]
    busy: int
    deleted: int
    failed: int


def must_be_template(text: str) -> None:
    """Raise ValueError unless ``base_name`` can fill it in."""
    unknown = set(re.findall(r"\{([^}]*)\}?", text)) - FIELDS
    if unknown or not text.strip():
        raise ValueError(f"may have {', '.join(f'{{{name}}}' for name in sorted(FIELDS))} in it")


def base_name(template: str, *, room: str, utc: str, recording: str = "") -> str:
    """Fill in a file name template: {room}, {date}, {time}, {recording}.

    utc: when the meeting began, as ``2026-11-22T05:42:06…``. Characters other than letters, digits
    and ``-_.`` become ``_``.
    """
    facts = {
        "room": room, "date": utc[:10], "time": utc[11:19].replace(":", ""),
        "recording": recording or room,
    }  # fmt: skip
    filled = re.sub(r"\{(\w+)\}", lambda found: facts.get(found[1], found[0]), template)
    safe = re.sub(r"[^\w.-]", "_", plain(filled)).strip(".") or "meeting"
    return safe.encode()[:BASE_BYTES_MAX].decode(errors="ignore")


def tidy(policy: TranscriptPolicy, *, now_s: float, every: bool = False) -> Tidied:
    """Rebuild WebVTT files older than their journals (or ``every`` one), and delete expired ones.

    Files being written are left alone. now_s: seconds since 1970. Raises ConfigurationError if
    there is no such folder.
    """
    rebuilt: list[tuple[Path, int]] = []
    busy = deleted = failed = 0
    for path in _journals(policy.folder):
        try:
            if policy.keep_days is not None and _expire(path, now_s - policy.keep_days * DAY_S):
                deleted += 1
            elif every or _is_behind(path):
                rebuilt.append((path.with_suffix(".vtt"), _rebuild(path)))
        except Busy:
            busy += 1
        except OSError:
            failed += 1
    if policy.keep_days is not None:
        try:
            expire_audit(policy.folder, keep_days=policy.keep_days, now_s=now_s)
        except OSError:
            failed += 1
    return Tidied(tuple(rebuilt), busy, deleted, failed)


def files_of(folder: Path, room: str) -> dict[str, bool]:
    """Return the transcripts of a room, the latest first, by file name: whether it is written now.

    Whose a file is its journal says, and not its name. A folder that is not there has none.
    """
    found = []
    for path in folder.glob(f"*{JOURNAL}"):
        with contextlib.suppress(OSError):
            if _room_of(path) == room:
                found.append((path.stat().st_mtime_ns, path))
    found = sorted(found, reverse=True)[:LISTED_MAX]
    return {path.with_suffix(".vtt").name: _is_busy(path) for _, path in found}


def text_of(folder: Path, room: str, file: str) -> str | None:
    """Return a transcript of the room, None if it has none of this name. Raises OSError."""
    path = _found(folder, room, file)
    if path is None:
        return None
    if _is_behind(path):
        with contextlib.suppress(Busy):  # its bot brings it up to date within a second
            _rebuild(path)
    return path.with_suffix(".vtt").read_text(encoding="utf-8")


def delete(folder: Path, room: str, file: str) -> bool:
    """Delete a transcript of the room; return whether there was one. Raises Busy, OSError."""
    path = _found(folder, room, file)
    return path is not None and _expire(path, float("inf"))


def _found(folder: Path, room: str, file: str) -> Path | None:
    """The journal. No name leads out of the folder."""
    path = (folder / file).with_suffix(JOURNAL) if file.endswith(".vtt") else None
    if path is None or path.parent != folder or file.startswith("."):
        return None
    try:
        return path if _room_of(path) == room else None
    except FileNotFoundError:
        return None


def _room_of(path: Path) -> str | None:
    with path.open("rb") as file:
        first = read(file.readline(LINE_MAX)).records
    return first[0].room if first and isinstance(first[0], Opened) else None


def _is_busy(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        lock(path, fd)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _journals(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}: name the one with the transcripts")
    return sorted(path for path in folder.glob(f"*{JOURNAL}") if not path.name.startswith("."))


def _is_behind(path: Path) -> bool:
    vtt = path.with_suffix(".vtt")
    return not vtt.exists() or vtt.stat().st_mtime_ns < path.stat().st_mtime_ns


def _rebuild(path: Path) -> int:
    file = JournalFile.existing(path)
    try:
        file.sync()
        file.show()
        return file.minutes.cues
    finally:
        file.close()


def _expire(path: Path, before_s: float) -> bool:
    if path.stat().st_mtime >= before_s:
        return False
    fd = os.open(path, os.O_RDWR)
    try:
        lock(path, fd)
        vtt = path.with_suffix(".vtt")
        for each in (vtt, part_of(vtt), part_of(path), path):
            each.unlink(missing_ok=True)
    finally:
        os.close(fd)
    return True
