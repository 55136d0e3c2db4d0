"""Measures a bot's cost and speed: processor time per silent attendee, delays, packets."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from eval.simulation.participant import Participant
from eval.simulation.script import WORD_S
from eval.simulation.testbed import Testbed
from streaming.testing.tone_words import WORDS

SETTLE_S = 3.0

READER = "reader-of-costs"


@dataclass(frozen=True, slots=True)
class Load:
    """Measurements over some seconds. cpu: of one processor, 0 to 1 and more.

    frame_ms: from receiving a frame to its recogniser taking it; publish_ms: from a recogniser's
    event to its packets being passed on. Both are upper edges of the 95th percentiles' buckets, or
    None.
    """

    cpu: float
    frame_ms: float | None
    publish_ms: float | None
    packets_s: float
    largest: int
    slots: int


async def silent(testbed: Testbed, count: int, *, muted: bool, seconds: float) -> Load:
    """Measure ``count`` people who say nothing, muted or with an open microphone."""
    async with _people(testbed, count, muted=muted):
        return await _measured(testbed, seconds)


async def speaking(testbed: Testbed, count: int, *, seconds: float) -> Load:
    """Measure ``count`` people who speak at once."""
    words = iter(range(WORDS - 1))
    async with _people(testbed, count) as people:
        needed = int((seconds + SETTLE_S + 1) / WORD_S)
        talk = [asyncio.create_task(p.say([next(words) for _ in range(needed)])) for p in people]
        load = await _measured(testbed, seconds)
        await asyncio.gather(*talk)
        return load


async def _measured(testbed: Testbed, seconds: float) -> Load:
    await asyncio.sleep(SETTLE_S)
    reader = testbed.people[READER]
    before, began, seen = await testbed.metrics(), time.monotonic(), len(reader.arrivals)
    slots = 0
    while time.monotonic() < began + seconds:
        await asyncio.sleep(0.5)
        slots = max(slots, testbed.recognizer.used)
    after, lasted = await testbed.metrics(), time.monotonic() - began
    arrivals = reader.arrivals[seen:]
    return Load(
        (total(after, "process_cpu_seconds_total") - total(before, "process_cpu_seconds_total"))
        / lasted,
        p95_ms(before, after, "captioner_frame_seconds"),
        p95_ms(before, after, "captioner_publish_seconds"),
        len(arrivals) / lasted,
        max((size for _, size in arrivals), default=0),
        slots,
    )


@asynccontextmanager
async def reading(testbed: Testbed) -> AsyncIterator[None]:
    """Measure while somebody reads, so that the bot listens."""
    reader = await testbed.enter(READER)
    try:
        yield
    finally:
        await reader.leave()
        del testbed.people[READER]


@asynccontextmanager
async def _people(
    testbed: Testbed, count: int, *, muted: bool = False
) -> AsyncIterator[list[Participant]]:
    names = [f"cost-{n}" for n in range(count)]
    async with AsyncExitStack() as stack:
        people = []
        for name in names:
            people.append(await testbed.enter(name, speaks=True, reads=False))
            if muted:
                people[-1].mute()
            stack.push_async_callback(people[-1].leave)
            stack.callback(testbed.people.pop, name)
        yield people


def total(metrics: str, name: str) -> float:
    """Return the value of a counter or gauge without labels, or 0."""
    found = re.search(rf"^{name} (\S+)$", metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0


def p95_ms(before: str, after: str, name: str) -> float | None:
    """Return the upper edge of the 95th percentile's bucket between two readings."""
    counts = _buckets(after, name)
    old = _buckets(before, name)
    new = {edge: count - old.get(edge, 0.0) for edge, count in counts.items()}
    whole = max(new.values(), default=0.0)
    if not whole:
        return None
    return next(1000 * edge for edge, count in sorted(new.items()) if count >= 0.95 * whole)


def _buckets(metrics: str, name: str) -> dict[float, float]:
    found = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', metrics, re.MULTILINE)
    return {float(edge): float(count) for edge, count in found}
