"""A Kyutai server without a model, on a real websocket: for our tests and yours.

    async with ScriptedServer() as server:
        engine = KyutaiEngine(Servers((server.url,)))
        …send ``speech([1, 2, None, 3])``, read the words "w1" "w2" "w3"…

Its words are levels of sound, so its output depends on every frame that it receives.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from streaming.audio import FRAME_MS, FRAME_SAMPLES, AudioFrame, Pcm
from streaming.kyutai import protocol

LEVELS = 64
"""The number of words: w1 … w63."""

WORD_FRAMES = 3
"""The duration of a word."""


def speech(words: Iterable[int | None], *, position: int = 0) -> list[AudioFrame]:
    """Return frames: each number is a word of 240 ms and 80 ms of silence, None 240 ms of silence.

    Word n begins at (position in ms) + 320 · n if there is no None.
    """
    levels: list[int] = []
    for word in words:
        levels += [0] * WORD_FRAMES if word is None else [*[word] * WORD_FRAMES, 0]
    return [
        AudioFrame(
            np.full(FRAME_SAMPLES, n / LEVELS, np.float32), position + i * FRAME_SAMPLES, n > 0
        )
        for i, n in enumerate(levels)
    ]


@dataclass(slots=True)
class Faults:
    """The faults. Lists have a number for each connection, in order; later ones have no fault.

    drop_after: frames after which the connection breaks. mute_after: frames after which there are
    Steps but no words. deaf_after: frames after which there are no answers. never_ready: Ready is
    not sent. nonsense: sent after Ready. key: the only one accepted.
    """

    drop_after: list[int] = field(default_factory=list)
    mute_after: list[int] = field(default_factory=list)
    deaf_after: list[int] = field(default_factory=list)
    never_ready: bool = False
    nonsense: bytes | None = None
    key: str | None = None


def level(pcm: Pcm) -> str | None:
    """Return the word that ``speech`` put into float32[n]."""
    number = round(float(np.abs(pcm).max(initial=0.0)) * LEVELS)
    return f"w{number}" if number else None


@dataclass(frozen=True, slots=True)
class Hearing:
    """How words sound. hear: the word in float32[1920], or None. frames: its least duration.

    once: a word that recurs within this many frames is the same one, interrupted.
    """

    hear: Callable[[Pcm], str | None] = level
    frames: int = 2
    once: int = 0


class WordEar:
    """Hears one stream's words, and gives each once it is over. word: the current one."""

    def __init__(self, hearing: Hearing | None = None) -> None:
        self._hearing = hearing or Hearing()
        self.word: str | None = None
        self._since = self._frames = 0
        self._until: dict[str, int] = {}  # by word: the frame at which it last ended

    def feed(self, pcm: Pcm) -> tuple[str, int] | None:
        """Hear float32[1920]; return the word that is over, and the frame at which it began."""
        word = self._hearing.hear(pcm) if len(pcm) else None
        over = self._over() if word != self.word else None
        if word != self.word:
            self.word, self._since = word, self._frames
        self._frames += 1
        return over

    def _over(self) -> tuple[str, int] | None:
        if not self.word or self._frames - self._since < self._hearing.frames:
            return None
        until = self._until.get(self.word, -self._hearing.once)
        self._until[self.word] = self._frames
        return (self.word, self._since) if self._since - until >= self._hearing.once else None


class Ears:
    """The model of such a server for one stream."""

    def __init__(self, *, delay_frames: int, heads: bool, hearing: Hearing | None = None) -> None:
        self._delay = delay_frames
        self._heads = heads
        self._ear = WordEar(hearing)
        self._steps = 0
        self._said: deque[tuple[int, protocol.ServerMessage]] = deque()  # step at which, what

    @property
    def word(self) -> str | None:
        """The current one."""
        return self._ear.word

    def step(self, pcm: Pcm) -> list[protocol.ServerMessage]:
        """Process float32[1920]."""
        over = self._ear.feed(pcm)
        if over is not None:
            word, since = over
            due = self._steps + 1 + self._delay
            self._said.append((due, protocol.Word(word, since * FRAME_MS / 1000)))
            self._said.append((due, protocol.EndWord(self._steps * FRAME_MS / 1000)))
        self._steps += 1
        out: list[protocol.ServerMessage] = []
        if self._heads:
            pause = 0.0 if self.word else 0.95
            out.append(protocol.Step(self._steps + 3, (pause, pause, pause, 0.0), 0))
        while self._said and self._said[0][0] <= self._steps:
            out.append(self._said.popleft()[1])
        return out

    def mark(self, number: int) -> None:
        """Take a Marker, which is echoed after the delay."""
        self._said.append((self._steps + self._delay, protocol.Marker(number)))


