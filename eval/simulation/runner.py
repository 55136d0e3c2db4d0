"""Plays a script on a testbed, and collects the results."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from captioner.contract_requests import CONSENT, SET
from eval.simulation.caption_receiver import CaptionReceiver
from eval.simulation.costs import total
from eval.simulation.fault_proxy import FaultProxy
from eval.simulation.faults import inflict
from eval.simulation.machine import Usage
from eval.simulation.participant import Participant
from eval.simulation.script import HOST, Act, Fault, What
from eval.simulation.second_listener import SecondListener
from eval.simulation.testbed import Testbed
from eval.simulation.verdict import Facts, Span, SpokenWord
from streaming.testing import tone_words

READER, FAR_READER = "reader-always-there", "reader-far-away"

QUIET_S = 7.0
"""Wait after the last word, longer than any caption stays open."""

ACT_S = 120.0
"""A participant that takes longer for an act is stuck: reported, and the meeting goes on."""

CLICK_S = 10.0

RECOVERS_S = 15.0
"""How long after a fault a host's click may take its time."""

WATCH_S = 15.0

RAISED_S = 8.0
"""How long a track may be without captions after a bug."""

Tell = Callable[[str], None]


@dataclass(slots=True)
class Click:
    """A host's switch-off: seconds until answered, nothing was recognised, and all saw it."""

    answered_s: float
    stopped_s: float
    seen_s: float


@dataclass(slots=True)
class Played:
    """The result of a meeting. reader: always present; others: joined late or lost packets.

    had_all_s: when late joiners had the captions from before. keeps: (time, "on" or "off") of the
    transcript as the reader saw it. usage: (time, what the bot has of the machine, its tasks).
    """

    said: list[SpokenWord] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    reader: CaptionReceiver = field(default_factory=CaptionReceiver)
    others: dict[str, CaptionReceiver] = field(default_factory=dict)
    clicks: list[Click] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    had_all_s: dict[str, float] = field(default_factory=dict)
    log: str = ""
    metrics: str = ""
    on_disk: str = ""
    transcripts: str = ""
    keeps: list[tuple[float, str]] = field(default_factory=list)
    usage: list[tuple[float, Usage, int]] = field(default_factory=list)
    origin_s: float = 0.0
    failed: list[str] = field(default_factory=list)  # failed acts of the simulation itself


