"""Simulates meetings: voices and recogniser streams at once, and starts. Needs simpy.

A discrete-event simulation: people speak and pause independently of each other, each for
exponentially distributed times, and a stream outlasts its voice, as in captioner.tracks.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from random import Random
from statistics import fmean, pvariance
from typing import Any

import simpy

from captioner.planning.load import AtOnce, Demand, Load
from captioner.tracks.track_captioner import QUIET_MS

LINGERS_S = QUIET_MS / 1000
"""How long a stream outlasts a voice."""

SAMPLED_ROOMS = 200
"""Rooms that are simulated; more are extrapolated, because rooms are independent."""

PEAK = 3.1
"""Standard deviations above the mean of a normal distribution that 99.9 % of the time holds."""

_SETTLES_S = 120.0
_WATCHED_S = 1_200.0
_EVERY_S = 1.0


Steps = Generator[simpy.Event, Any, None]
"""A process of the simulation."""


class _Room:
    """One meeting: how many voices and streams it has just now."""

    def __init__(self) -> None:
        self.voices = self.streams = 0


def talk_spurts(load: Load, chance: Random) -> Iterator[tuple[float, float]]:
    """Yield (pause, speech) of one person without an end, in seconds."""
    pause_s = load.turn_s * (1 - load.talk) / load.talk
    while True:
        yield chance.expovariate(1 / pause_s), chance.expovariate(1 / load.turn_s)


def demand(load: Load, *, seed: int = 0) -> Demand:
    """Simulate the meetings for 20 minutes."""
    if not 0 < load.talk < 1:
        always = load.rooms * load.people * load.talk
        return Demand(AtOnce(always, always), AtOnce(always, always))
    clock = simpy.Environment()
    rooms = [_Room() for _ in range(min(load.rooms, SAMPLED_ROOMS))]
    for number, room in enumerate(rooms):
        for person in range(load.people):
            clock.process(_person(clock, room, load, Random(f"{seed}/{number}/{person}")))
    voices: list[list[int]] = []
    streams: list[list[int]] = []

    def watch() -> Steps:
        yield clock.timeout(_SETTLES_S)
        while True:
            voices.append([room.voices for room in rooms])
            streams.append([room.streams for room in rooms])
            yield clock.timeout(_EVERY_S)

    clock.process(watch())
    clock.run(until=_SETTLES_S + _WATCHED_S)
    return Demand(_at_once(voices, load.rooms), _at_once(streams, load.rooms))


def _person(clock: simpy.Environment, room: _Room, load: Load, chance: Random) -> Steps:
    lingering = False
    for pause_s, speech_s in talk_spurts(load, chance):
        if lingering and pause_s > LINGERS_S:
            yield clock.timeout(LINGERS_S)
            room.streams -= 1
            lingering = False
            yield clock.timeout(pause_s - LINGERS_S)
        else:
            yield clock.timeout(pause_s)
        room.streams += not lingering
        room.voices += 1
        yield clock.timeout(speech_s)
        room.voices -= 1
        lingering = True


def _at_once(samples: list[list[int]], rooms: int) -> AtOnce:
    """Extrapolate from samples of each room to all rooms."""
    each = [count for counts in samples for count in counts]
    mean, variance = fmean(each), pvariance(each)
    return AtOnce(rooms * mean, rooms * mean + PEAK * math.sqrt(rooms * variance))


def start_delay_s(load: Load, *, cpu_s: float, processors: int, seed: int = 0) -> float:
    """Return how long 95 % of the rooms wait at most for their captions to be on.

    cpu_s: processor time that a start takes. The rooms begin at random times.
    """
    chance = Random(seed)
    clock = simpy.Environment()
    free = simpy.Resource(clock, capacity=processors)
    waited: list[float] = []

    def room(at_s: float) -> Steps:
        yield clock.timeout(at_s)
        with free.request() as turn:
            yield turn
            yield clock.timeout(cpu_s)
        waited.append(clock.now - at_s)

    for _ in range(load.rooms):
        clock.process(room(chance.uniform(0, load.within_s)))
    clock.run()
    return sorted(waited)[math.ceil(0.95 * len(waited)) - 1]
