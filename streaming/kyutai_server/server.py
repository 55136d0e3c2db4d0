"""asr-server: Kyutai's speech-to-text protocol over HTTP and websockets, around the step loop.

aiohttp, because one port answers websockets, the POST of a file and plain GETs alike; the
websockets package has no request bodies. The only file of this package that imports it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from aiohttp import WSCloseCode, WSMsgType, web

from streaming.audio import Pcm
from streaming.errors import ProtocolError, RecognizerUnavailable
from streaming.http_log import keep_requests_out
from streaming.kyutai import protocol
from streaming.kyutai_server import metrics
from streaming.kyutai_server.answers import as_json, as_message, until_marked
from streaming.kyutai_server.api_keys import Keys
from streaming.kyutai_server.batch import BatchedModel
from streaming.kyutai_server.client_stream import Stepped
from streaming.kyutai_server.connections import Connections, listening_sockets
from streaming.kyutai_server.limits import Limits
from streaming.kyutai_server.opus import OggOpusDecoder, read_file
from streaming.kyutai_server.step_loop import Seat, StepLoop

_BUILD = (
    "build_timestamp", "build_date", "git_branch", "git_timestamp", "git_date", "git_hash",
    "git_describe", "rustc_host_triple", "rustc_version", "cargo_target_triple",
)  # fmt: skip
"""What moshi-server reports about its build, and clients may query."""

_LARGE = 2_048  # bytes of Opus whose decoding would block the event loop


class Server:
    """Serves one model. ``name`` is the model's name in build_info."""

    def __init__(
        self, model: BatchedModel, *, name: str, keys: Keys, limits: Limits | None = None
    ) -> None:
        self._limits = limits or Limits()
        self.steps = StepLoop(model, admit_when_slow=self._limits.admit_when_slow)
        self.connections = Connections(
            most=self._limits.waiting,
            sessions=model.batch_size,
            within_s=self._limits.admission_s,
        )
        self._reading = 0  # files that come in
        self._name = name
        self._keys = keys

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=self._limits.post_bytes)
        app.on_response_prepare.append(_one_request)
        app.router.add_get(protocol.PATH, self._websocket)
        app.router.add_post(protocol.PATH, self._post)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/api/build_info", self._build_info)
        app.router.add_get("/api/modules_info", self._modules_info)
        return app

    async def run(self, stop: asyncio.Event) -> None:
        """Run steps until ``stop``, then drain. Raises ModelError if a step fails."""
        stepping = asyncio.create_task(self.steps.run())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stepping, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not stepping.done():
                draining = asyncio.create_task(self.steps.drain(self._limits.drain_s))
                await asyncio.wait([stepping, draining], return_when=asyncio.FIRST_COMPLETED)
                draining.cancel()
            if stepping.done():
                stepping.result()
        finally:
            stepping.cancel()
            stopping.cancel()
            await asyncio.gather(stepping, stopping, return_exceptions=True)

    def _seat(self, key: int, request: web.Request) -> Seat | None:
        transport = request.transport
        abort = transport.abort if transport is not None else (lambda: None)
        moves = protocol.MOVES_HEADER in request.headers
        return self.steps.admit(key, abort, per_key=self._limits.streams_per_key, moves=moves)

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        key = self._keys.number(
            request.headers.get(protocol.KEY_HEADER, request.query.get("auth_id"))
        )
        if key is None:
            return web.Response(status=401)
        # Without compression: audio hardly shrinks, and inflating can be abused.
        socket = web.WebSocketResponse(
            heartbeat=self._limits.ping_s, max_msg_size=protocol.MAX_CLIENT_BYTES, compress=False
        )
        await socket.prepare(request)
        seat = self._seat(key, request)
        if seat is None:
            await _finish(socket, protocol.NO_FREE_CHANNELS, WSCloseCode.TRY_AGAIN_LATER)
            return socket
        try:
            with self.connections.session(request.protocol):
                ending = await self._serve(socket, seat)
        finally:
            # Before the close, which a client may answer late.
            self.steps.leave(seat)
        if ending is not None:
            await _finish(socket, *ending)
        return socket

    async def _serve(
        self, socket: web.WebSocketResponse, seat: Seat
    ) -> tuple[str, WSCloseCode] | None:
        """Run until the client leaves (None), or there is a reason to end the stream."""
        telling = asyncio.create_task(_tell(socket, seat))
        hearing = asyncio.create_task(self._hear(socket, seat))
        try:
            async with asyncio.timeout(self._limits.session_s):
                await asyncio.wait([telling, hearing], return_when=asyncio.FIRST_COMPLETED)
            if not hearing.done():
                return seat.ended or "the stream is over", WSCloseCode.GOING_AWAY
            hearing.result()
        except ProtocolError as exc:
            metrics.ENDED.labels("nonsense").inc()
            return str(exc), WSCloseCode.INVALID_TEXT
        except TimeoutError:
            metrics.ENDED.labels("idle").inc()
            return "idle for too long, or too long a stream", WSCloseCode.GOING_AWAY
        except ConnectionError:
            pass  # gone
        finally:
            telling.cancel()
            hearing.cancel()
            await asyncio.gather(telling, hearing, return_exceptions=True)
        return None

    async def _hear(self, socket: web.WebSocketResponse, seat: Seat) -> None:
        opus = OggOpusDecoder()
        while (data := await self._binary(socket)) is not None:
            match protocol.decode_client(data):
                case protocol.Audio(pcm):
                    await self.steps.feed(seat, pcm)
                case protocol.OggOpus(packed):
                    await self.steps.feed(seat, await _unpacked(opus, packed))
                case protocol.Marker(number):
                    await self.steps.mark(seat, number)
                case protocol.Init():
                    opus = OggOpusDecoder()
                    self.steps.batch.restart(seat.ticket)

    async def _binary(self, socket: web.WebSocketResponse) -> bytes | None:
        """Return the next binary message, or None at the end. Text is ignored, as by Kyutai."""
        async with asyncio.timeout(self._limits.idle_s):
            while True:
                message = await socket.receive()
                if message.type is WSMsgType.BINARY:
                    return bytes(message.data)
                if message.type is not WSMsgType.TEXT:
                    return None

    async def _post(self, request: web.Request) -> web.Response:
        key = self._keys.number(request.headers.get(protocol.KEY_HEADER))
        if key is None:
            return web.Response(status=401)
        if self._reading >= self.steps.batch.batch_size:
            return web.json_response({"error": protocol.NO_FREE_CHANNELS}, status=503)
        data = await self._file(request)
        if data is None:
            return web.json_response({"error": "this takes too long"}, status=408)
        seat = self._seat(key, request)
        if seat is None:
            return web.json_response({"error": protocol.NO_FREE_CHANNELS}, status=503)
        try:
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(self._feed_file(seat, data))
                answers = [answer async for answer in until_marked(seat)]
                feeding.cancel()
            if seat.ended:
                return web.json_response({"error": seat.ended}, status=503)
            said = [answer for answer in answers if not isinstance(answer, Stepped)]
            return web.json_response([as_json(answer) for answer in said])
        except* ProtocolError as group:
            reason = str(group.exceptions[0])
        finally:
            self.steps.leave(seat)
        return web.json_response({"error": reason}, status=400)

    async def _file(self, request: web.Request) -> bytes | None:
        """Return the posted data, or None if it does not arrive in time."""
        self._reading += 1
        try:
            with self.connections.session(request.protocol):
                async with asyncio.timeout(self._limits.idle_s):
                    return await request.read()
        except TimeoutError:
            return None
        finally:
            self._reading -= 1

    async def _feed_file(self, seat: Seat, data: bytes) -> None:
        pieces = read_file(data)
        while (pcm := await asyncio.to_thread(next, pieces, None)) is not None:
            await self.steps.feed(seat, pcm)
        await self.steps.mark(seat, 0)

    async def _health(self, _request: web.Request) -> web.Response:
        fault = self.steps.fault()
        batch, pace = self.steps.batch, self.steps.pace
        times = {f"step_ms_p{n}": round(pace.quantile(n / 100) * 1000, 1) for n in (50, 90)}
        slots = {"used_slots": batch.used, "total_slots": batch.batch_size}
        facts = {"status": fault or "ok", **slots, **times}
        return web.json_response(facts, status=503 if fault else 200)

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=metrics.exposition(), headers={"Content-Type": metrics.CONTENT_TYPE}
        )

    async def _build_info(self, _request: web.Request) -> web.Response:
        ours = {"name": "live-captions asr-server", "version": version("live-captions")}
        return web.json_response({**dict.fromkeys(_BUILD, "unknown"), **ours, "model": self._name})

    async def _modules_info(self, _request: web.Request) -> web.Response:
        """Format like moshi-server, numbers as text, but with names in place of local paths."""
        batch = self.steps.batch
        slots = {"used_slots": str(batch.used), "total_slots": str(batch.batch_size)}
        files = {"lm": self._name, "audio_tokenizer": self._name}
        return web.json_response([{"type": "batched_asr", "path": protocol.PATH, **slots, **files}])


