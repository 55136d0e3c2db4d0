"""A bot's process, which outlives its worker, and the notes by which another worker finds it.

Of each bot there is a file that its process holds a lock on for as long as it lives, handed to it
when it is started: a process id alone may be somebody else's by now.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Self

import structlog

from captioner.errors import StateError
from captioner.worker.assignment import Assignment
from captioner.worker.fork_server import Forks
from captioner.worker.own_room import Said

log = structlog.get_logger()

LOOK_S = 0.25
"""So often it is looked whether a process that is no child of ours has ended."""

PULSE_S = 1.0
PULSE_LOST_S = 4.0
"""A bot that has said nothing for so long may not be in its room."""

HAND_OVER = signal.SIGUSR1
"""Tells a bot to leave when another one goes on."""

CLOSED_EARLY = os.EX_TEMPFAIL
"""The exit code of a bot whose room was closed as an empty one just after somebody was there."""

REMOVED = os.EX_NOPERM
"""The exit code of a bot that somebody removed from the room."""


class BotProcess:
    """A bot for one room, once."""

    def __init__(
        self,
        assignment: Assignment,
        pid: int,
        note: Path | None,
        forks: Forks | None,
        *,
        hands_over: bool = True,
    ) -> None:
        """forks: what started it; None for one that another worker has started.

        hands_over: whether it knows HAND_OVER; the signal would kill one of an older version.
        """
        self.assignment = assignment
        self.pid = pid
        self._note = note
        self._forks = forks
        self._hands_over = hands_over
        self._ended = False

    @classmethod
    async def start(cls, assignment: Assignment, forks: Forks, notes: Notes | None) -> Self:
        """Raises OSError."""
        # In the environment: everybody on the machine can read a command line.
        said = {
            "CAPTIONER_ROOM": assignment.room,
            "CAPTIONER_IDENTITY": assignment.identity,
            "CAPTIONER_RECORDING": assignment.recording,
            "CAPTIONER_JOB": assignment.dispatch,
            "CAPTIONER_UNHEARD": str(assignment.unheard_ms),
            **({"CAPTIONER_WORDS": "\n".join(assignment.words)} if assignment.words else {}),
        }
        file = notes.begin() if notes else None
        with file or contextlib.nullcontext():  # the bot has the lock then
            pid = await forks.start(said, file)
            started = cls(assignment, pid, Path(file.name) if file else None, forks)
            if file:
                file.write(started._known())
        return started

    @classmethod
    def found(cls, note: Path) -> Self | None:
        """One that another worker has started; None if it has ended."""
        try:
            if not _is_locked(note):
                note.unlink(missing_ok=True)
                return None
            known = json.loads(note.read_text(encoding="utf-8"))
            pid, hands_over = known.pop("pid"), known.pop("hands_over", False)
            known["words"] = ()
            return cls(Assignment(**known), pid, note, None, hands_over=hands_over)
        except (OSError, ValueError, KeyError, TypeError) as exc:
            log.error("bot_not_adopted", reason=type(exc).__name__)
            return None

    def is_dispatched_by(self, assignment: Assignment) -> None:
        """Note for the next worker that the bot has another dispatch from now on."""
        self.assignment = assignment
        if self._note:
            with contextlib.suppress(OSError), self._note.open("r+", encoding="utf-8") as file:
                file.write(self._known())  # into the same file: it is what the bot has locked
                file.truncate()

    def _known(self) -> str:
        known = asdict(self.assignment)
        del known["words"], known["unheard_ms"]
        return json.dumps({"pid": self.pid, "hands_over": self._hands_over, **known})

    @property
    def said(self) -> Said:
        """What it says of its room by its ``Pulse``."""
        if self._note is None:
            return Said.NOTHING
        try:
            pulse = self._note.stat()
        except OSError:
            return Said.NOTHING
        if abs(time.time() - pulse.st_atime) >= PULSE_LOST_S:
            return Said.NOTHING
        return Said.WITH_OTHERS if pulse.st_mtime else Said.ALONE

    async def wait(self) -> int | None:
        """Until it has ended; its exit code, None if that is not known."""
        code = None
        if self._forks is not None:
            code = await self._forks.wait(self.pid)
        else:
            while self._note and _is_locked(self._note):  # noqa: ASYNC110 (nothing would tell)
                await asyncio.sleep(LOOK_S)
        self._ended = True
        if self._note is not None:
            self._note.unlink(missing_ok=True)
        return code

    def stop(self) -> None:
        """Let it say its last words, and leave."""
        self._signal(signal.SIGTERM)

    def hand_over(self) -> None:
        """Let it leave when another bot goes on."""
        if self._hands_over:
            self._signal(HAND_OVER)

    def kill(self) -> None:
        """End it: it does not do what it should."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._ended or (self._note and not _is_locked(self._note)):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Pulse:
    """By which a bot says that it is in its room: its note is touched, and modified in 1970 while
    the bot is alone there. From a thread, because the disk may hang.
    """

    def __init__(self, note: int | None) -> None:
        """note: a file descriptor; None if there is no note."""
        self._note = note
        self._beaten = threading.Event()
        self._people = 0
        self._thread: threading.Thread | None = None

    def beat(self, people: int) -> None:
        """It is in its room, with so many."""
        self._people = people
        self._beaten.set()
        if self._thread is None and self._note is not None:
            self._thread = threading.Thread(target=self._run, args=[self._note], daemon=True)
            self._thread.start()

    def _run(self, note: int) -> None:
        while self._beaten.wait():
            self._beaten.clear()
            with contextlib.suppress(OSError):  # then the media server is believed
                now_s = time.time()
                os.utime(note, (now_s, now_s if self._people else 0))
            time.sleep(PULSE_S)


