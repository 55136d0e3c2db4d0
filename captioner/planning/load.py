"""What there is to caption, and what that asks for: data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What there is to caption.

    people: with a microphone, in each room. talk: the share of the time that each speaks, 0 to 1.
    turn_s: mean length of what somebody says. within_s: the time in which all rooms begin.
    """

    rooms: int
    people: int
    talk: float
    turn_s: float = 7.0
    within_s: float = 300.0


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A number that varies: its mean, and what it does not exceed for 99.9 % of the time."""

    mean: float
    peak: float


@dataclass(frozen=True, slots=True)
class Demand:
    """What the meetings ask for: people who speak, and streams of recognisers, at once."""

    voices: AtOnce
    streams: AtOnce
