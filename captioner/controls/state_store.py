"""What was decided in each room, kept over a restart of the bot. No text, and nobody's reading.

One small JSON file a room, by the room's sid, replaced as a whole and fsynced. Its time of change
is the bot's sign of life: what was said until then is dealt with. A lock on a file beside it says
that a living bot has the room.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from captioner.contract_requests import Consent
from captioner.controls.decisions import Decided
from captioner.errors import StateError

KEEP_DAYS = 30
ROOMS_MAX = 10_000
"""Rooms kept; older ones go, and so do those without a sign of life for KEEP_DAYS."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One room's state. alive_utc_ms: the bot that wrote it dealt with all that was said before."""

    decided: Decided
    session: str
    identity: str
    origin_utc_ms: int
    alive_utc_ms: int = 0


class StateStore(Protocol):
    """Where states are kept. All of it blocks, and may raise StateError."""

    def claim(self, room: str) -> bool:
        """Whether no other living bot has this room; from now on this one has it."""
        ...

    def release(self, room: str) -> None:
        """This bot is done with the room."""
        ...

    def load(self, room: str) -> Stored | None:
        """What a bot before decided in the room; None if there was none."""
        ...

    def save(self, room: str, stored: Stored) -> None:
        """Keep it: when this returns it survives a loss of power. The sign of life stays."""
        ...

    def live(self, room: str, utc_ms: int) -> None:
        """A sign of life: what was said before ``utc_ms`` is dealt with."""
        ...


class MemoryStore:
    """A store that lasts as long as this object: for demos and tests."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self.rooms: dict[str, Stored] = {}

    def claim(self, room: str) -> bool:
        """Always: there is nobody else."""
        return True

    def release(self, room: str) -> None:
        """Nothing to let go of."""

    def load(self, room: str) -> Stored | None:
        """What was saved."""
        return self.rooms.get(room)

    def save(self, room: str, stored: Stored) -> None:
        """Keep it."""
        before = self.rooms.get(room)
        alive_utc_ms = before.alive_utc_ms if before else round(self._wall() * 1000)
        self.rooms[room] = replace(stored, alive_utc_ms=alive_utc_ms)

    def live(self, room: str, utc_ms: int) -> None:
        """A sign of life."""
        if stored := self.rooms.get(room):
            self.rooms[room] = replace(stored, alive_utc_ms=utc_ms)


class FileStore:
    """States in a folder, made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, IO[bytes]] = {}

    def claim(self, room: str) -> bool:
        """Whether no other living bot on this machine has this room."""
        if room in self._locks:
            return True
        with _named(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = self._path(room, ".lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        self._locks[room] = lock
        return True

    def release(self, room: str) -> None:
        """Another bot may have the room."""
        if lock := self._locks.pop(room, None):
            lock.close()

    def load(self, room: str) -> Stored | None:
        """What a bot before decided in the room; None if there was none."""
        path = self._path(room)
        with _named(path):
            try:
                stored = _decode(path.read_text(encoding="utf-8"))
            except FileNotFoundError:
                return None
            return replace(stored, alive_utc_ms=path.stat().st_mtime_ns // 1_000_000)

    def save(self, room: str, stored: Stored) -> None:
        """Keep it: when this returns it survives a loss of power."""
        path = self._path(room)
        part = path.with_suffix(".part")
        with _named(path):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("w", encoding="utf-8") as file:
                file.write(_encode(stored))
                file.flush()
                with contextlib.suppress(FileNotFoundError):
                    alive_ns = path.stat().st_mtime_ns
                    os.utime(file.fileno(), ns=(alive_ns, alive_ns))
                os.fsync(file.fileno())
            os.replace(part, path)
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def live(self, room: str, utc_ms: int) -> None:
        """A sign of life."""
        path = self._path(room)
        with _named(path):
            os.utime(path, ns=(utc_ms * 1_000_000,) * 2)

    def probe(self) -> None:
        """Write something, and take it away again. Raises StateError."""
        path = self._path("probe", f".{os.getpid()}")
        with _named(path):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(b"")
            path.unlink()

    def tidy(self, *, now: float | None = None) -> int:
        """Forget rooms that are long over; gives how many."""
        oldest = (time.time() if now is None else now) - KEEP_DAYS * 86_400
        with _named(self._folder):
            found = sorted(
                ((path.stat().st_mtime, path) for path in self._folder.glob("*.json")), reverse=True
            )
            old = [p for n, (at, p) in enumerate(found) if at < oldest or n >= ROOMS_MAX]
            for path in old:
                path.unlink(missing_ok=True)
                path.with_suffix(".lock").unlink(missing_ok=True)
        return len(old)

    def _path(self, room: str, suffix: str = ".json") -> Path:
        if not _SID.fullmatch(room):
            raise StateError(f"a room without a proper sid: {len(room)} characters")
        return self._folder / (room + suffix)


_SID = re.compile(r"[A-Za-z0-9_-]{1,80}")


def _encode(stored: Stored) -> str:
    return json.dumps({"v": 1, **asdict(stored)}, ensure_ascii=False)


def _decode(text: str) -> Stored:
    known: dict[str, Any] = json.loads(text)
    if known.pop("v") != 1:
        raise ValueError("written by a newer version")
    decided = known.pop("decided")
    consents = {who: _typed(Consent(**said)) for who, said in decided.pop("consents").items()}
    return _typed(Stored(_typed(Decided(**decided, consents=consents)), **known))


def _typed(made: Made) -> Made:
    """Raises TypeError if a value is not of its field's type."""
    for one in fields(made):
        value = getattr(made, one.name)
        if one.type in _TYPES and type(value) is not _TYPES[one.type]:
            raise TypeError(one.name)
    return made


Made = TypeVar("Made", Consent, Decided, Stored)

_TYPES: dict[Any, type] = {"bool": bool, "str": str, "int": int}


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """What goes wrong with ``path``, as a StateError that says what to do."""
    try:
        yield
    except OSError as exc:
        raise StateError(
            f"{path.parent if path.suffix else path}: {exc.strerror or exc}. Give the bot a folder"
            " that it may write, by CAPTIONER_STATE"
        ) from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise StateError(
            f"{path} cannot be read ({type(exc).__name__}): only who agrees is captioned. Delete"
            " it to begin anew"
        ) from exc
