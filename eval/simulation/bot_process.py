"""``captioner run`` in a process of its own, so that it can be measured, and killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

from captioner.demo.livekit_server import MediaServer
from captioner.errors import CaptionerError

LINES_MAX = 20_000

START_S = 60.0
STOP_S = 30.0
"""Longer than the bot takes to finish its last words."""

_OURS = ("LIVEKIT_", "CAPTIONER_")


class BotFailed(CaptionerError):
    """The bot ended, or failed to do something. The message has its last output."""


class BotProcess:
    """``captioner run`` in a process of its own. Its output on stderr is kept, bounded."""

    def __init__(
        self,
        room: str,
        environment: Mapping[str, str],
        *,
        options: Sequence[str] = (),
        module: str = "captioner",
    ) -> None:
        """environment: added to that of this process, without its LIVEKIT_* and CAPTIONER_*.
        options: of the command ``run`` of ``module``.
        """
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
        self._command = [module, "run", "--room", room, *options]
        foreign = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        self._state = tempfile.TemporaryDirectory()  # outlives the process, until ``stop``
        ours = {"CAPTIONER_LOG": "json", "CAPTIONER_STATE": self._state.name}
        self._environment = foreign | ours | dict(environment)
        self._more = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it, without waiting."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # we handle Ctrl-C, and then end it in order
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """The process id of the last process."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self._reading is not None and not self._reading.done()

    def count(self, event: str) -> int:
        """Count the kept log lines with ``event``."""
        return sum(_event(line) == event for line in self.lines)

    async def logged(self, event: str, *, times: int = 1, timeout_s: float = START_S) -> None:
        """Wait until it has logged ``event`` that often. Raises BotFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.count(event) < times:
                    if self._reading is None or self._reading.done():
                        raise self._failed(f"ended before it said {event!r}")
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise self._failed(f"did not say {event!r} in {timeout_s:g} s") from None

    async def ended(self, *, timeout_s: float = STOP_S) -> int:
        """Wait until it has ended by itself; return its exit code. Raises BotFailed."""
        assert self._process is not None
        assert self._reading is not None
        try:
            async with asyncio.timeout(timeout_s):
                await self._reading
                return await self._process.wait()
        except TimeoutError:
            raise self._failed(f"did not end in {timeout_s:g} s") from None

    async def stop(self) -> int:
        """Ask it to leave, as an operator would, or kill it; return its exit code."""
        process = self._process
        assert process is not None
        try:
            with suppress(ProcessLookupError):
                process.terminate()
            return await self.ended()
        except BotFailed:
            return -9
        finally:
            await self.kill()
            self._state.cleanup()

    async def kill(self) -> None:
        """Kill it, as a crash would; ``start`` starts another."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        if self._reading is not None:
            await self._reading

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.lines.append(line.decode(errors="replace").rstrip())
            self._more.set()
        self._more.set()

    def _failed(self, what: str) -> BotFailed:
        return BotFailed(f"the bot {what}; it said last: {' | '.join(list(self.lines)[-5:])}")


def _event(line: str) -> str | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said.get("event") if isinstance(said, dict) else None


def bot_environment(server: MediaServer) -> dict[str, str]:
    """Return the environment of a bot on ``server`` that captions for everybody."""
    return {
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.key,
        "LIVEKIT_API_SECRET": server.secret,
        "CAPTIONER_WANT": "always",
    }
