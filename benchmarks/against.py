"""Compare asr-server with Kyutai's moshi-server 0.6.4: same checkpoint, same load, one run.

    .venv-kyutai/bin/python -m benchmarks.against [--moshi-server PATH] [--threads N]

The checkpoint is the test one with a Mimi of full size (``asr-server make-test-checkpoint
--moshi-server``), so figures are about cost, not accuracy on speech. This process generates the
load, over websockets, for one server at a time, in turns.

ms per step: every slot has all its audio queued; median time from one Step message to the next.
CPU ms: processor time of the server's process, which depends less on other load.
Streams in real time: with as many slots, each gets 80 ms every 80 ms. They are sustained if, in the
last third of the time, 95 % of the answers come within half a second of their audio.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np
import psutil

from streaming.audio import FRAME_SAMPLES
from streaming.kyutai import protocol
from streaming.kyutai_server.test_checkpoint.full_size import (
    make_wide_checkpoint,
    moshi_server_config,
)
from streaming.kyutai_server.test_checkpoint.tones import TONES, sing

FRAME_S = 0.08
LATE_S = 0.5
FRAMES = [protocol.encode(protocol.Audio(f)) for f in sing(list(TONES)).reshape(-1, FRAME_SAMPLES)]


@dataclass(frozen=True)
class Contestant:
    """One of the servers. command: with a batch size and a port."""

    name: str
    folder: Path
    threads: int
    moshi_server: str | None = None

    def command(self, batch_size: int, port: int, scratch: Path) -> list[str]:
        if self.moshi_server is None:
            return [
                str(Path(sys.executable).with_name("asr-server")), "--model", str(self.folder),
                "--batch-size", str(batch_size), "--port", str(port), "--admit-when-slow",
                "--threads", str(self.threads), "--drain-seconds", "0",
            ]  # fmt: skip
        config = scratch / "moshi-server.toml"
        text = moshi_server_config(self.folder, batch_size=batch_size, scratch=scratch)
        config.write_text(text)
        return [
            self.moshi_server, "worker", "--cpu", "--config", str(config), "--addr", "127.0.0.1",
            "--port", str(port), "--log", "warn",
        ]  # fmt: skip

    @asynccontextmanager
    async def serving(self, batch_size: int) -> AsyncIterator[tuple[str, psutil.Process]]:
        """The websocket's address, and the process, once the server answers."""
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = int(found.getsockname()[1])
        with tempfile.TemporaryDirectory() as scratch:
            threads = str(self.threads)
            process = await asyncio.create_subprocess_exec(
                *self.command(batch_size, port, Path(scratch)),
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={**os.environ, "RAYON_NUM_THREADS": threads},
            )
            try:
                await answers(f"http://127.0.0.1:{port}/api/build_info", process)
                yield f"ws://127.0.0.1:{port}{protocol.PATH}", psutil.Process(process.pid)
            finally:
                if process.returncode is None:
                    process.send_signal(signal.SIGKILL)
                await process.wait()


async def answers(url: str, process: asyncio.subprocess.Process) -> None:
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise SystemExit(f"the server ended with status {process.returncode}")