class Notes:
    """One worker's notes of its bots. Raises StateError where they cannot be written."""

    def __init__(self, base: Path) -> None:
        """base: one folder for all workers of this machine."""
        self._base = base
        self._folder = base / uuid.uuid4().hex
        try:
            base.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._alive = _locked(_alive(self._folder))  # first: who has none is dead
            self._folder.mkdir(mode=0o700)
        except OSError as exc:
            raise StateError(
                f"{base}: {exc.strerror or exc}. Give the worker a folder that it may write, by"
                " CAPTIONER_STATE"
            ) from exc

    def begin(self) -> IO[str]:
        """A locked file for a bot that is about to be started."""
        return _locked(self._folder / f"{uuid.uuid4().hex}.json")

    def adopt(self) -> list[BotProcess]:
        """The living bots of workers that are dead; from now on they are this worker's."""
        adopted = []
        for folder in sorted(self._base.iterdir()):
            if folder == self._folder or not folder.is_dir() or _is_locked(_alive(folder)):
                continue
            for note in folder.glob("*.json"):
                with contextlib.suppress(FileNotFoundError):  # another worker was faster
                    note = note.rename(self._folder / note.name)
                    if bot := BotProcess.found(note):
                        adopted.append(bot)
            _clear(folder)
        return adopted

    def close(self) -> None:
        """This worker ends; bots that live are there to be adopted."""
        self._alive.close()
        _clear(self._folder)


def _alive(folder: Path) -> Path:
    """What the worker of ``folder`` holds a lock on."""
    return folder.with_suffix(".alive")


def _clear(folder: Path) -> None:
    with contextlib.suppress(OSError):  # there are bots in it
        folder.rmdir()
        _alive(folder).unlink(missing_ok=True)


def _locked(path: Path) -> IO[str]:
    file: IO[str] = path.open("w", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def is_crash(code: int | None) -> bool:
    """Whether a bot that ended with ``code`` was killed, cut off, or failed by a bug.

    None: not known, which may have been one.
    """
    return code is None or code < 0 or code in (os.EX_SOFTWARE, CLOSED_EARLY)


def bot_environment(environment: Mapping[str, str], **said: str) -> dict[str, str]:
    """What the bots of a worker get: everybody counts as a reader, settled phrases as legacy
    packets, unless ``environment`` says otherwise. said: by the command line.

    The port of the metrics is the worker's own.
    """
    defaults = {"CAPTIONER_WANT": "always", "CAPTIONER_LEGACY": "final"}
    merged = defaults | dict(environment) | said
    merged.pop("CAPTIONER_METRICS_PORT", None)
    return merged
