"""What rooms cost before anybody speaks: until captions are on, in processor time, in memory."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import psutil

from eval.rooms.meeting import Meeting
from eval.rooms.testbed import Testbed, WorkerProcess

AT_ONCE = 10
IDLE = 20
SETTLES_S = 10.0
"""After that a room that nobody speaks in takes what it will take."""

MB = 2**20
REMOTE = {
    "CAPTIONER_ENGINE": "kyutai",
    "CAPTIONER_ASR": "ws://127.0.0.1:9",  # nobody speaks, so nobody connects to it
    "CAPTIONER_LANGUAGE": "fr",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """A row of the table. most: what it may be."""

    what: str
    measured: float
    most: float
    unit: str


async def beginning(testbed: Testbed) -> list[Cost]:
    """Ten rooms dispatched at once: time and processor time until captions are on."""
    worker = await testbed.worker(rooms=AT_ONCE)
    meetings = await _meetings(testbed, AT_ONCE)
    spent, began = cpu_s(worker), time.monotonic()
    until_on = await asyncio.gather(*(_on(meeting) for meeting in meetings))
    spent = cpu_s(worker) - spent
    waited = sorted(at - began for at in until_on)
    return [
        Cost(f"{AT_ONCE} rooms at once: on, 95 %", waited[round(0.95 * AT_ONCE) - 1], 4.0, "s"),
        Cost(f"{AT_ONCE} rooms at once: on, a room", spent / AT_ONCE, 0.25, "CPU-s"),
    ]


async def standing(testbed: Testbed) -> list[Cost]:
    """A worker without a room, and with 20 in which nobody speaks, embedded."""
    worker = await testbed.worker(rooms=IDLE)
    alone = memory_mb(worker.family())
    await all_on(await _meetings(testbed, IDLE))
    return [
        Cost("worker with no room", alone, 150, "MB"),
        Cost(f"{IDLE} idle rooms, embedded, and worker", memory_mb(worker.family()), 1_000, "MB"),
    ]


async def remote(testbed: Testbed) -> list[Cost]:
    """The same rooms with recognisers elsewhere; the worker's own memory is not counted."""
    worker = await testbed.worker(rooms=IDLE, environment=REMOTE)
    await all_on(await _meetings(testbed, IDLE))
    return [Cost("an idle room, remote recogniser", memory_mb(worker.bots()) / IDLE, 30, "MB")]


async def _meetings(testbed: Testbed, count: int) -> list[Meeting]:
    return [await testbed.meeting(f"meeting-{n}", speaks=False) for n in range(count)]


async def _on(meeting: Meeting) -> float:
    await meeting.dispatch()
    return await meeting.until(lambda: "on" in meeting.states(), timeout_s=120)


async def all_on(meetings: Iterable[Meeting]) -> None:
    await asyncio.gather(*(_on(meeting) for meeting in meetings))
    await asyncio.sleep(SETTLES_S)


def cpu_s(worker: WorkerProcess) -> float:
    spent = 0.0
    for process in worker.family():
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent += times.user + times.system
    return spent


def memory_mb(processes: Iterable[psutil.Process]) -> float:
    """MB of the processes; of what several share, each has its share (PSS)."""
    return float(sum(process.memory_full_info().pss for process in processes)) / MB


Measure = Callable[[Testbed], Awaitable[list[Cost]]]

MEASURES: tuple[Measure, ...] = (beginning, standing, remote)