@asynccontextmanager
async def ready(
    session: aiohttp.ClientSession, url: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with session.ws_connect(
        url, headers={protocol.KEY_HEADER: protocol.PUBLIC_KEY}
    ) as socket:
        first = protocol.decode_server((await socket.receive()).data)
        if first != protocol.Ready():
            raise SystemExit(f"the server says {first}")
        yield socket


async def step_times(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[float]:
    """Return the times of the first ``count`` Steps."""
    times: list[float] = []
    while len(times) < count:
        message = await socket.receive()
        if isinstance(protocol.decode_server(message.data), protocol.Step):
            times.append(time.monotonic())
    return times


async def ms_a_step(contestant: Contestant, batch_size: int, steps: int) -> tuple[float, float]:
    """Return wall and processor time per step, in ms, with every slot full of audio."""

    async def flood(url: str, session: aiohttp.ClientSession) -> list[float]:
        async with ready(session, url) as socket:
            await barrier.wait()

            async def send() -> None:
                for number in range(steps + 2):
                    await socket.send_bytes(FRAMES[number % len(FRAMES)])

            sending = asyncio.create_task(send())
            times = await step_times(socket, steps)
            await sending
            return times

    barrier = asyncio.Barrier(batch_size)
    async with (
        contestant.serving(batch_size) as (url, process),
        aiohttp.ClientSession() as session,
    ):
        before = sum(process.cpu_times()[:2])
        streams = await asyncio.gather(*(flood(url, session) for _ in range(batch_size)))
        used = sum(process.cpu_times()[:2]) - before
    return float(np.median(np.diff(streams[0][3:]))) * 1000, used / (steps + 2) * 1000


async def holds(contestant: Contestant, streams: int, seconds: float) -> bool:
    """Return whether so many streams are answered in time."""

    async def speak(url: str, session: aiohttp.ClientSession, number: int) -> list[float]:
        async with ready(session, url) as socket:
            await asyncio.sleep(FRAME_S * number / streams)
            began = time.monotonic()

            async def send() -> None:
                for frame in range(count):
                    await asyncio.sleep(max(0.0, began + frame * FRAME_S - time.monotonic()))
                    await socket.send_bytes(FRAMES[frame % len(FRAMES)])

            sending = asyncio.create_task(send())
            times = await step_times(socket, count)
            await sending
            return [at - began - frame * FRAME_S for frame, at in enumerate(times)]

    count = int(seconds / FRAME_S)
    async with contestant.serving(streams) as (url, _), aiohttp.ClientSession() as session:
        try:
            async with asyncio.timeout(3 * seconds):
                late = await asyncio.gather(*(speak(url, session, n) for n in range(streams)))
        except TimeoutError:
            return False
    last = np.array([one[-count // 3 :] for one in late])
    return float(np.percentile(last, 95)) <= LATE_S


async def held(contestant: Contestant, most: int, seconds: float) -> int:
    """Return the number of streams that are sustained; one more is not."""
    streams = 0
    while streams < most and await holds(contestant, streams + 1, seconds):
        streams += 1
    return streams


async def tables(contestants: Sequence[Contestant], args: argparse.Namespace) -> None:
    theirs, ours = contestants
    print(f"{args.threads} threads each (RAYON_NUM_THREADS, --threads);")
    print("test checkpoint with a Mimi of full size: cost and plumbing, never accuracy.\n")
    print("| batch | moshi-server ms a step | asr-server | ratio | CPU ms a step | | ratio |")
    print("|---|---|---|---|---|---|---|")
    for size in args.sizes:
        rounds = [
            [await ms_a_step(one, size, args.steps) for one in contestants]
            for _ in range(args.rounds)
        ]
        (a, cpu_a), (b, cpu_b) = (min(column) for column in zip(*rounds, strict=True))
        print(
            f"| {size} | {a:.0f} | {b:.0f} | {b / a:.2f} "
            f"| {cpu_a:.0f} | {cpu_b:.0f} | {cpu_b / cpu_a:.2f} |",
            flush=True,
        )
    if args.most:
        print("\n| | streams in real time |\n|---|---|")
        for one in (theirs, ours):
            print(f"| {one.name} | {await held(one, args.most, args.seconds)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--moshi-server", default=os.environ.get("MOSHI_SERVER") or shutil.which("moshi-server")
    )
    parser.add_argument("--model", type=Path, help="the checkpoint; made anew without")
    parser.add_argument("--sizes", type=int, nargs="*", default=[4, 8, 16, 32])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=2, help="in turns; the better counts")
    parser.add_argument("--most", type=int, default=16, help="streams tried; 0: none")
    parser.add_argument("--seconds", type=float, default=15.0)
    args = parser.parse_args()
    if args.moshi_server is None:
        parser.error("no moshi-server: name it with --moshi-server or MOSHI_SERVER")
    with tempfile.TemporaryDirectory() as made:
        folder = args.model or Path(made) / "wide"
        if args.model is None:
            from streaming.kyutai_server.test_checkpoint.checkpoint import make_test_checkpoint

            make_test_checkpoint(Path(made) / "small")
            make_wide_checkpoint(Path(made) / "small", folder)
        contestants = (
            Contestant("moshi-server", folder, args.threads, args.moshi_server),
            Contestant("asr-server", folder, args.threads),
        )
        asyncio.run(tables(contestants, args))


if __name__ == "__main__":
    main()
