"""The metrics of a worker's bots, beside its own: each bot answers on a socket of the file system.

A label says which process a line is of. None says which room or person.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from captioner import metrics

ANSWER_S = 1.0
"""A bot that does not answer in time is left out."""

AT_ONCE = 16
PIECE = 65_536


def answer(folder: Path) -> None:
    """Answer with the metrics of this process for as long as it lives. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / str(os.getpid())
    path.unlink(missing_ok=True)  # of a dead process with this number
    listener = socket.socket(socket.AF_UNIX)
    with _short(path) as name:
        listener.bind(name)
    listener.listen()
    threading.Thread(target=_accept, args=(listener,), daemon=True, name="metrics").start()


def ask(folder: Path, processes: Mapping[str, int]) -> dict[str, str]:
    """What processes answer, by their names. processes: their numbers."""
    _tidy(folder)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(lambda pid: _read(folder / str(pid)), processes.values())
        return {name: text for name, text in zip(processes, answers, strict=True) if text}


def _accept(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(ANSWER_S)
            connection.sendall(metrics.exposition())


def _read(path: Path) -> str:
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX) as connection,
        _short(path) as name,
    ):
        connection.settimeout(ANSWER_S)
        connection.connect(name)
        return b"".join(iter(lambda: connection.recv(PIECE), b"")).decode()
    return ""


def _tidy(folder: Path) -> None:
    """Remove what processes have left that are dead."""
    for path in folder.glob("[0-9]*"):
        try:
            os.kill(int(path.name), 0)
        except ProcessLookupError:
            path.unlink(missing_ok=True)
        except OSError:
            continue  # somebody else's, who will do it


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for a socket, of which 107 bytes are the most, wherever its folder is."""
    if not Path("/proc/self/fd").is_dir():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
