"""A bot's process outlives its worker, and the next worker finds it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

import pytest

from captioner.errors import StateError
from captioner.worker.assignment import Assignment
from captioner.worker.bot_process import PULSE_LOST_S, Notes, Pulse
from captioner.worker.own_room import Said

ASSIGNMENT = Assignment("meet", "captions-1", "AD_1", since_ms=1, recording="board")


def notes_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.json"))


@pytest.fixture
def noted(tmp_path: Path) -> Iterator[tuple[Notes, subprocess.Popen[bytes]]]:
    """A worker's notes of one bot, whose process waits for the end of its standard input."""
    notes = Notes(tmp_path)
    file: IO[str] = notes.begin()
    waiting = [sys.executable, "-c", "input()"]
    with file:
        child = subprocess.Popen(waiting, stdin=subprocess.PIPE, pass_fds=(file.fileno(),))
        json.dump({"pid": child.pid, **asdict(ASSIGNMENT)}, file)
    yield notes, child
    notes.close()
    child.kill()
    child.communicate()


async def test_the_living_bots_of_a_dead_worker_are_adopted_and_can_be_ended(
    noted: tuple[Notes, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    dead, child = noted
    with closing(Notes(tmp_path)) as other, closing(Notes(tmp_path)) as third:
        assert other.adopt() == []  # its worker lives
        dead.close()
        [bot] = other.adopt()
        assert (bot.assignment, bot.pid) == (ASSIGNMENT, child.pid)
        assert third.adopt() == []  # it has a living worker again
        bot.hand_over()  # it is of a version that does not know how, and the signal would kill it
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.2)
        bot.stop()
        assert await bot.wait() is None
        assert child.wait() < 0


def test_a_bot_is_found_by_the_dispatch_that_asks_for_it_now(
    noted: tuple[Notes, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    noted[0].close()
    now = replace(ASSIGNMENT, dispatch="AD", since_ms=2)
    with closing(Notes(tmp_path)) as other:
        [bot] = other.adopt()
        bot.is_dispatched_by(now)
    with closing(Notes(tmp_path)) as third:
        [bot] = third.adopt()  # the lock is the bot's yet
        assert bot.assignment == now


def test_a_bot_says_by_its_note_that_it_is_in_its_room_until_it_does_not(
    noted: tuple[Notes, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    noted[0].close()
    with closing(Notes(tmp_path)) as other:
        [bot] = other.adopt()
        [note] = notes_in(tmp_path)

        def touched(ago_s: float) -> float:
            os.utime(note, (time.time() - ago_s,) * 2)
            return note.stat().st_mtime

        for people, said in ((2, Said.WITH_OTHERS), (0, Said.ALONE)):
            before = touched(PULSE_LOST_S)
            assert bot.said is Said.NOTHING
            with note.open() as file:
                Pulse(file.fileno()).beat(people)
                while note.stat().st_mtime == before:
                    time.sleep(0.01)
            assert bot.said is said
        touched(-2 * PULSE_LOST_S)  # our clock was set back
        assert bot.said is Said.NOTHING
        note.unlink()
        assert bot.said is Said.NOTHING


def test_a_bot_that_has_ended_is_not_adopted(
    noted: tuple[Notes, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    dead, child = noted
    child.communicate(b"\n")
    dead.close()
    with closing(Notes(tmp_path)) as other:
        assert other.adopt() == []
        assert notes_in(tmp_path) == []


def test_notes_that_cannot_be_written_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="CAPTIONER_STATE"):
        Notes(tmp_path / "file")
