"""Measure how evenly streams fill several speech servers while they come and go.

    .venv/bin/python -m benchmarks.balance [--servers 8] [--streams 200] [--seconds 40]

Servers (``streaming.testing``) are processes of their own, and so are clients: as many as
``--processes``, each with its share of the streams, which know nothing of the others'. A stream
stays for some seconds, then another one begins. Printed is (fullest - emptiest) / mean.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from streaming.errors import RecognizerUnavailable
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.realtime_client.engine import RealtimeEngine
from streaming.realtime_client.session import RealtimePolicy
from streaming.remote.connection import Servers
from streaming.testing.scripted_realtime_server import MODEL, ScriptedRealtimeServer
from streaming.testing.scripted_server import ScriptedServer

STAY_S = 4.0, 20.0
"""How long a stream stays, at least and at most."""

LOOK_S = 0.5


async def serve(kind: str) -> None:
    """Say the address, then, for each line read, how many streams there are."""
    server = ScriptedServer(capacity=64) if kind == "kyutai" else ScriptedRealtimeServer()
    async with server:
        print(server.url, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(server.used, flush=True)


async def come_and_go(kind: str, addresses: Sequence[str], streams: int, seconds: float) -> None:
    """One process's streams."""
    servers = Servers(tuple(addresses), connect_s=5)
    engine = (
        KyutaiEngine(servers)
        if kind == "kyutai"
        else RealtimeEngine(servers, policy=RealtimePolicy(MODEL))
    )

    async def speaker() -> None:
        await asyncio.sleep(random.uniform(0, STAY_S[1] / 4))
        while True:
            try:
                async with engine.open():
                    await asyncio.sleep(random.uniform(*STAY_S))
            except RecognizerUnavailable:
                await asyncio.sleep(0.1)

    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(speaker() for _ in range(streams)))
    except TimeoutError:
        pass


@asynccontextmanager
async def process(*arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """This module in a process of its own."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.balance", *map(str, arguments),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def ask(server: asyncio.subprocess.Process) -> int:
    """How many streams it has."""
    assert server.stdin
    assert server.stdout
    server.stdin.write(b"\n")
    await server.stdin.drain()
    return int(await server.stdout.readline())


async def measure(kind: str, args: argparse.Namespace, processes: int) -> list[float]:
    """The spread, looked at again and again once all streams have begun."""
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(process("--serve", kind)) for _ in range(args.servers)
        ]
        addresses = [(await one.stdout.readline()).decode().strip() for one in servers]  # type: ignore[union-attr]
        share = args.streams // processes
        for _ in range(processes):
            client = process("--visit", kind, "--streams", share, "--seconds", 600, *addresses)
            await stack.enter_async_context(client)
        while sum(await asyncio.gather(*map(ask, servers))) < 0.9 * args.streams:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        await asyncio.sleep(STAY_S[1])  # those that began all at once are gone
        spreads = []
        for _ in range(int(args.seconds / LOOK_S)):
            await asyncio.sleep(LOOK_S)
            counts = await asyncio.gather(*map(ask, servers))
            spreads.append((max(counts) - min(counts)) / statistics.mean(counts))
        return spreads


async def main(args: argparse.Namespace) -> None:
    """Print the table."""
    print(f"{args.streams} streams on {args.servers} servers, (fullest - emptiest) / mean")
    print(f"{'servers that':<28}{'processes':>10}{'median':>9}{'95 %':>8}{'must':>8}")
    for kind, what, processes in (
        ("kyutai", "tell their free slots", args.processes),
        ("realtime", "tell none (lag alone)", 1),
        ("realtime", "tell none (lag alone)", args.processes),
    ):
        spreads = await measure(kind, args, processes)
        median, most = statistics.median(spreads), statistics.quantiles(spreads, n=20)[-1]
        print(f"{what:<28}{processes:>10}{median:>9.0%}{most:>8.0%}{'15 %':>8}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", type=int, default=8)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--visit", help=argparse.SUPPRESS)
    parser.add_argument("addresses", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.serve))
    elif given.visit:
        asyncio.run(come_and_go(given.visit, given.addresses, given.streams, given.seconds))
    else:
        asyncio.run(main(given))
