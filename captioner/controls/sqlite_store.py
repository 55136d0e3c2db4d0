"""The state store on disk: what was decided in each room, without a text, a name or an identity.

    decisions.sqlite3    one row a room, by its sid; with SQLite's side files
    RM_….lock            locked by the bot that has the room; holds the bot's sign of life
    key                  of this installation: participants are known by an HMAC under it

All of them are readable by their owner only. The sign of life is no part of the database because
it changes twice a second, and need not survive a loss of power: then the file's time stands for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import json
import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from captioner.controls.decisions import Known
from captioner.controls.state_store import Stored
from captioner.errors import StateDamaged, StateError
from captioner.publishing.room_clock import Instant, SignOfLife

KEEP_DAYS = 30
ROOMS_MAX = 10_000
"""Rooms kept; older ones go, and so do those without a sign of life for KEEP_DAYS."""

BUSY_S = 60.0
"""How long one bot waits while others write. SQLite's waiters have no queue: among bots that write
without a pause one may come last for seconds. Who decides waits no longer than STORE_S for it."""

OWNER_ONLY = 0o600

ALIVE_BYTES = 256
"""The longest sign of life has 152."""

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA secure_delete = ON;
CREATE TABLE IF NOT EXISTS rooms (sid TEXT PRIMARY KEY, key TEXT, state BLOB);
"""
_PUT = "INSERT OR REPLACE INTO rooms VALUES (?, ?, ?)"
_DELETE = "DELETE FROM rooms WHERE sid = ?"
_STATE = TypeAdapter(Stored)
_ALIVE = TypeAdapter(SignOfLife)
_SID = re.compile(r"[A-Za-z0-9_-]{1,80}")


