"""Kill the server in use, of two, again and again, and count words lost or doubled.

    .venv-kyutai/bin/python -m benchmarks.killed tones  [--minutes 5] [--kills 20]
    .venv/bin/python -m benchmarks.killed speech [--minutes 5] [--kills 20] [--speech FOLDER]

The voice is played in real time into one stream of our client. At random moments the server that
has the stream gets SIGKILL and is restarted on its port.

- tones: asr-server on the test checkpoint. Every tone is counted, in order and at its time.
- speech: the embedded engine behind Kyutai's protocol (``benchmarks.spoken_server``), with kills
  and without: word error rates of both, and phrases of three words that occur twice in a row only
  with kills.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import socket
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.error import URLError

import numpy as np

from streaming.audio import SAMPLE_RATE, AudioFrame, Framer, Pcm
from streaming.kyutai_client.engine import KyutaiEngine
from streaming.kyutai_client.session import SessionPolicy
from streaming.kyutai_server.test_checkpoint.tones import TONES as WORDS
from streaming.kyutai_server.test_checkpoint.tones import sing, start_ms
from streaming.recognizer import Word
from streaming.remote.connection import Servers
from streaming.supervised_stream import StreamPolicy, SupervisedStream
from streaming.voice.frames import VoiceFinder
from streaming.voice.gate import sensitive_voice

FRAME_S = 0.08


@dataclass(frozen=True)
class Played:
    """How a voice is played. load_voice: makes what finds voice in it."""

    session: SessionPolicy
    policy: StreamPolicy
    load_voice: Callable[[], VoiceFinder]


@dataclass
class Node:
    """A server that can be killed."""

    command: list[str]
    port: int
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.command, "--port", str(self.port),
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def kill(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    async def used(self) -> int | None:
        """Return the number of slots in use, or None while it does not answer."""
        url = f"http://127.0.0.1:{self.port}/api/modules_info"

        def ask() -> int:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return int(json.load(answer)[0]["used_slots"])

        try:
            return await asyncio.to_thread(ask)
        except (URLError, OSError):
            return None

    async def up(self) -> None:
        while await self.used() is None:  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.1)


@asynccontextmanager
async def pair(command: list[str]) -> AsyncIterator[list[Node]]:
    """Start two of them, and wait until both answer."""
    nodes = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as found:
            nodes.append(Node(command, int(found.getsockname()[1])))
    async with AsyncExitStack() as stack:
        for node in nodes:
            await node.start()
            stack.push_async_callback(node.kill)
        for node in nodes:
            await node.up()
        yield nodes


@dataclass
class Result:
    """The result of one stream."""

    words: list[Word] = field(default_factory=list)
    kills: int = 0
    at_s: list[float] = field(default_factory=list)
    restarts: int = 0
    dropped_ms: int = 0


async def speak(nodes: Sequence[Node], sound: Pcm, kills: int, played: Played) -> Result:
    """Play ``sound`` in real time; kill the server in use ``kills`` times."""
    framer = Framer()
    frames = framer.feed(sound) + framer.flush()
    servers = Servers(tuple(f"ws://127.0.0.1:{node.port}" for node in nodes), connect_s=2.0)
    stream = SupervisedStream([KyutaiEngine(servers, policy=played.session)], policy=played.policy)
    has_voice = played.load_voice()
    result = Result()
    async with stream, asyncio.TaskGroup() as tasks:
        killing = tasks.create_task(kill(nodes, kills, len(frames) * FRAME_S, result))

        async def feed() -> None:
            began = time.monotonic()
            for number, frame in enumerate(frames):
                await asyncio.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))
                await stream.send(replace(frame, voiced=has_voice(frame)))
            killing.cancel()  # audio that a slow machine had no time for
            await stream.finish()

        tasks.create_task(feed())
        result.words = [event async for event in stream if isinstance(event, Word)]
    result.restarts, result.dropped_ms = stream.restarts, stream.dropped_ms
    return result


async def in_use(nodes: Sequence[Node]) -> Node:
    """Return the server that has the stream, once it is not changing servers."""
    while True:
        for node in nodes:
            if await node.used():
                return node
        await asyncio.sleep(0.01)


async def kill(nodes: Sequence[Node], kills: int, seconds: float, result: Result) -> None:
    """Kill at random moments, one in each part of the time, once the other server is up."""
    began, chance = time.monotonic(), random.Random(7)
    for number in range(kills):
        at = began + seconds * (number + chance.uniform(0.05, 0.95)) / kills
        await asyncio.sleep(max(0.0, at - time.monotonic()))
        for node in nodes:
            await node.up()
        victim = await in_use(nodes)
        await victim.kill()
        await victim.start()
        result.kills += 1
        result.at_s.append(round(time.monotonic() - began, 1))


def loud(frame: AudioFrame) -> bool:
    return bool(np.abs(frame.pcm).max() > 0.01)


TONES = Played(SessionPolicy(delay_ms=160), StreamPolicy(), lambda: loud)
SPEECH = Played(
    # The engine decodes the last half second only when more audio follows.
    SessionPolicy(delay_ms=0, settle_ms=1_200, window_ms=30_000),
    StreamPolicy(silent_s=30),
    sensitive_voice,
)


async def tones(args: argparse.Namespace) -> None:
    count = round(args.minutes * 60 / 0.48)
    spoken = random.Random(1).choices(list(WORDS), k=count)
    with tempfile.TemporaryDirectory() as made:
        folder = args.model or Path(made)
        if args.model is None:
            from streaming.kyutai_server.test_checkpoint.checkpoint import make_test_checkpoint

            make_test_checkpoint(folder)
        command = [str(Path(sys.executable).with_name("asr-server")), "--model", str(folder)]
        command += ["--batch-size", "2", "--drain-seconds", "0"]
        async with pair(command) as nodes:
            result = await speak(nodes, sing(spoken), args.kills, TONES)
    said = [word.text for word in result.words]
    places = Counter(round(word.start_ms / 480) for word in result.words)
    lost = [number for number in range(count) if not places[number]]
    doubled = sum(times - 1 for times in places.values() if times > 1)
    off = max(
        (abs(w.start_ms - start_ms(round(w.start_ms / 480))) for w in result.words), default=0
    )
    print(f"killed {result.kills} times, {result.restarts} new connections, {args.minutes} minutes")
    print(f"tones {count}, said {len(said)}, lost {len(lost)}, doubled {doubled}")
    if lost:
        print(f"killed at seconds {result.at_s}")
        print(f"lost are numbers {lost}; never sent to a server: {result.dropped_ms} ms")
    print(f"text {'the same' if said == spoken else 'DIFFERS'}, start off by {off} ms at most")


async def speech(args: argparse.Namespace) -> None:
    from benchmarks.speech import chosen_clips, joined
    from eval.measures.accuracy import wer
    from eval.normalization.normalize import normalize

    spoken = joined(chosen_clips(args), seconds=round(args.minutes * 60), seed=args.seed)
    sound = np.ascontiguousarray(spoken.sound[::2])[: round(args.minutes * 60 * SAMPLE_RATE)]
    reference = normalize(spoken.transcript, "en")
    print("| | killed | new connections | words | WER | dropped ms |\n|---|---|---|---|---|---|")
    said: dict[str, list[str]] = {}
    for name, kills in (("uncut", 0), ("killed", args.kills)):
        async with pair([sys.executable, "-m", "benchmarks.spoken_server"]) as nodes:
            result = await speak(nodes, sound, kills, SPEECH)
        text = " ".join(("" if w.joined else " ") + w.text for w in result.words)
        said[name] = normalize(text, "en")
        rate = wer(reference, said[name]).rate
        print(
            f"| {name} | {result.kills} | {result.restarts} | {len(said[name])} "
            f"| {rate:.1%} | {result.dropped_ms} |",
            flush=True,
        )
    twice = doubled(said["killed"]) - doubled(said["uncut"]) - doubled(reference)
    print(
        f"\nphrases of three words said twice in a row, uncut and speech left out: {twice.total()}"
    )


def doubled(words: Sequence[str]) -> Counter[tuple[str, ...]]:
    """Return phrases of three words that occur twice within six words."""
    grams = [tuple(words[i : i + 3]) for i in range(len(words) - 2)]
    return Counter(gram for i, gram in enumerate(grams) if gram in grams[i + 1 : i + 7])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("voice", choices=["tones", "speech"])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--model", type=Path, help="a test checkpoint; made anew without")
    parser.add_argument("--speech", type=Path, help="a folder with a manifest.tsv")
    parser.add_argument("--clips", type=int, default=1_000, help="at most so many")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    asyncio.run(tones(args) if args.voice == "tones" else speech(args))


if __name__ == "__main__":
    main()
