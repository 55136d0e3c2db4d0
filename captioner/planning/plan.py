"""From meetings and measured costs to machines. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from captioner.planning.figures import Figures
from captioner.planning.load import Demand, Load

SPEECH_KBIT_S = 48.0
"""Opus as LiveKit's clients send a voice."""

SILENCE_KBIT_S = 3.0
"""An open microphone in silence, with DTX."""


class Engine(StrEnum):
    """What recognises."""

    EMBEDDED = "embedded"
    KYUTAI = "kyutai"
    REALTIME = "realtime"


STREAM_KBIT_S = {
    Engine.EMBEDDED: 0.0,
    Engine.KYUTAI: 24 * 32.0,  # float32 at 24 kHz
    Engine.REALTIME: 16 * 16.0 * 4 / 3,  # 16 bits at 16 kHz in base64
}
"""From a bot to a recogniser, calculated."""


class Source(StrEnum):
    """Where a number comes from."""

    SIMULATED = "simulated"
    MEASURED = "from what we measured"
    CALCULATED = "calculated"
    GIVEN = "from your figures, not measured by us"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Machines:
    """What the operator says of machines.

    processors: of one worker machine. used: the share of them to plan with, 0 to 1.
    streams_per_gpu: at once and in real time; None if unknown.
    """

    processors: int = 8
    used: float = 0.7
    streams_per_gpu: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the plan. value: None if it is not known."""

    what: str
    value: float | None
    unit: str
    source: Source
    note: str = ""


def processors_needed(
    load: Load, demand: Demand, engine: Engine, english: bool, figures: Figures
) -> float:
    """Return how many processors the bots keep busy at the peak."""
    voice = figures.voice_cpu
    if engine is Engine.EMBEDDED:
        voice += figures.embedded_voice_cpu["en" if english else "other"]
    quiet = load.rooms * (figures.room_cpu + load.people * figures.microphone_cpu)
    return quiet + demand.voices.peak * voice


def plan(
    load: Load, demand: Demand, engine: Engine, figures: Figures, machines: Machines, *,
    english: bool, start_s: Callable[[int], float],
) -> Iterator[Row]:  # fmt: skip
    """Return the lines of the plan.

    start_s: what 95 % of the rooms wait at their start, by the number of processors.
    """
    busy = processors_needed(load, demand, engine, english, figures)
    workers = max(1, math.ceil(busy / (machines.processors * machines.used)))
    rooms = math.ceil(load.rooms / workers)
    memory = figures.worker_mb + rooms * figures.room_mb
    memory += figures.embedded_model_mb if engine is Engine.EMBEDDED else 0
    yield Row("people who speak at once, mean", demand.voices.mean, "", Source.SIMULATED)
    yield Row("people who speak at once, 99.9 %", demand.voices.peak, "", Source.SIMULATED)
    yield Row("streams of recognisers, mean", demand.streams.mean, "", Source.SIMULATED)
    yield Row(
        "streams of recognisers, 99.9 %", demand.streams.peak, "", Source.SIMULATED,
        "each lasts 10 s longer than its voice",
    )  # fmt: skip
    if engine is not Engine.EMBEDDED:
        yield _gpus(demand, machines)
    yield Row("processors of the bots", busy, "", Source.MEASURED)
    yield Row(
        "worker machines", workers, "", Source.MEASURED,
        f"{machines.processors} processors, {machines.used:.0%} of them used; --rooms {rooms}",
    )  # fmt: skip
    yield Row("memory of each", memory / 1_000, "GB", Source.MEASURED)
    yield Row(
        "captions on after a start, 95 %", start_s(workers * machines.processors), "s",
        Source.SIMULATED, f"all rooms begin within {load.within_s:g} s",
    )  # fmt: skip
    yield from _networks(load, demand, engine, figures)


def _gpus(demand: Demand, machines: Machines) -> Row:
    if machines.streams_per_gpu is None:
        note = "give --streams-per-gpu; python -m benchmarks.full_size --device cuda measures it"
        return Row("GPUs", None, "", Source.UNKNOWN, note)
    gpus = math.ceil(demand.streams.peak / machines.streams_per_gpu)
    return Row("GPUs", gpus, "", Source.GIVEN, f"{machines.streams_per_gpu} streams on each")


def _networks(load: Load, demand: Demand, engine: Engine, figures: Figures) -> Iterator[Row]:
    silent = load.rooms * load.people - demand.voices.mean
    heard = demand.voices.mean * SPEECH_KBIT_S + silent * SILENCE_KBIT_S
    yield Row("media servers to bots", heard / 1_000, "Mbit/s", Source.CALCULATED)
    if stream := STREAM_KBIT_S[engine]:
        sent = demand.streams.mean * stream / 1_000
        yield Row("bots to recognisers", sent, "Mbit/s", Source.CALCULATED)
    shown = demand.voices.mean * figures.caption_kbit_s * load.people / 1_000
    yield Row(
        "captions, media servers to readers", shown, "Mbit/s", Source.MEASURED,
        "if everybody reads",
    )  # fmt: skip