class Play:
    """A run of a script."""

    def __init__(self, testbed: Testbed, acts: Sequence[Act], tell: Tell) -> None:
        self.played = Played()
        self._stage = testbed
        self._acts = acts
        self._tell = tell
        self._open: dict[tuple[What, str], tuple[float, float]] = {}
        self._listener: SecondListener | None = None
        self._far: tuple[Participant, FaultProxy] | None = None
        self._turns = defaultdict[str, asyncio.Lock](asyncio.Lock)  # one click at a time
        self._disturbed_s = -math.inf  # until when
        self._starving = False

    async def run(self) -> Played:
        """Play the whole meeting, and a period of silence."""
        testbed = self._stage
        reader = await testbed.enter(READER)
        async with (
            testbed.far_reader(FAR_READER) as self._far,
            testbed.second_listener() as self._listener,
        ):
            await reader.until(lambda: not reader.page.missing)
            began = time.monotonic()
            watching = asyncio.create_task(self._watch(began))
            async with asyncio.TaskGroup() as tasks:
                for act in self._acts:
                    await asyncio.sleep(began + act.at_s - time.monotonic())
                    tasks.create_task(self._do(act))
            await asyncio.sleep(QUIET_S)
            watching.cancel()
            await self._gather(reader)
        return self.played

    async def _do(self, act: Act) -> None:
        person = self._stage.people.get(act.who)
        try:
            async with asyncio.timeout(ACT_S):
                match act.what:
                    case What.JOIN:
                        await self._stage.enter(
                            act.who, speaks=True, reads=act.who == HOST, host=act.who == HOST
                        )
                    case What.LATE:
                        await self._come_late(act.who)
                    case What.FAULT:
                        await self._fault(act)
                    case _ if person is not None:
                        await self._act(act, person)
        except Exception as exc:  # one failing participant does not end the meeting; it is reported
            self.played.failed.append(f"{act.what} {act.who}: {type(exc).__name__} {exc}")

    async def _act(self, act: Act, person: Participant) -> None:
        match act.what:
            case What.SAY:
                await person.say(act.words)
            case What.MUTE:
                person.mute()
            case What.UNMUTE:
                person.unmute()
                if self._starving:  # it hears of that late, as of who comes
                    now = time.monotonic()
                    self.played.facts.unheard.append(Span(now, now, now, now, act.who))
            case What.LEAVE:
                del self._stage.people[act.who]
                await person.leave()
                self._keep(person)
            case What.OFF | What.ON:
                async with self._turns[act.who]:
                    await self._switch(act, person)
            case What.REFUSE | What.NOT_KEPT | What.AGREE:
                async with self._turns[act.who]:
                    await self._wish(act, person)
            case What.KEEP:
                await self._start_transcript(person)

    async def _wish(self, act: Act, person: Participant) -> None:
        captioned, kept = act.what is not What.REFUSE, act.what is What.AGREE
        times = await person.ask(CONSENT, {"v": 1, "captioned": captioned, "kept": kept})
        self._span(What.REFUSE, act, times, self.played.facts.refused)
        self._span(What.NOT_KEPT, act, times, self.played.facts.not_kept)

    async def _switch(self, act: Act, host: Participant) -> None:
        on = act.what is What.ON
        times = await host.ask(SET, {"v": 1, "enabled": on})
        self._span(What.OFF, act, times, self.played.facts.off)
        if not on and time.monotonic() > self._disturbed_s:
            self.played.clicks.append(await self._clicked(*times))

    async def _clicked(self, asked: float, answered: float) -> Click:
        async def stopped() -> float:
            await self._stage.recognizer.idle.wait()
            return time.monotonic()

        async def saw(person: Participant) -> float:
            await person.until(lambda: person.saw_state("off", since=asked) is not None)
            return person.saw_state("off", since=asked) or 0.0

        there = [person for person in self._stage.people.values() if not person.is_away]
        async with asyncio.timeout(CLICK_S):
            ended, *seen = await asyncio.gather(stopped(), *map(saw, there))
        return Click(answered - asked, ended - asked, max(seen) - asked)

    def _span(self, begin: What, act: Act, times: tuple[float, float], spans: list[Span]) -> None:
        """Make one span of a switch and its reversal."""
        key = (begin, act.who)
        if act.what is begin:
            self._open[key] = times
        elif began := self._open.pop(key, None):
            spans.append(Span(*began, *times, None if begin is What.OFF else act.who))

    async def _fault(self, act: Act) -> None:
        assert act.fault is not None
        assert self._far is not None
        self._tell(f"{act.at_s:7.0f} s  {act.fault}")
        reader, cable = self._far
        victim = self._stage.people.get(act.who) or self._stage.people[HOST]
        began = time.monotonic()
        self._disturbed_s = math.inf
        self._starving = act.fault is Fault.BOT_STARVED
        await inflict(act.fault, self._stage, victim=victim, reader=reader, cable=cable)
        self._disturbed_s = time.monotonic() + RECOVERS_S
        if act.fault is Fault.DISK_FULL:  # it put an end to the transcript
            await self._start_transcript(self._stage.people[HOST])
        now = time.monotonic()
        if self._starving:
            self._starving = False
            self.played.facts.starved.append(Span(began, began, now, now))
        if act.fault is Fault.TRACK_RAISES:
            span = Span(began, began, now, now + RAISED_S, victim.identity)
            self.played.facts.unheard.append(span)

    async def _start_transcript(self, host: Participant) -> None:
        await host.ask(SET, {"v": 1, "transcript": True})

    async def _watch(self, began: float) -> None:
        """What the bot has of the machine, as time goes by."""
        while True:
            await asyncio.sleep(WATCH_S)
            with suppress(OSError):  # there is no bot just now
                usage = Usage.of(self._stage.bot.pid)
                tasks = round(total(await self._stage.metrics(), "captioner_tasks"))
                self.played.usage.append((time.monotonic() - began, usage, tasks))

    async def _come_late(self, identity: str) -> None:
        began = time.monotonic()
        late = await self._stage.enter(identity)
        await late.until(lambda: late.page.session is not None and not late.page.missing)
        self.played.had_all_s[identity] = time.monotonic()
        self.played.late_s.append(self.played.had_all_s[identity] - began)

    async def _gather(self, reader: Participant) -> None:
        played, testbed = self.played, self._stage
        assert self._far is not None
        await self._come_late("late-at-the-end")
        lates = [p for name, p in testbed.people.items() if name.startswith("late")]
        for person in (*lates, self._far[0], reader):
            await person.hello()  # the last packet may be in transit
            played.others[person.identity] = person.page
        played.reader = played.others.pop(reader.identity)
        for person in testbed.people.values():
            self._keep(person)
        facts = played.facts
        kinds = {What.REFUSE: facts.refused, What.NOT_KEPT: facts.not_kept, What.OFF: facts.off}
        for (what, who), times in self._open.items():  # never taken back
            span = Span(*times, math.inf, math.inf, None if what is What.OFF else who)
            kinds[what].append(span)
        played.said.sort(key=lambda said: said.start_s)
        played.origin_s = testbed.origin_s
        played.facts.reached = testbed.recognizer.reached
        assert self._listener is not None
        played.facts.delivered = self._listener.heard
        played.log = "\n".join(testbed.bot.lines)
        played.metrics = await testbed.metrics()
        played.on_disk = testbed.on_disk()
        played.transcripts, played.keeps = testbed.transcripts(), reader.keeps

    def _keep(self, person: Participant) -> None:
        raises = tone_words.word(tone_words.RAISES)
        self.played.said += [said for said in person.said if said.word != raises]
        self.played.facts.unheard += person.away


async def play(testbed: Testbed, acts: Sequence[Act], tell: Tell) -> Played:
    """Play the acts on a testbed without participants."""
    return await Play(testbed, acts, tell).run()
