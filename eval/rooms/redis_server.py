"""A redis-server of its own, found on the PATH."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from captioner.demo.livekit_server import free_port

START_S = 20.0


def find_redis() -> Path | None:
    """The program, if there is one."""
    found = shutil.which("redis-server")
    return Path(found) if found else None


class RedisServer:
    """``with`` runs it, on one port however often it is started again."""

    def __init__(self, program: Path, folder: Path | None = None) -> None:
        """folder: keeps what it knows; without one that is gone when it ends."""
        self._port = free_port()
        self._folder = folder
        kept = ["--appendonly", "yes", "--dir", str(folder)] if folder else ["--appendonly", "no"]
        self._command = [
            str(program), "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", *kept,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers. Raises TimeoutError."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)):
                return
            time.sleep(0.02)
        raise TimeoutError("redis-server does not answer")

    def freeze(self) -> None:
        """It is there and answers nothing, until it is stopped."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """While it is stopped: what it knew is gone."""
        if self._folder:
            shutil.rmtree(self._folder / "appendonlydir")

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
