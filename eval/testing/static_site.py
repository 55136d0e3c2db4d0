"""Serves a folder on this machine, as somebody's web server would, and runs what builds it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Files(SimpleHTTPRequestHandler):
    """policy, page: see ``serving``."""

    def __init__(self, *arguments: Any, policy: str, page: bytes | None, **named: Any) -> None:
        self._policy, self._page = policy, page
        super().__init__(*arguments, **named)

    def do_GET(self) -> None:
        if self.path != "/" or self._page is None:
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self._page)

    def end_headers(self) -> None:
        if self._policy:
            self.send_header("Content-Security-Policy", self._policy)
        super().end_headers()

    def log_message(self, *_args: object) -> None:
        """The output of tests is for tests."""


@contextmanager
def serving(folder: Path, *, policy: str = "", page: bytes | None = None) -> Iterator[str]:
    """Serve the folder, and give the address, which ends with a slash.

    policy: the Content-Security-Policy of all that is served; "" for none. page: what is served at
    the address itself, in place of the folder's index.html.
    """
    answer = partial(_Files, directory=str(folder), policy=policy, page=page)
    with ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command to its end, and return all that it said. Raises AssertionError if it failed."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
