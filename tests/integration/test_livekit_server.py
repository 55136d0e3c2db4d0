"""The media server that demo and tests start: it ends with whoever started it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from captioner.demo.livekit_server import MediaServer
from captioner.demo.page_server import serve_page

pytestmark = pytest.mark.room

STARTS_ONE = """
import asyncio, sys
from pathlib import Path
from captioner.demo.livekit_server import MediaServer

async def main():
    async with MediaServer(Path(sys.argv[1])) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def nobody_listens(port: int) -> None:
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_it_ends_when_its_parent_is_killed(livekit_program: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTS_ONE, str(livekit_program), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    port = int(await parent.stdout.readline())
    started = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, started, timeout=60)
    assert alive == []
    await nobody_listens(port)


@pytest.mark.parametrize("by_force", [False, True])
async def test_it_ends_when_told_and_can_be_started_again(
    livekit_program: Path, by_force: bool
) -> None:
    async with MediaServer(livekit_program) as server:
        await (server.kill() if by_force else server.stop())
        await nobody_listens(server.port)
        await server.start()
    await nobody_listens(server.port)


async def test_of_the_demo_nothing_can_be_reached_from_another_machine(
    livekit_program: Path,
) -> None:
    async with MediaServer(livekit_program), serve_page(lambda _name, _guest: {}, port=0):
        me = psutil.Process()
        sockets = [s for p in (me, *me.children(recursive=True)) for s in p.net_connections("inet")]
        addresses = {s.laddr.ip for s in sockets if s.status in ("LISTEN", "NONE")}
        assert len(sockets) >= 3
        assert addresses == {"127.0.0.1"}