class ScriptedServer:
    """Listens on a local port while it is entered; 0: a free one.

    heads: whether it sends Steps. hearing: how words sound.
    sessions, frames: numbers of those served; reached: the words in them; used: slots in use, of
    ``capacity``; idle: set while there are none.
    """

    def __init__(
        self,
        *,
        capacity: int = 16,
        delay_frames: int = 6,
        heads: bool = True,
        hearing: Hearing | None = None,
        faults: Faults | None = None,
        port: int = 0,
    ) -> None:
        self.capacity = capacity
        self._hearing = hearing
        self._port = port
        self._delay = delay_frames
        self._heads = heads
        self.faults = faults or Faults()
        self.sessions = 0
        self.frames = 0
        self.reached: set[str] = set()
        self.used = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self._server: Server | None = None
        self._links: set[ServerConnection] = set()

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"ws://127.0.0.1:{self._port}"

    def kill(self) -> None:
        """Break all connections, as a dying process does; new ones are accepted."""
        for link in self._links:
            link.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", self._port, process_request=self._admit, compression=None
        )
        self._port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.kill()
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, link: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == protocol.SLOTS_PATH:
            slots = {"used_slots": str(self.used), "total_slots": str(self.capacity)}
            return link.respond(HTTPStatus.OK, json.dumps([{"type": "batched_asr", **slots}]))
        if path != protocol.PATH:
            return link.respond(HTTPStatus.NOT_FOUND, "")
        if (
            self.faults.key is not None
            and request.headers.get(protocol.KEY_HEADER) != self.faults.key
        ):
            return link.respond(HTTPStatus.UNAUTHORIZED, "")
        return None

    async def _serve(self, link: ServerConnection) -> None:
        if self.used >= self.capacity:
            await link.send(protocol.encode(protocol.Error(protocol.NO_FREE_CHANNELS)))
            return
        self.used += 1
        self.idle.clear()
        self.sessions += 1
        self._links.add(link)
        try:
            await self._hear(link)
        except ConnectionClosed:
            pass
        finally:
            self._links.discard(link)
            self.used -= 1
            if not self.used:
                self.idle.set()

    async def _hear(self, link: ServerConnection) -> None:
        faults = self.faults
        if faults.never_ready:
            await link.wait_closed()
            return
        await link.send(protocol.encode(protocol.Ready()))
        if faults.nonsense is not None:
            await link.send(faults.nonsense)
        drop, mute, deaf = map(_next, (faults.drop_after, faults.mute_after, faults.deaf_after))
        ears = Ears(delay_frames=self._delay, heads=self._heads, hearing=self._hearing)
        heard = 0
        async for data in link:
            assert isinstance(data, bytes)
            message = protocol.decode_client(data)
            if isinstance(message, protocol.Marker):
                ears.mark(message.id)
                continue
            assert isinstance(message, protocol.Audio)
            heard += 1
            self.frames += 1
            if drop is not None and heard > drop:
                link.transport.abort()
                return
            said = ears.step(message.pcm)
            if ears.word:
                self.reached.add(ears.word)
            if deaf is not None and heard > deaf:
                continue
            await self._say(link, said, mute=mute is not None and heard > mute)

    async def _say(
        self, link: ServerConnection, said: Sequence[protocol.ServerMessage], *, mute: bool
    ) -> None:
        for message in said:
            if not (mute and isinstance(message, protocol.Word | protocol.EndWord)):
                await link.send(protocol.encode(message))
        await asyncio.sleep(0)  # the others' turn, as between a model's steps


def _next(numbers: list[int]) -> int | None:
    return numbers.pop(0) if numbers else None
