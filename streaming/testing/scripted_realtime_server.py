"""A server of /v1/realtime without a model, on a real websocket: for our tests and yours.

    async with ScriptedRealtimeServer() as server:
        engine = RealtimeEngine(Servers((server.url,)), policy=RealtimePolicy(model=server.model))
        …send ``speech([1, 2, None, 3])``, read the words "w1" "w2" "w3"…

It answers message by message as vLLM does: an utterance begins with a commit, a step is made for
each 80 ms once as much was heard as the words are behind, what is sent between the end of an
utterance and its "done" is forgotten, and a commit during an utterance is ignored.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from streaming.audio import Framer, Pcm
from streaming.testing.scripted_server import Hearing
from streaming.testing.step_model import StepModel, steady_level

PATH = "/v1/realtime"
MODEL = "scripted"

_RESTARTS = 1012  # websocket: the service is restarted


@dataclass(slots=True)
class RealtimeFaults:
    """The faults. Lists have a number for each connection, in order; later ones have no fault.

    drop_after: frames after which the connection breaks. mute_after: frames after which there are
    steps but no words. deaf_after: frames after which there are no answers. fail_after: frames
    after which the model fails. late_s: how late steps are. never_created: says nothing at all.
    nonsense: sent after the first message. key: the only one accepted.
    """

    drop_after: list[int] = field(default_factory=list)
    mute_after: list[int] = field(default_factory=list)
    deaf_after: list[int] = field(default_factory=list)
    fail_after: list[int] = field(default_factory=list)
    late_s: float = 0.0
    never_created: bool = False
    nonsense: str | bytes | None = None
    key: str | None = None


class ScriptedRealtimeServer:
    """Listens on a local port while it is entered; 0: a free one.

    delay_frames: how far words are behind. holds_back: whether steps begin that late, as vLLM's
    do; otherwise with the first frame. hearing: how words sound.
    sessions, frames, utterances: numbers of those served; used: connections.
    """

    def __init__(
        self,
        *,
        model: str = MODEL,
        delay_frames: int = 6,
        holds_back: bool = True,
        hearing: Hearing | None = None,
        faults: RealtimeFaults | None = None,
        port: int = 0,
    ) -> None:
        self.model = model
        self.faults = faults or RealtimeFaults()
        self._delay, self._holds_back = delay_frames, holds_back
        self._hearing = hearing or Hearing(steady_level)
        self._port = port
        self.sessions = self.frames = self.utterances = self.used = 0
        self.draining = False
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

    async def drain(self) -> None:
        """Take nobody any more, and send everybody away, as at SIGTERM."""
        self.draining = True
        await asyncio.gather(*(link.close(_RESTARTS) for link in list(self._links)))

    def step_model(self) -> StepModel:
        """A model for an utterance that begins."""
        return StepModel(
            delay_frames=self._delay, holds_back=self._holds_back, hearing=self._hearing
        )

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
        if self.draining:
            return link.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        if request.path.partition("?")[0] != PATH:
            return link.respond(HTTPStatus.NOT_FOUND, "")
        key = self.faults.key
        if key is not None and request.headers.get("Authorization") != f"Bearer {key}":
            return link.respond(HTTPStatus.UNAUTHORIZED, "")
        return None

    async def _serve(self, link: ServerConnection) -> None:
        self.used += 1
        self.sessions += 1
        self._links.add(link)
        connection = _Connection(self, link)
        try:
            await connection.run()
        except ConnectionClosed:
            pass
        finally:
            await connection.end()
            self._links.discard(link)
            self.used -= 1


class _Connection:
    """One client's: what it sends, and the utterance that is being recognised."""

    def __init__(self, server: ScriptedRealtimeServer, link: ServerConnection) -> None:
        self._server, self._link = server, link
        self._queue: asyncio.Queue[tuple[float, Pcm | None]] = asyncio.Queue()
        self._generation: asyncio.Task[None] | None = None
        self._model_named = False
        self._frames = 0
        faults = server.faults
        lists = faults.drop_after, faults.mute_after, faults.deaf_after, faults.fail_after
        self._drop, self._mute, self._deaf, self._fail = (
            numbers.pop(0) if numbers else None for numbers in lists
        )

    async def run(self) -> None:
        if self._server.faults.never_created:
            await self._link.wait_closed()
            return
        session = f"sess-{uuid.uuid4().hex[:16]}"
        await self._send(type="session.created", id=session, created=int(time.time()))
        if (nonsense := self._server.faults.nonsense) is not None:
            await self._link.send(nonsense)
        async for data in self._link:
            try:
                event = json.loads(data)
            except ValueError:
                await self._complain("Invalid JSON", "invalid_json")
            else:
                await self._take(event)

    async def end(self) -> None:
        if self._generation:
            self._generation.cancel()
            await asyncio.gather(self._generation, return_exceptions=True)

    async def _take(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "session.update" if event.get("model") != self._server.model:
                sentence = f"The model `{event.get('model')}` does not exist."
                await self._complain(sentence, "model_not_found")
            case "session.update":
                self._model_named = True
            case "input_audio_buffer.append":
                await self._append(event.get("audio", ""))
            case "input_audio_buffer.commit" if not self._model_named:
                await self._complain("Model not validated.", "model_not_validated")
            case "input_audio_buffer.commit" if event.get("final"):
                self._queue.put_nowait((_now(), None))
            case "input_audio_buffer.commit":
                if self._generation is None or self._generation.done():
                    self._server.utterances += 1
                    self._generation = asyncio.create_task(self._generate())
            case kind:
                await self._complain(f"Unknown event type: {kind}", "unknown_event")

    async def _append(self, audio: str) -> None:
        try:
            pcm = np.frombuffer(base64.b64decode(audio, validate=True), "<i2")
        except (binascii.Error, ValueError):
            pcm = np.zeros(0, "<i2")
        if len(pcm):
            self._queue.put_nowait((_now(), pcm.astype(np.float32) / np.float32(32_768)))
        else:
            await self._complain("Invalid audio data", "invalid_audio")

    async def _generate(self) -> None:
        """One utterance."""
        model, framer, said = self._server.step_model(), Framer(16_000), ""
        while (pcm := await self._sound()) is not None:
            for frame in framer.feed(pcm):
                if not await self._count():
                    return
                said += await self._say(model.feed(frame.pcm))
        for frame in framer.flush():
            said += await self._say(model.feed(frame.pcm))
        said += await self._say(model.end())
        if not self._is_deaf:
            await self._send(type="transcription.done", text=said, usage={"total_tokens": 0})
        while not self._queue.empty():
            self._queue.get_nowait()

    async def _sound(self) -> Pcm | None:
        came, pcm = await self._queue.get()
        if wait_s := max(came + self._server.faults.late_s - _now(), 0):
            await asyncio.sleep(wait_s)
        return pcm

    async def _count(self) -> bool:
        """One more frame; whether the model goes on."""
        self._frames += 1
        self._server.frames += 1
        if self._drop is not None and self._frames > self._drop:
            self._link.transport.abort()
            return False
        if self._fail is not None and self._frames > self._fail:
            await self._complain("CUDA error", "processing_error")
            return False
        return True

    @property
    def _is_deaf(self) -> bool:
        return self._deaf is not None and self._frames > self._deaf

    async def _say(self, texts: list[str]) -> str:
        """Send the steps; return their text."""
        mute = self._mute is not None and self._frames > self._mute
        said = ["" if mute else text for text in texts]
        for text in [] if self._is_deaf else said:
            await self._send(type="transcription.delta", delta=text)
        await asyncio.sleep(0)  # the others' turn, as between a model's steps
        return "".join(said)

    async def _complain(self, sentence: str, code: str) -> None:
        await self._send(type="error", error=sentence, code=code)

    async def _send(self, **message: object) -> None:
        await self._link.send(json.dumps(message))


def _now() -> float:
    return asyncio.get_running_loop().time()
