"""The HTTP service on a socket. The only file of its folder that imports aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

from aiohttp import web

from captioner.api.openapi import document
from captioner.api.routes import BODY_MAX, ROUTES, Refusal, Route, as_json
from captioner.api.service import Answer, Asked, Service, refused
from captioner.errors import ConfigurationError

WEBHOOK_MAX = 2 * 2**20
"""Bytes of a webhook, which has the metadata of a room and of a participant."""

BODY_S = 10.0
AT_ONCE = 200
"""Requests that are dealt with at the same time; others are told to come back."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Work = Callable[[Asked], Awaitable[Answer]]


@contextlib.asynccontextmanager
async def serve(
    service: Service, *, host: str, port: int, origins: Collection[str] = ()
) -> AsyncIterator[str]:
    """Serve; give the address. port: 0 takes a free one. origins: pages that may ask.

    Raises ConfigurationError if the port is taken.
    """
    places = asyncio.Semaphore(AT_ONCE)
    app = web.Application(middlewares=[_plainly, _crossing(origins)], client_max_size=WEBHOOK_MAX)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(_answers(service, route), places))
    app.router.add_post("/webhook", _handler(service.webhook, places, most=WEBHOOK_MAX))
    app.router.add_get("/openapi.json", _document)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as exc:
            raise ConfigurationError(
                f"cannot serve on {host}:{port}: {exc.strerror}. Name a free port by --port, and an"
                " address of this machine by CAPTIONER_LISTEN"
            ) from exc
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _answers(service: Service, route: Route) -> Work:
    async def work(asked: Asked) -> Answer:
        return await service.answer(route, asked)

    return work


def _handler(work: Work, places: asyncio.Semaphore, *, most: int = BODY_MAX) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if places.locked():
            return _sent(refused(Refusal(503, "too many requests at once", retry_s=1)))
        async with places:
            try:
                async with asyncio.timeout(BODY_S):
                    body = await _body(request, most)
            except TimeoutError:
                return _sent(refused(Refusal(408, f"the body must come within {BODY_S:g} s")))
            token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
            match = {name: str(value) for name, value in request.match_info.items()}
            return _sent(await work(Asked(token, body, request.remote or "", match)))

    return handle


async def _body(request: web.Request, most: int) -> bytes:
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(most, request.content_length or 0)
    return await request.read()


def _sent(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body or None, headers=dict(answer.headers),
        content_type=answer.kind if answer.body else None,
        charset="utf-8" if answer.body else None,
    )  # fmt: skip


async def _document(_request: web.Request) -> web.Response:
    return _sent(Answer(200, as_json(document())))


@web.middleware
async def _plainly(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse as the service does, and keep answers out of caches."""
    try:
        response = await handler(request)
    except web.HTTPException as exc:
        response = _sent(refused(Refusal(exc.status, exc.reason)))
        if "Allow" in exc.headers:
            response.headers["Allow"] = exc.headers["Allow"]
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
