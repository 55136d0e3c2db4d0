"""Measure what rooms cost for ``captioner plan``, and compare its forecast with a real run.

    python -m benchmarks.plan [--rooms 20] [--people 2] [--talk 0.25] [--seconds 120] [--write]

Real rooms on a real media server, people who speak and pause at random, a worker whose recogniser
is a scripted server. A few rooms give the costs: empty, silent, speaking. The forecast for more
rooms from those costs stands beside what these rooms really took. About six minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from statistics import fmean

import numpy as np
import psutil

from captioner.audio_file import read_audio
from captioner.demo.demo import bundled_recording
from captioner.demo.livekit_server import find_or_build
from captioner.demo.sound_publisher import SoundPublisher
from captioner.planning import figures as planning
from captioner.planning.demand import demand, talk_spurts
from captioner.planning.figures import Figures, read_figures
from captioner.planning.load import Load
from captioner.planning.plan import Engine, processors_needed
from captioner.room.tokens import participant_token
from eval.rooms.costs import all_on, cpu_s, memory_mb
from eval.rooms.testbed import Testbed, WorkerProcess, running_testbed
from streaming.audio import Pcm
from streaming.testing.scripted_server import Hearing, ScriptedServer

FEW = 4
RATE = 48_000
SETTLES_S = 15.0
LOUD = 0.01


@dataclass(frozen=True, slots=True)
class Cost:
    """What some rooms took. cpu: processors. streams: at once. kbit_s: of captions for a page.

    room_mb: of each; shared_mb: of the worker, and of what all bots share.
    """

    cpu: float
    streams: float
    room_mb: float
    shared_mb: float
    kbit_s: float


class _Talk:
    """Hears a word of 400 ms after the other wherever there is sound."""

    def __init__(self) -> None:
        self._frames = 0

    def __call__(self, pcm: Pcm) -> str | None:
        self._frames += 1
        loud = float(np.abs(pcm).max(initial=0.0)) > LOUD
        return f"word{self._frames // 5 % 10}" if loud else None


@cache
def recording() -> Pcm:
    """Return what everybody says."""
    return read_audio(bundled_recording(), rate=RATE)


def talk(load: Load, seed: str) -> Iterator[Pcm]:
    """Yield what one person's microphone hears, without an end."""
    if load.talk == 0:
        while True:
            yield np.zeros(RATE, np.float32)
    spurts = talk_spurts(load, Random(seed)) if load.talk < 1 else iter(lambda: (0.0, 60.0), None)
    for pause_s, speech_s in spurts:
        yield np.zeros(int(pause_s * RATE), np.float32)
        yield np.resize(recording(), int(speech_s * RATE))


async def run(testbed: Testbed, load: Load, seconds: float) -> Cost:
    """Let the rooms speak for so long."""
    async with ScriptedServer(capacity=1_000, hearing=Hearing(_Talk())) as server:
        environment = {"CAPTIONER_ENGINE": "kyutai", "CAPTIONER_ASR": server.url}
        worker = await testbed.worker(rooms=load.rooms, environment=environment)
        names = [f"meeting-{number}" for number in range(load.rooms)]
        meetings = [await testbed.meeting(name, speaks=False) for name in names]
        await all_on(meetings)
        async with AsyncExitStack() as people, asyncio.TaskGroup() as voices:
            playing = []
            for room in names:
                for person in range(load.people):
                    publisher, identity = SoundPublisher(), f"person-{person}"
                    key, secret = testbed.server.key, testbed.server.secret
                    token = participant_token(key, secret, room=room, identity=identity)
                    await publisher.join(testbed.server.url, token)
                    people.push_async_callback(publisher.leave)
                    sound = talk(load, f"{room}/{identity}")
                    playing.append(voices.create_task(publisher.play(sound)))
            cost = await _measured(worker, server, seconds)
            for task in playing:
                task.cancel()
        now = time.monotonic()
        arrived = [
            len(json.dumps(one.packet))
            for meeting in meetings
            for one in meeting.page.arrivals
            if now - seconds < one.at
        ]
        await worker.stop()
        return replace(cost, kbit_s=sum(arrived) * 8 / 1_000 / seconds / load.rooms)


async def _measured(worker: WorkerProcess, server: ScriptedServer, seconds: float) -> Cost:
    await asyncio.sleep(SETTLES_S)
    spent, began, streams = cpu_s(worker), time.monotonic(), list[int]()
    while time.monotonic() < began + seconds:
        await asyncio.sleep(0.5)
        streams.append(server.used)
    cpu = (cpu_s(worker) - spent) / (time.monotonic() - began)
    bots = worker.bots()
    rooms_mb = memory_mb(bots)
    shared_mb = memory_mb(worker.family()) - rooms_mb
    return Cost(cpu, fmean(streams), rooms_mb / len(bots), shared_mb, 0.0)


def measured(program: Path, load: Load, seconds: float) -> Cost:
    async def once() -> Cost:
        with tempfile.TemporaryDirectory() as folder:
            async with running_testbed(program, Path(folder)) as testbed:
                return await run(testbed, load, seconds)

    return asyncio.run(once())


def calibrated(program: Path, people: int, seconds: float) -> Figures:
    """Measure a few rooms: without microphones, in silence, and with everybody speaking."""
    empty, silent, loud = (
        measured(program, Load(FEW, count, share), seconds)
        for count, share in ((0, 0.0), (people, 0.0), (people, 1.0))
    )
    here = f"{date.today()}, {psutil.cpu_count()} processors, {platform.machine()}"
    everybody = FEW * people
    return replace(
        read_figures(),
        measured=here,
        room_cpu=empty.cpu / FEW,
        microphone_cpu=max(silent.cpu - empty.cpu, 0) / everybody,
        voice_cpu=(loud.cpu - silent.cpu) / everybody,
        room_mb=loud.room_mb,
        worker_mb=loud.shared_mb,
        caption_kbit_s=loud.kbit_s / people,
    )


def write(found: Figures) -> None:
    """Replace the measured values in the file that comes with the product."""
    path = Path(planning.__file__).with_name(planning.FILE)
    lines = []
    for line in path.read_text("utf-8").splitlines():
        name = line.partition(" =")[0]
        value = getattr(found, name, None)
        if isinstance(value, float):
            line = f"{name} = {value:.4g}"
        elif name == "measured":
            line = f'measured = "{value}"'
        lines.append(line)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main() -> None:
    """Print costs, and forecast beside measurement."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--talk", type=float, default=0.25)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--write", action="store_true", help="into captioner/planning")
    options = parser.parse_args()
    program = find_or_build(print)
    found = calibrated(program, options.people, options.seconds / 4)
    print(found)
    load = Load(options.rooms, options.people, options.talk)
    asked = demand(load)
    voices = replace(asked.voices, peak=asked.voices.mean)  # what is measured is a mean too
    forecast = processors_needed(load, replace(asked, voices=voices), Engine.KYUTAI, True, found)
    real = measured(program, load, options.seconds)
    print(f"{load.rooms} rooms of {load.people}: {'forecast':>10} {'measured':>10} {'ratio':>6}")
    for what, said, was in (
        ("streams, mean", asked.streams.mean, real.streams),
        ("processors", forecast, real.cpu),
        ("MB a room", found.room_mb, real.room_mb),
    ):
        print(f"{what:18} {said:>14.2f} {was:>10.2f} {said / was:>6.2f}")
    if options.write:
        write(found)


if __name__ == "__main__":
    main()
