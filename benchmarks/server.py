"""Measure asr-server: ms per step by batch size, and streams sustained in real time.

    .venv-kyutai/bin/python -m benchmarks.server [--seconds 300]

Uses the test checkpoint; this process generates the load, over websockets. Word delay: from sending
the frame that lets the model decide a word to the arrival of the word, which is what the server
adds to the model's own delay. Flush: each stream ends with a tone, and sends the silence that the
model needs at once; the time from then to its last word. The figures are about the server on this
machine; they say nothing about accuracy on speech or the cost of a full-size model.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan
from pathlib import Path

import aiohttp
import numpy as np

from eval.simulation.costs import p95_ms
from streaming.audio import FRAME_SAMPLES
from streaming.kyutai import protocol
from streaming.kyutai_server.test_checkpoint.tones import FRAMES_PER_WORD, TONE_FRAMES, TONES, sing

FRAME_S = 0.08
PUSHED = 4  # frames of silence: slightly more than the model's delay
SAID_AFTER = TONE_FRAMES  # frames from the first of a tone to the one that decides its word
NOTE = "Test checkpoint (six tones): plumbing on this machine, never accuracy on speech."


def ms(values: Sequence[float], share: float) -> float:
    return float(np.percentile(values, share * 100)) * 1000


def step_table(folder: Path, sizes: Sequence[int], threads: int, steps: int) -> None:
    """Return ms per step of the model alone, with every row active."""
    from streaming.kyutai_server.moshi_model import load_model

    song = sing(list(TONES) * 4).reshape(-1, FRAME_SAMPLES)
    print(f"| batch | ms a step, median | p95 |  ({threads} torch thread)\n|---|---|---|")
    for size in sizes:
        model = load_model(str(folder), batch_size=size, threads=threads)
        every, none = np.ones(size, np.bool_), np.zeros(size, np.bool_)
        costs = []
        for number in range(steps + 5):
            pcm = np.repeat(song[number % len(song)][None], size, axis=0)
            began = time.perf_counter()
            model.step(pcm, every, none)
            costs.append(time.perf_counter() - began)
        print(f"| {size} | {ms(costs[5:], 0.5):.1f} | {ms(costs[5:], 0.95):.1f} |", flush=True)


@dataclass
class Heard:
    """The result of one stream. delays: seconds from the frame that decides a word to its Word.

    flush_s: from sending the silence to the last Word.
    """

    delays: list[float] = field(default_factory=list)
    wrong: int = 0
    late_s: float = 0.0
    flush_s: float = 0.0


async def stream(url: str, first: int, seconds: float) -> Heard:
    """Sing in real time for ``seconds``, beginning with word number ``first``."""
    words = [list(TONES)[(first + i) % len(TONES)] for i in range(len(TONES))]
    frames = [protocol.encode(protocol.Audio(f)) for f in sing(words).reshape(-1, FRAME_SAMPLES)]
    heard = Heard()
    # Streams end at different times, each with the last frame of a tone.
    spoken = int(seconds / FRAME_S) // FRAMES_PER_WORD - first % 5
    count = (spoken - 1) * FRAMES_PER_WORD + TONE_FRAMES
    silence = protocol.encode(protocol.Audio(np.zeros(PUSHED * FRAME_SAMPLES, np.float32)))
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers={protocol.KEY_HEADER: protocol.PUBLIC_KEY}) as socket,
    ):
        ready = protocol.decode_server((await socket.receive()).data)
        if ready != protocol.Ready():
            raise SystemExit(f"the server says {ready}")
        await asyncio.sleep(np.random.default_rng(first).uniform(0, FRAME_S))
        began = time.monotonic()

        async def send() -> None:
            for number in range(count):
                await asyncio.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))
                heard.late_s = max(heard.late_s, time.monotonic() - began - number * FRAME_S)
                await socket.send_bytes(frames[number % len(frames)])
            await socket.send_bytes(silence)
            pushed.append(time.monotonic())
            await socket.send_bytes(protocol.encode(protocol.Marker(1)))

        pushed: list[float] = []
        sending = asyncio.create_task(send())
        number = 0
        async for message in socket:
            match protocol.decode_server(message.data):
                case protocol.Word(text, start):
                    at = number * FRAMES_PER_WORD
                    late = abs(start - at * FRAME_S) > 0.001
                    heard.wrong += late or text != words[number % len(words)]
                    sent = began + (at + SAID_AFTER) * FRAME_S
                    if pushed:
                        heard.flush_s = time.monotonic() - pushed[0]
                    else:
                        heard.delays.append(time.monotonic() - sent)
                    number += 1
                case protocol.Marker():
                    break
        await sending
        heard.wrong += abs(number - spoken)
    return heard


async def load(folder: Path, slots: int, streams: int, seconds: float, threads: int) -> None:
    """Run ``streams`` at once on a server with ``slots`` in another process."""
    server = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("asr-server")), "--model", str(folder),
        "--batch-size", str(slots), "--port", "0",
        "--threads", str(threads), "--drain-seconds", "1",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        url = (await server.stdout.readline()).decode().split()[-1]
        heard = await asyncio.gather(*(stream(url, i, seconds) for i in range(streams)))
        print(await report(url, heard, streams), flush=True)
    finally:
        server.send_signal(signal.SIGTERM)
        await server.wait()


async def report(url: str, heard: Sequence[Heard], streams: int) -> str:
    root = url.replace("ws://", "http://").removesuffix(protocol.PATH)
    async with aiohttp.ClientSession() as session, session.get(root + "/metrics") as answer:
        text = await answer.text()
    delays = [delay for one in heard for delay in one.delays]
    flushes = [one.flush_s for one in heard]
    return (
        f"| {streams} | {p95_ms('', text, 'asr_step_seconds') or nan:.0f} "
        f"| {p95_ms('', text, 'asr_overhead_seconds') or nan:.1f} "
        f"| {ms(delays, 0.5):.0f} | {ms(delays, 0.95):.0f} | {ms(delays, 1):.0f} "
        f"| {ms(flushes, 0.5):.0f} | {ms(flushes, 0.95):.0f} "
        f"| {sum(one.wrong for one in heard)} of {len(delays)} "
        f"| {max(one.late_s for one in heard) * 1000:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="a test checkpoint; made anew without")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 8, 16, 32, 64])
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--streams", type=int, nargs="*", default=[32, 64])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = args.model or Path(made)
        if args.model is None:
            from streaming.kyutai_server.test_checkpoint.checkpoint import make_test_checkpoint

            make_test_checkpoint(folder)
        print(f"{NOTE} Times in ms.")
        step_table(folder, args.sizes, args.threads, args.steps)
        print(
            f"\n{args.slots} slots\n\n| streams | step p95 ≤ | overhead p95 ≤ | word delay p50"
            " | p95 | max | flush p50 | p95 | wrong words | load generator late |\n"
            + "|---" * 10
            + "|"
        )
        for streams in args.streams:
            asyncio.run(load(folder, args.slots, streams, args.seconds, args.threads))


if __name__ == "__main__":
    main()