class SqliteStore:
    """States in a folder, made when it is first needed. Threads may share one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "decisions.sqlite3"
        self._locks: dict[str, int] = {}
        self._guard = threading.Lock()  # of the connection
        self._connection: sqlite3.Connection | None = None
        self._key = b""

    def claim(self, room: str) -> bool:
        """Take the room; False if another living bot of this machine has it."""
        with self._database() as database:
            if room in self._locks:
                return True
            lock = _locked(self._lock_of(room))
            if lock is not None:
                self._locks[room] = lock
                # Not before: what is locked is not forgotten, whatever the clock says.
                self._tidy(database, Instant.now())
            return lock is not None

    def release(self, room: str) -> None:
        """Let another bot have the room."""
        if (lock := self._locks.pop(room, None)) is not None:
            os.close(lock)

    def pseudonym(self, identity: str) -> str:
        """The HMAC of an identity; the same in every room of this installation."""
        return hmac.digest(self._key, identity.encode(), "sha256").hex()[:32]

    def load(self, room: str) -> Stored | None:
        """What was saved last. Raises StateDamaged if it cannot be understood."""
        with self._database() as database:
            lock = self._lock_of(room)
            row = database.execute("SELECT key, state FROM rooms WHERE sid = ?", [room]).fetchone()
            if row is None:
                return None
            try:
                if row[0] != self.pseudonym(""):
                    raise ValueError("written under another key")
                stored = _STATE.validate_json(row[1], strict=True)
            except ValueError as exc:
                raise StateDamaged(
                    f"{self._path}: the decisions of a room cannot be read ({type(exc).__name__}):"
                    " only who agrees is captioned there"
                ) from None
            return replace(stored, alive=_alive(lock, stored.origin_utc_ms))

    def save(self, room: str, stored: Stored) -> None:
        """Keep a state: once this returns, it survives a loss of power."""
        with self._database() as database:
            database.execute(_PUT, [room, self.pseudonym(""), _STATE.dump_json(stored)])

    def live(self, room: str, alive: SignOfLife) -> None:
        """Give a sign of life."""
        with self._plainly():
            lock = os.open(self._lock_of(room), os.O_WRONLY)
            try:
                # Always as long, and in its place: that needs no free room on the disk.
                os.pwrite(lock, _ALIVE.dump_json(alive).ljust(ALIVE_BYTES), 0)
            finally:
                os.close(lock)

    def probe(self) -> None:
        """Write something, and take it away again. Raises StateError."""
        with self._database() as database:
            database.execute(_PUT, ["probe", "", ""])
            database.execute(_DELETE, ["probe"])

    def tidy(self, now: Instant) -> int:
        """Forget rooms that are long over; gives how many."""
        with self._database() as database:
            return self._tidy(database, now)

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with self._guard, self._plainly():
            if self._connection is None:
                self._connection = self._open()
            try:
                yield self._connection
            except sqlite3.Error:
                broken, self._connection = self._connection, None
                broken.close()
                raise

    def _open(self) -> sqlite3.Connection:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = _open_own(self._folder / "key")
        try:
            fcntl.flock(key, fcntl.LOCK_EX)  # others that open it at the same time wait
            self._key = os.pread(key, 32, 0)
            if len(self._key) < 32:
                self._key = secrets.token_bytes(32)
                os.pwrite(key, self._key, 0)
                os.fsync(key)
            self._path.touch(OWNER_ONLY)
            self._path.chmod(OWNER_ONLY)  # SQLite gives its side files the same mode
            database = sqlite3.connect(
                self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            database.executescript(_SCHEMA)
            self._take_over(database)
        finally:
            os.close(key)
        return database

    def _take_over(self, database: sqlite3.Connection) -> None:
        """Take what earlier versions kept in a file for each room, by identity and by name."""
        for path in self._folder.glob("*.json"):
            lock = path.with_suffix(".lock")
            os.close(_open_own(lock))
            alive_ns = path.stat().st_mtime_ns
            row = [path.stem, self.pseudonym(""), self._older(path.read_bytes())]
            database.execute(_PUT.replace("REPLACE", "IGNORE"), row)
            os.utime(lock, ns=(alive_ns, alive_ns))
            path.unlink()

    def _older(self, text: bytes) -> bytes:
        try:
            known = json.loads(text)
            decided = known["decided"]
            consents = {self.pseudonym(who): said for who, said in decided["consents"].items()}
            decided |= {"by": "", "consents": consents}
            decided["known"] = Known.LOST if decided.get("strict") else Known.ALL
            state = _STATE.validate_json(json.dumps(known | {"decided": decided}), strict=True)
        except (ValueError, KeyError, TypeError, AttributeError):
            return b""  # not to be understood: then only who agrees is captioned
        return _STATE.dump_json(state)

    def _tidy(self, database: sqlite3.Connection, now: Instant) -> int:
        rows = database.execute("SELECT sid FROM rooms").fetchall()
        locks = {sid: self._lock_of(sid) for (sid,) in rows}
        ages = {sid: _alive(lock, 0).at.until_ms(now) for sid, lock in locks.items()}
        old = [
            sid
            for number, sid in enumerate(sorted(ages, key=lambda sid: ages[sid]))
            if number >= ROOMS_MAX or ages[sid] > KEEP_DAYS * 86_400_000
        ]
        gone = 0
        for sid in old:
            if (lock := _locked(locks[sid])) is not None:  # nobody lives there
                database.execute(_DELETE, [sid])
                locks[sid].unlink()
                os.close(lock)
                gone += 1
        if gone:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _lock_of(self, room: str) -> Path:
        if not _SID.fullmatch(room):
            raise StateError(f"a room without a proper sid: {len(room)} characters")
        return self._folder / f"{room}.lock"

    @contextlib.contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else None
            raise StateError(
                f"{self._folder}: {reason or exc}. Give the bot a folder that it may write, by"
                " CAPTIONER_STATE"
            ) from exc


def _open_own(path: Path) -> int:
    """A file of ours, made if need be, which an earlier version may have left open to others."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    os.fchmod(file, OWNER_ONLY)
    return file


def _locked(path: Path) -> int | None:
    """The file, locked until it is closed; None if somebody else has locked it."""
    file = _open_own(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def _alive(lock: Path, origin_utc_ms: int) -> SignOfLife:
    """The last sign of life in the room, which began at ``origin_utc_ms``."""
    file = _open_own(lock)
    try:
        return _ALIVE.validate_json(os.pread(file, ALIVE_BYTES, 0), strict=True)
    except ValueError:
        utc_ms = os.fstat(file).st_mtime_ns // 1_000_000
        return SignOfLife(max(utc_ms - origin_utc_ms, 0), Instant(utc_ms))
    finally:
        os.close(file)
