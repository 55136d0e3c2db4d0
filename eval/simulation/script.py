"""Generates the script of a simulated meeting from a seed: overlaps, switches, faults. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from streaming.testing.tone_words import PAUSE_MS, RAISES, WORD_MS

WORD_S = (WORD_MS + PAUSE_MS) / 1000
"""The duration of a word."""

LEAD_S, TRAIL_S = 0.8, 1.0
"""The pause between unmuting and speaking, speaking and muting."""

HEARD_S = 4.0
"""The least time between joining and speaking."""

STAYS_S, AWAY_S = (60.0, 240.0), (10.0, 30.0)
"""How long people of a restless meeting are there, and away."""

HOST = "p0"


class What(StrEnum):
    """The acts of participants."""

    SAY = "say"
    JOIN = "join"
    LEAVE = "leave"
    MUTE = "mute"
    UNMUTE = "unmute"
    REFUSE = "refuse"
    AGREE = "agree"
    NOT_KEPT = "not kept"  # captioned, and in no transcript
    OFF = "off"
    ON = "on"
    KEEP = "keep"  # the host switches the transcript on
    LATE = "late"  # a participant joins who only reads
    FAULT = "fault"


class Fault(StrEnum):
    """The faults."""

    RECOGNIZER_KILLED = "recogniser killed"
    RECOGNIZER_AWAY = "recogniser away for 8 s"
    RECOGNIZER_FULL = "recogniser full for 8 s"
    TRACK_RAISES = "a track raises"
    PACKETS_LOST = "a viewer loses every packet for 5 s"
    VIEWER_CUT = "a viewer's network cut for 10 s"
    BOT_CUT = "the bot's network cut for 10 s"
    SERVER_KILLED = "media server killed"
    BOT_KILLED = "bot killed"
    CLOCK_BACK = "bot killed, and its clock set by an hour"
    CLOCK_SET = "the bot's clock set back an hour, and forward again"
    DISK_FULL = "the bot's disk full for 12 s"
    BOT_STARVED = "one processor for the bot and four others for 10 s"
    BOT_STOPPED = "the bot stands still for 15 s"
    SERVER_STOPPED = "the media server stands still for 8 s"


NETWORK_FAULTS = tuple(Fault)[: tuple(Fault).index(Fault.CLOCK_BACK)]
"""Those that any machine can play."""


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """at_s: since the meeting began. words: numbers of tone_words, each said once."""

    at_s: float
    what: What
    who: str = ""
    words: tuple[int, ...] = ()
    fault: Fault | None = None


@dataclass(slots=True)
class _Person:
    """here: when it came and goes. shy: muted but when it speaks."""

    name: str
    shy: bool
    here: list[tuple[float, float]]
    busy_until: float = 0.0

    def can_speak(self, start: float, end: float) -> bool:
        there = any(came + HEARD_S <= start and end + 3 <= left for came, left in self.here)
        return there and start >= self.busy_until


@dataclass(frozen=True, slots=True)
class MeetingPlan:
    """The parameters of a meeting. faults: in order, evenly spread.

    restless: people come, go, refuse and agree all the time, and a transcript is kept.
    """

    people: int = 10
    seconds: float = 1_800.0
    faults: tuple[Fault, ...] = ()
    seed: int = 1
    overlap: float = 0.35  # share of turns that begin before the previous one has ended
    quiet_s: float = 8.0  # at the end, so that all words can be recognised
    late: int = 1  # number of late joiners who only read
    switches: bool = True  # a host switches off and on, people refuse and agree again
    restless: bool = False


def faults_of(count: int) -> tuple[Fault, ...]:
    """Return ``count`` faults, all kinds of the network in turn."""
    return tuple(NETWORK_FAULTS[n % len(NETWORK_FAULTS)] for n in range(count))


def any_faults(count: int, kinds: Sequence[Fault], *, seed: int) -> tuple[Fault, ...]:
    """Return ``count`` faults in random order, each kind as often."""
    chance, found = Random(seed), list[Fault]()
    while len(found) < count:
        found += chance.sample(kinds, len(kinds))
    return tuple(found[:count])


def script(plan: MeetingPlan) -> list[Act]:
    """Return the acts in order of time. Equal plans give equal acts."""
    chance = Random(plan.seed)
    people = _restless_people(plan, chance) if plan.restless else _people(plan, chance)
    acts = [*_comings(people, plan), *_faults(people, plan), *_lates(plan)]
    if plan.restless:
        acts += _restless_switches(people, plan, chance)
    elif plan.switches:
        acts += _switches(people, plan)
    acts += _turns(people, plan, chance)
    return sorted(acts)


def identities(plan: MeetingPlan) -> list[str]:
    """Name the speakers; the first one is a host."""
    return [f"p{n}" for n in range(plan.people)]


def _people(plan: MeetingPlan, chance: Random) -> list[_Person]:
    """Plan presence: most stay, every fifth joins late, every seventh leaves and returns."""
    found = []
    for n, name in enumerate(identities(plan)):
        here = [(0.0, plan.seconds + 60)]
        if n % 5 == 4:
            here = [(round(plan.seconds * chance.uniform(0.1, 0.3), 2), plan.seconds + 60)]
        elif n % 7 == 3:
            out = round(plan.seconds * chance.uniform(0.4, 0.5), 2)
            here = [(0.0, out), (round(out + plan.seconds * 0.1, 2), plan.seconds + 60)]
        found.append(_Person(name, shy=n % 2 == 1, here=here))
    return found


def _restless_people(plan: MeetingPlan, chance: Random) -> list[_Person]:
    """Plan presence: the host stays, the others are there for some minutes, and come again."""
    found = [_Person(HOST, shy=False, here=[(0.0, plan.seconds + 60)])]
    for n, name in enumerate(identities(plan)[1:]):
        person = _Person(name, shy=n % 2 == 0, here=[])
        at = 0.0 if n < plan.people // 2 else chance.uniform(5, 40)
        while at < plan.seconds - 30:
            left = at + chance.uniform(*STAYS_S)
            if left > plan.seconds - 30:
                left = plan.seconds + 60
            person.here.append((round(at, 2), round(left, 2)))
            at = left + chance.uniform(*AWAY_S)
        found.append(person)
    return found


def _comings(people: Sequence[_Person], plan: MeetingPlan) -> Iterator[Act]:
    for person in people:
        for came, left in person.here:
            yield Act(came, What.JOIN, person.name)
            if person.shy:
                yield Act(came + 0.01, What.MUTE, person.name)
            if left < plan.seconds:
                yield Act(left, What.LEAVE, person.name)


def _switches(people: Sequence[_Person], plan: MeetingPlan) -> Iterator[Act]:
    """Between faults, the host switches off and on, and two people refuse and agree again."""
    spacing = plan.seconds / max(len(plan.faults), 4)
    length = min(spacing / 3, 15.0)
    slots = [n * spacing for n in range(1, round(plan.seconds / spacing))]
    host = people[0]
    for at in slots[1 :: max(len(slots) // 2, 1)][:2]:
        yield Act(at, What.OFF, host.name)
        yield Act(at + length, What.ON, host.name)
    for n, at in enumerate(slots[2 :: max(len(slots) // 2, 1)][:2]):
        if len(people) > n + 1:
            yield Act(at, What.REFUSE, people[n + 1].name)
            yield Act(at + length, What.AGREE, people[n + 1].name)


def _restless_switches(
    people: Sequence[_Person], plan: MeetingPlan, chance: Random
) -> Iterator[Act]:
    """Between faults the host switches off and on, or somebody refuses and agrees again."""
    yield Act(HEARD_S, What.KEEP, HOST)
    spacing = plan.seconds / max(len(plan.faults), 4)
    length = spacing / 4
    for n in range(1, int(plan.seconds / spacing)):
        at = round(n * spacing, 2)
        what, back = chance.choice(
            ((What.OFF, What.ON), (What.REFUSE, What.AGREE), (What.NOT_KEPT, What.AGREE))
        )
        # Whoever leaves before they agree again is not there to say so.
        able = [p for p in people if any(a + 5 < at < b - length - 20 for a, b in p.here)]
        if not able:
            continue
        who = HOST if what is What.OFF else chance.choice(able).name
        yield Act(at, what, who)
        yield Act(at + length, back, who)


def _faults(people: Sequence[_Person], plan: MeetingPlan) -> Iterator[Act]:
    spacing = plan.seconds / max(len(plan.faults), 1)
    # A track can raise only while its speaker is heard, so choose one who stays and never mutes.
    heard = [person for person in people if not person.shy and person.here == people[0].here]
    for n, fault in enumerate(plan.faults):
        who = heard[n % len(heard)].name if fault is Fault.TRACK_RAISES else ""
        yield Act(round((n + 0.5) * spacing, 2), What.FAULT, who, fault=fault)


def _lates(plan: MeetingPlan) -> Iterator[Act]:
    for n in range(plan.late):
        yield Act(plan.seconds * (n + 1) / (plan.late + 1), What.LATE, f"late-{n}")


def _turns(people: Sequence[_Person], plan: MeetingPlan, chance: Random) -> Iterator[Act]:
    words = iter(chance.sample(range(RAISES), min(RAISES, int(plan.seconds / WORD_S * 4) + 100)))
    at, end = HEARD_S, plan.seconds - plan.quiet_s
    while at < end:
        length = chance.choice((2, 3, 5, 8, 12, 20))
        over = at + length * WORD_S
        able = [p for p in people if p.can_speak(at - LEAD_S, over + TRAIL_S)]
        if not able:
            at += 1.0
            continue
        person = chance.choice(able)
        said = tuple(next(words) for _ in range(length))
        if person.shy:
            yield Act(round(at - LEAD_S, 2), What.UNMUTE, person.name)
            yield Act(round(over + TRAIL_S, 2), What.MUTE, person.name)
        yield Act(round(at, 2), What.SAY, person.name, said)
        person.busy_until = over + TRAIL_S + LEAD_S
        if chance.random() < plan.overlap:
            at = max(at + 0.5, over - chance.uniform(0.3, 4.0))
        else:
            at = over + chance.uniform(0.2, 2.5)
