"""Serves the page, and passes to join its room. The only file that imports aiohttp."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from captioner.errors import ConfigurationError
from streaming.http_log import keep_requests_out

OVERLAY = Path(__file__).parents[1] / "overlay"
"""The built page: made by `make overlay`, part of the wheel."""

LOOPBACK = "127.0.0.1"
NAME_MAX = 200

Join = Callable[[str, bool], dict[str, object]]
"""(viewer's name, whether a guest) → what the page needs to join."""

_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss: http: https:; style-src 'self';"
    " img-src 'self' data:; media-src 'self' blob: mediastream:; worker-src 'self' blob:;"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def overlay_folder() -> Path:
    """Return the folder of the built page. Raises ConfigurationError if it is not built."""
    if not (OVERLAY / "index.html").exists():
        raise ConfigurationError("the page is not built yet: run `make overlay` once")
    return OVERLAY


@asynccontextmanager
async def serve_page(
    join: Join, *, port: int, host: str = LOOPBACK, names: Collection[str] = ()
) -> AsyncIterator[str]:
    """Serve the page and ``api/join``; give the address for this machine.

    port: 0 takes a free one. host: the address to listen on. names: those by which browsers
    reach it, besides localhost. Raises ConfigurationError if the port is taken.
    """
    app = web.Application(middlewares=[_guard({LOOPBACK, "localhost", *names})])
    folder = overlay_folder()

    async def answer_join(request: web.Request) -> web.Response:
        name = request.query.get("name", "")[:NAME_MAX]
        return web.json_response(join(name, request.query.get("role") == "guest"))

    async def index(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(folder / "index.html")

    app.router.add_get("/api/join", answer_join)
    app.router.add_get("/", index)
    app.router.add_static("/", folder)
    keep_requests_out()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                raise ConfigurationError(
                    f"cannot listen on {host}:{port}: {exc.strerror}. Set CAPTIONER_LISTEN to an"
                    " address of this machine"
                ) from exc
            raise ConfigurationError(
                f"port {port} is in use: choose another with --port, or leave it out"
            ) from exc
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def _guard(names: Collection[str]) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        # A page of another site must not get a token by resolving its own host name to this one.
        if request.host.rsplit(":", 1)[0] not in names:
            raise web.HTTPForbidden(text="this page has another name: see captioner page --name")
        response = await handler(request)
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return guard
