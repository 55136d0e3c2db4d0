"""The HTTP service on a socket. The only file of its folder that imports aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from captioner.api.faults import Faults
from captioner.api.openapi import document
from captioner.api.routes import BODY_MAX, ROUTES, Refusal, Route, as_json
from captioner.api.service import Answer, Asked, Service, refused
from captioner.errors import ConfigurationError

WEBHOOK_MAX = 2 * 2**20
"""Bytes of a webhook, which has the metadata of a room and of a participant."""

HEAD_S, BODY_S, IDLE_S = 10.0, 10.0, 75.0
"""How long a client may take for its first request, a body, and between requests."""

LINGER_S = 1.0
"""How long the body of a request that is answered already is waited for."""

_BROKEN = "the request is broken off, or not HTTP, or a line of it is too long"
_FAILED = "the service has failed; its log says where"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Work = Callable[[Asked], Awaitable[Answer]]


@contextlib.asynccontextmanager
async def serve(
    service: Service, *, host: str, port: int, origins: Collection[str] = ()
) -> AsyncIterator[str]:
    """Serve; give the address. port: 0 takes a free one. origins: pages that may ask.

    Raises ConfigurationError if the port is taken.
    """
    faults = Faults()
    app = web.Application(middlewares=[_plainly, _crossing(origins)], client_max_size=WEBHOOK_MAX)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(_answers(service, route)))
    app.router.add_post("/webhook", _handler(service.webhook, most=WEBHOOK_MAX))
    app.router.add_get("/openapi.json", _document)
    runner = web.AppRunner(app, shutdown_timeout=5)
    await runner.setup()
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _loop, told: faults.note(told.get("exception")))
    try:
        try:
            server = await loop.create_server(lambda: _Connection(runner, faults), host, port)
        except OSError as exc:
            raise ConfigurationError(
                f"cannot serve on {host}:{port}: {exc.strerror}. Name a free port by --port, and an"
                " address of this machine by CAPTIONER_LISTEN"
            ) from exc
        try:
            yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
    finally:
        await runner.cleanup()
        loop.set_exception_handler(before)


class _Connection(web.RequestHandler):
    """One of a client. aiohttp's own repeats what was sent, to the client and in the log."""

    def __init__(self, runner: web.AppRunner, faults: Faults) -> None:
        assert runner.server is not None
        super().__init__(
            runner.server, loop=asyncio.get_running_loop(), lingering_time=LINGER_S,
            keepalive_timeout=IDLE_S,
            access_log=None,  # type: ignore[arg-type]  # which it takes, for none
        )  # fmt: skip
        self._faults = faults
        self._silent: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._silent = asyncio.get_running_loop().call_later(HEAD_S, transport.close)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.begin()
        super().connection_lost(exc)

    def begin(self) -> None:
        """A request has come."""
        if self._silent is not None:
            self._silent.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        self._faults.note(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        response = _sent(refused(Refusal(status, _BROKEN if status < 500 else _FAILED)))
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Of those that aiohttp makes before a route is found, too."""
        if isinstance(resp, web.HTTPException):
            resp = _plain(resp)
        return await super().finish_response(request, resp, start_time)

    def log_exception(self, *_args: Any, exc_info: Any = None, **_more: Any) -> None:
        self._faults.note(exc_info if isinstance(exc_info, BaseException) else None)

    def log_debug(self, *_args: Any, **_more: Any) -> None:
        pass


def _answers(service: Service, route: Route) -> Work:
    async def work(asked: Asked) -> Answer:
        return await service.answer(route, asked)

    return work


def _handler(work: Work, *, most: int = BODY_MAX) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        match = {name: str(value) for name, value in request.match_info.items()}
        body = functools.partial(_body, request, most)
        return _sent(await work(Asked(token, body, request.remote or "", match)))

    return handle


async def _body(request: web.Request, most: int) -> bytes:
    """Raises Refusal."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while len(body) <= most and (part := await request.content.readany()):
                body += part
    except TimeoutError:
        raise Refusal(408, f"the body must come within {BODY_S:g} s") from None
    except (HttpProcessingError, web.RequestPayloadError):
        raise Refusal(400, "the body is broken off, or not encoded as its headers say") from None
    if len(body) > most:
        raise Refusal(413, f"the body is longer than {most} bytes")
    return bytes(body)


def _sent(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body or None, headers=dict(answer.headers),
        content_type=answer.kind if answer.body else None,
        charset="utf-8" if answer.body else None,
    )  # fmt: skip


def _plain(exc: web.HTTPException) -> web.Response:
    response = _sent(refused(Refusal(exc.status, exc.reason)))
    if "Allow" in exc.headers:
        response.headers["Allow"] = exc.headers["Allow"]
    return response


async def _document(_request: web.Request) -> web.Response:
    return _sent(Answer(200, as_json(document())))


@web.middleware
async def _plainly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse as the service does, and keep answers out of caches."""
    assert isinstance(request.protocol, _Connection)
    request.protocol.begin()
    try:
        response = await handler(request)
    except web.HTTPException as exc:
        response = _plain(exc)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _crossing(origins: Collection[str]) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Let pages of these origins ask; those of others never may."""

    @web.middleware
    async def cross(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        if origin not in origins:
            return await handler(request)
        if request.method == "OPTIONS":
            response: web.StreamResponse = web.Response(status=204)
            response.headers["Access-Control-Allow-Methods"] = "GET, PUT, PATCH, DELETE"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        else:
            response = await handler(request)
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
        return response

    return cross
