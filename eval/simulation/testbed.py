"""The testbed of a simulated meeting: media server, recogniser, bot, and participants.

    async with Testbed(find_or_build(print)) as testbed:
        anna = await testbed.enter("anna", speaks=True)
        await anna.say([1, 2, 3])

The recogniser is a scripted one on a real websocket, which hears words that are tones
(streaming/testing/tone_words.py). The bot is a process of its own (scripted_bot.py).
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Self

from captioner.demo.livekit_server import MediaServer, free_port
from captioner.room.tokens import participant_token
from eval.simulation.bot_process import BotProcess, bot_environment
from eval.simulation.fault_proxy import FaultProxy
from eval.simulation.machine import MovableClock, SmallDisk, clock_library
from eval.simulation.participant import Participant
from eval.simulation.second_listener import SecondListener
from streaming.testing.scripted_server import Hearing, ScriptedServer
from streaming.testing.tone_words import hear

ROOM = "simulated-meeting"
BOT = "captions"
LISTENER = "second-listener"
CAPACITY = 64
HEARING = Hearing(hear, frames=1, once=75)
"""Late packets, and the silence that flushes a recogniser, may tear a word."""

NAME = "Simulata"
"""The start of every person's name, which must not be in any log."""


class Testbed:
    """``async with`` sets it up, with the bot in the room, and leaves no process behind.

    cable: between bot and media server. recognizer: None while it is down. environment: additional
    variables of the bot. real_speech: use the embedded engine, as in ``captioner run``. soak: give
    the bot a disk and a clock of its own, and a folder of transcripts on it.
    """

    def __init__(
        self,
        program: Path,
        *,
        real_speech: bool = False,
        environment: Mapping[str, str] | None = None,
        soak: bool = False,
    ) -> None:
        self.server = MediaServer(program)
        self.cable = FaultProxy(self.server)
        self.recognizer = ScriptedServer(capacity=CAPACITY, hearing=HEARING)
        self.people: dict[str, Participant] = {}
        self._real_speech = real_speech
        self._given = dict(environment or {})
        self._soak = soak
        self._disk: SmallDisk | None = None
        self._clock: MovableClock | None = None
        self._metrics_port = free_port()
        self._bot: BotProcess | None = None
        self._joins = 0
        self._stack = AsyncExitStack()
        self._folder = Path()

    @property
    def disk(self) -> SmallDisk:
        """The bot's disk."""
        assert self._disk is not None
        return self._disk

    @property
    def clock(self) -> MovableClock:
        """The bot's clock."""
        assert self._clock is not None
        return self._clock

    @property
    def bot(self) -> BotProcess:
        """The bot's process."""
        assert self._bot is not None
        return self._bot

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if self._soak:
                self._disk = stack.enter_context(SmallDisk(self._folder / "disk"))
                self._clock = MovableClock(self._folder / "clock", clock_library())
            await stack.enter_async_context(self.server)
            await stack.enter_async_context(self.cable)
            await self.recognizer.__aenter__()
            stack.push_async_callback(self.recognizer_away)
            self._bot = BotProcess(
                ROOM,
                self._environment(),
                options=("--identity", BOT),
                module="captioner" if self._real_speech else "eval.simulation.scripted_bot",
            )
            stack.push_async_callback(self._end_bot)
            await self.start_bot()
            stack.push_async_callback(self._empty)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start_bot(self) -> None:
        """Start the bot, initially or after ``bot.kill``, and wait until it has joined."""
        await self.bot.start()
        self._joins += 1
        await self.bot.logged("joined", times=self._joins)

    async def recognizer_away(self) -> None:
        """End the recogniser: all connections break, and none is accepted."""
        if self._listening:
            self._listening = False
            await self.recognizer.__aexit__(None, None, None)

    async def recognizer_back(self) -> None:
        """Restart the recogniser at its address."""
        await self.recognizer.__aenter__()
        self._listening = True

    _listening = True

    async def enter(
        self,
        identity: str,
        *,
        speaks: bool = False,
        reads: bool = True,
        host: bool = False,
        url: Callable[[], str] | None = None,
    ) -> Participant:
        """Add a participant. url: where to join, if not at the media server itself."""

        def join() -> tuple[str, str]:
            return (url or (lambda: self.server.url))(), self._token(identity, host, speaks)

        person = Participant(identity, join, speaks=speaks, reads=reads)
        self.people[identity] = person
        await person.join()
        return person

    def second_listener(self) -> SecondListener:
        """Return somebody who hears what the bot hears."""
        return SecondListener(lambda: (self.server.url, self._token(LISTENER)))

    def _token(self, identity: str, host: bool = False, speaks: bool = False) -> str:
        return participant_token(
            self.server.key, self.server.secret,
            room=ROOM, identity=identity, name=f"{NAME} {identity}", host=host, speaks=speaks,
        )  # fmt: skip

    @asynccontextmanager
    async def far_reader(self, identity: str) -> AsyncIterator[tuple[Participant, FaultProxy]]:
        """Add a reader with a cable of their own, which can be cut."""
        async with FaultProxy(self.server) as cable:
            person = await self.enter(identity, url=lambda: cable.url)
            try:
                yield person, cable
            finally:
                cable.mend()
                await person.leave()

    @property
    def origin_s(self) -> float:
        """The monotonic clock at room time 0, as announced by the bot."""
        origins = [p.page.origin_utc_ms for p in self.people.values() if p.page.origin_utc_ms]
        return origins[-1] / 1000 - (time.time() - time.monotonic())

    async def metrics(self) -> str:
        """Return the bot's /metrics."""
        address = f"http://127.0.0.1:{self._metrics_port}/metrics"
        answer = await asyncio.to_thread(urllib.request.urlopen, address, timeout=5)
        with answer:
            text: bytes = answer.read()
        return text.decode()

    def on_disk(self) -> str:
        """Return everything that the bot has written, except transcripts."""
        return _texts((self._written / "state").rglob("*"))

    def rooms_on_disk(self) -> list[str]:
        """Return what the bot has stored of each room."""
        path = self._written / "state" / "decisions.sqlite3"
        with closing(sqlite3.connect(path)) as database:
            return [str(state) for (state,) in database.execute("SELECT state FROM rooms")]

    def transcripts(self) -> str:
        """Return the transcripts."""
        return _texts((self._written / "transcripts").glob("*.vtt"))

    @property
    def _written(self) -> Path:
        return self._disk.folder if self._disk else self._folder

    def _environment(self) -> dict[str, str]:
        return bot_environment(self.server) | {
            "LIVEKIT_URL": self.cable.url,
            "CAPTIONER_ENGINE": "embedded" if self._real_speech else "kyutai",
            "CAPTIONER_ASR": self.recognizer.url,
            "CAPTIONER_METRICS_PORT": str(self._metrics_port),
            "CAPTIONER_STATE": str(self._written / "state"),
        } | self._of_soak() | self._given  # fmt: skip

    def _of_soak(self) -> dict[str, str]:
        if not self._soak:
            return {}
        kept = {"CAPTIONER_TRANSCRIPTS": str(self._written / "transcripts")}
        return kept | dict(self.clock.environment)

    async def _end_bot(self) -> None:
        self.cable.mend()
        await self.bot.stop()

    async def _empty(self) -> None:
        await asyncio.gather(*(person.leave() for person in self.people.values()))


def _texts(paths: Iterable[Path]) -> str:
    files = sorted(path for path in paths if path.is_file())
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
