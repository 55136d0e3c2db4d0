"""Asks speech servers over HTTP how many slots are free, where they tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult

import aiohttp

ASK_S = 0.25
"""A server that takes longer counts as one that does not tell."""

BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class SlotsPage:
    """Where servers of a kind tell. read: the free slots in the answer; None: it says nothing."""

    path: str
    read: Callable[[bytes], int | None]


async def free_slots(
    servers: Sequence[tuple[SplitResult, str]], page: SlotsPage
) -> list[int | None]:
    """Of each server: its address, and the machine that is meant. None: it does not tell."""
    timeout = aiohttp.ClientTimeout(total=ASK_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return await asyncio.gather(*(_ask(session, *server, page) for server in servers))


async def _ask(
    session: aiohttp.ClientSession, url: SplitResult, host: str, page: SlotsPage
) -> int | None:
    scheme = "https" if url.scheme == "wss" else "http"
    shown = f"[{host}]" if ":" in host else host
    port = f":{url.port}" if url.port else ""
    try:
        async with session.get(
            f"{scheme}://{shown}{port}{page.path}",
            headers={"Host": url.netloc},
            server_hostname=url.hostname if scheme == "https" else None,
            allow_redirects=False,
        ) as answer:
            body = await answer.content.read(BYTES_MAX)
            return page.read(body) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