@asynccontextmanager
async def listen(
    server: Server, *, host: str, port: int, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Listen on ``host``:``port`` (0: a free one); give the websocket's address.

    Raises RecognizerUnavailable if the port is taken.
    """
    keep_requests_out()
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=2)
    await runner.setup()
    assert runner.server is not None
    begin, accepting = runner.server, list[asyncio.Task[None]]()
    listening: list[socket.socket] = []
    try:
        try:
            listening = listening_sockets(host, port)
        except OSError as exc:
            raise RecognizerUnavailable(
                f"cannot listen on {host}:{port} ({exc.strerror}): choose another --port or --host"
            ) from exc
        for one in listening:
            accepting.append(asyncio.create_task(server.connections.accept(one, begin, tls=tls)))
        shown = f"[{host}]" if ":" in host else host
        port = listening[0].getsockname()[1]
        yield f"{'wss' if tls else 'ws'}://{shown}:{port}{protocol.PATH}"
    finally:
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, return_exceptions=True)
        for one in listening:
            one.close()
        await runner.cleanup()


async def _one_request(_request: web.Request, response: web.StreamResponse) -> None:
    """A connection without a session may not stay for more."""
    if not isinstance(response, web.WebSocketResponse):
        response.force_close()
        response.headers["Connection"] = "close"  # it is too late for aiohttp to say so


async def _tell(socket: web.WebSocketResponse, seat: Seat) -> None:
    await socket.send_bytes(protocol.encode(protocol.Ready()))
    async for answer in seat:
        await socket.send_bytes(protocol.encode(as_message(answer)))


async def _finish(socket: web.WebSocketResponse, reason: str, code: WSCloseCode) -> None:
    """Send the reason, and close, without waiting long for the client."""
    if socket.closed:
        return
    try:
        async with asyncio.timeout(2):
            await socket.send_bytes(protocol.encode(protocol.Error(reason)))
            await socket.close(code=code, message=reason.encode()[:120])
    except (TimeoutError, ConnectionError):
        pass  # gone


async def _unpacked(opus: OggOpusDecoder, packed: bytes) -> Pcm:
    if len(packed) < _LARGE:
        return opus.feed(packed)
    return await asyncio.get_running_loop().run_in_executor(None, partial(opus.feed, packed))
