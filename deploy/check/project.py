"""The compose project without containers: our images' folders, this machine's other programs."""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from images import ROOT, Image

COMPOSE = ROOT / "deploy" / "compose" / "compose.yaml"
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
WAIT_S = 60.0

ADDRESS = "10.77.0.1"
"""Of all services, on a network that no other machine is in: browsers and SDKs send no sound over a
loopback alone."""

CLONE_NEWNET = 0x40000000


def must(holds: bool, what: str) -> None:
    """Say whether it holds; exit with status 1 if not."""
    print(f"{'ok  ' if holds else 'BAD '} {what}", flush=True)
    if not holds:
        sys.exit(1)


def own_network() -> None:
    """Leave this machine's network for one with nobody in it. Raises OSError."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot leave the network")
    for command in (
        "link set lo up",
        "link add lan0 type veth peer name lan1",
        f"address add {ADDRESS}/24 dev lan0",
        "link set lan0 up",
        "link set lan1 up",
    ):
        subprocess.run(["ip", *command.split()], check=True, env={"PATH": PATH})


class Project:
    """Services by name, all on the loopback; a context manager, which ends them."""

    def __init__(self, services: Mapping[str, Any], folder: Path) -> None:
        """services: as ``check compose`` prints them. folder: for our own files."""
        self._services = services
        self._hosts = folder / "hosts"
        self._hosts.write_text(
            "127.0.0.1 localhost\n" + "".join(f"{ADDRESS} {name}\n" for name in services)
        )
        self._running: list[subprocess.Popen[str]] = []

    def up(
        self,
        name: str,
        image: Image,
        *mounts: tuple[Path, str],
        command: Sequence[str] | None = None,
        stdout: int | None = None,
    ) -> subprocess.Popen[str]:
        """Start a service as the file says; command: another one, in its place. stdout: Popen's."""
        service = self._services[name]
        program = image.start(
            command or service.get("command") or image.command,
            variables={k: v or "" for k, v in (service.get("environment") or {}).items()},
            writable=[one.partition(":")[0] for one in service["tmpfs"]],
            mounts=[(self._hosts, "/etc/hosts"), *mounts],
            stdout=stdout,
        )
        self._running.append(program)
        return program

    def beside(self, command: Sequence[str], **variables: str) -> None:
        """Start a program of this machine in place of a service."""
        quiet = subprocess.DEVNULL
        program = subprocess.Popen(
            command, env={"PATH": PATH, **variables}, text=True, stdout=quiet, stderr=quiet
        )
        self._running.append(program)

    def livekit_config(self) -> str:
        """The file's, with an address for a name that programs of this machine do not know."""
        config: str = self._services["livekit"]["environment"]["LIVEKIT_CONFIG"]
        must("redis:6379" in config, "compose.yaml: livekit and the workers share Redis")
        return config.replace("redis:6379", f"{ADDRESS}:6379")

    def until(self, port: int, what: str, *, path: str = "/", says: str = "") -> None:
        """Wait for an answer that has ``says`` in it."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                address = f"http://127.0.0.1:{port}{path}"
                with urllib.request.urlopen(address, timeout=5) as answer:
                    if says in answer.read().decode():
                        return must(True, what)
            time.sleep(0.2)
        must(False, what)

    def measured(self, expression: str) -> float | None:
        """The first value that Prometheus has for this, if any; for a wrong one it must answer."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:9090/api/v1/query?{query}") as answer:
            found = json.load(answer)["data"]["result"]
        value = float(found[0]["value"][1]) if found else math.nan
        return None if math.isnan(value) else value

    def stop(self, program: subprocess.Popen[str]) -> None:
        """SIGTERM to what bubblewrap runs, to which it passes no signals; or to the program."""
        if program.poll() is None:
            pid = program.pid
            if Path(f"/proc/{pid}/comm").read_text().strip() == "bwrap":
                pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
            os.kill(pid, signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for program in reversed(self._running):
            self.stop(program)
            try:
                program.wait(timeout=10)
            except subprocess.TimeoutExpired:
                program.kill()
