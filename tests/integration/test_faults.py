"""Short meetings in which something fails: of every word it is known what came of it.

The words are sounds that travel through a real media server to a real bot process; the network is
a proxy that is cut. `caption-eval simulate` plays the long ones.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from captioner.contract import GapReason
from captioner.contract_requests import CONSENT, SET
from eval.simulation.faults import inflict
from eval.simulation.machine import children, stopped
from eval.simulation.participant import Participant
from eval.simulation.script import WORD_S, Fault
from eval.simulation.testbed import NAME, ROOM, Testbed
from eval.simulation.verdict import (
    IN_FLIGHT_S,
    Facts,
    Fate,
    MeetingVerdict,
    different,
    judge_meeting,
    leaks,
)
from streaming.testing.tone_words import word

# Words are counted over seconds of real time: a busy machine tears sound.
pytestmark = [pytest.mark.room, pytest.mark.calm]


FADES_S = 1.0
"""So long after the last packet the SDK may make up sound that is not silence."""


@pytest.fixture
async def testbed(livekit_program: Path) -> AsyncIterator[Testbed]:
    async with Testbed(livekit_program) as testbed:
        yield testbed


def sees(person: Participant, number: int) -> bool:
    return sees_one_of(person, [number])


def sees_one_of(person: Participant, numbers: Iterable[int]) -> bool:
    words = set(map(word, numbers))
    return any(words & set(cue.text.split()) for cue in person.page.shown())


async def say_until_seen(speaker: Participant, reader: Participant, first: int) -> None:
    """One word after another until one of them is seen: then so is all that came before it."""
    for number in range(first, first + 100):
        await speaker.say([number])
        if sees_one_of(reader, range(first, number)):
            break
    with suppress(TimeoutError):  # the last one may be torn on its way
        await reader.until(lambda: sees(reader, number), timeout_s=20)
    assert sees_one_of(reader, range(first, number)), f"nothing is seen of {speaker.identity}"


def verdict(testbed: Testbed, reader: Participant) -> MeetingVerdict:
    said = [one for person in testbed.people.values() for one in person.said]
    facts = Facts(
        unheard=[span for person in testbed.people.values() for span in person.away],
        reached=testbed.recognizer.reached,
    )
    page = reader.page
    found = judge_meeting(said, page.shown(), page.gaps, facts, origin_s=testbed.origin_s)
    assert found.fates[Fate.TORN] <= len(said) / 10, "this machine is too busy to play a meeting"
    return found


def assert_nothing_is_wrong(found: MeetingVerdict, reader: Participant) -> None:
    assert (found.misattributed, found.doubled, found.made_up) == (0, 0, 0), found
    assert found.lost == []
    assert not reader.page.faults


async def assert_a_late_one_sees_the_same(testbed: Testbed, reader: Participant) -> None:
    late = await testbed.enter("late")
    await late.until(lambda: not late.page.missing and not reader.page.missing)
    session = reader.page.session
    now = [cue for cue in reader.page.shown() if cue.session == session]
    assert different(now, late.page.shown()) == set()


@pytest.mark.parametrize(
    "fault", [Fault.RECOGNIZER_KILLED, Fault.RECOGNIZER_AWAY, Fault.RECOGNIZER_FULL]
)
async def test_when_the_recogniser_fails_no_word_is_lost_or_doubled(
    testbed: Testbed, fault: Fault
) -> None:
    reader = await testbed.enter("reader")
    anna = await testbed.enter("anna", speaks=True, reads=False)
    bob = await testbed.enter("bob", speaks=True, reads=False)
    await say_until_seen(anna, reader, 1_000)
    talk = [asyncio.create_task(anna.say(range(10, 40)))]
    talk += [asyncio.create_task(bob.say(range(50, 80)))]
    await reader.until(lambda: sees_one_of(reader, range(10, 40)))
    await inflict(fault, testbed, victim=anna, reader=reader, cable=testbed.cable)
    await asyncio.gather(*talk)
    await say_until_seen(anna, reader, 1_100)
    await say_until_seen(bob, reader, 1_200)
    found = verdict(testbed, reader)
    assert_nothing_is_wrong(found, reader)
    assert found.fates[Fate.SHOWN] >= 54
    assert reader.page.gaps == []
    if fault is not Fault.RECOGNIZER_KILLED:
        states = {(speaker, state) for _, speaker, state in reader.page.states}
        assert states >= {("anna", "delayed"), ("anna", "on"), ("bob", "delayed"), ("bob", "on")}
    await assert_a_late_one_sees_the_same(testbed, reader)


async def test_a_track_that_raises_takes_no_other_down_shows_it_and_comes_back(
    testbed: Testbed,
) -> None:
    reader = await testbed.enter("reader")
    anna = await testbed.enter("anna", speaks=True, reads=False)
    bob = await testbed.enter("bob", speaks=True, reads=False)
    talk = asyncio.create_task(bob.say(range(50, 70)))
    await inflict(Fault.TRACK_RAISES, testbed, victim=anna, reader=reader, cable=testbed.cable)
    await reader.until(
        lambda: ("anna", "unavailable") in [(who, state) for _, who, state in reader.page.states]
    )
    await say_until_seen(anna, reader, 1_000)
    await talk
    await say_until_seen(bob, reader, 1_100)
    assert [one for one in verdict(testbed, reader).lost if one.speaker == "bob"] == []
    assert testbed.bot.count("track_failed") >= 1


async def test_a_cut_network_is_a_declared_gap_and_all_goes_on_after_it(testbed: Testbed) -> None:
    reader = await testbed.enter("reader")
    anna = await testbed.enter("anna", speaks=True, reads=False)
    bob = await testbed.enter("bob", speaks=True, reads=False)
    await say_until_seen(anna, reader, 1_000)
    talk = [asyncio.create_task(anna.say(range(10, 55)))]
    talk += [asyncio.create_task(bob.say(range(60, 105)))]
    await reader.until(lambda: sees_one_of(reader, range(10, 55)))
    await inflict(Fault.BOT_CUT, testbed, victim=anna, reader=reader, cable=testbed.cable)
    await asyncio.gather(*talk)
    await say_until_seen(anna, reader, 1_100)
    await say_until_seen(bob, reader, 1_200)
    await reader.until(lambda: bool(reader.page.gaps))
    found = verdict(testbed, reader)
    assert_nothing_is_wrong(found, reader)
    assert found.fates[Fate.IN_GAP] > 0
    assert all(8_000 < gap.end_ms - gap.start_ms < 16_000 for gap in reader.page.gaps)
    await assert_a_late_one_sees_the_same(testbed, reader)


@pytest.mark.parametrize("seconds", [2, 15, 60])
@pytest.mark.parametrize("stands", ["bot", "media server"])
async def test_when_a_process_stands_still_all_of_it_is_declared_and_everybody_is_captioned_again(
    testbed: Testbed, stands: str, seconds: int
) -> None:
    reader = await testbed.enter("reader")
    anna = await testbed.enter("anna", speaks=True, reads=False)
    bob = await testbed.enter("bob", speaks=True, reads=False)
    await say_until_seen(anna, reader, 1_000)
    words = range(round((seconds + 10) / WORD_S))
    talk = [asyncio.create_task(anna.say([10 + n for n in words]))]
    talk += [asyncio.create_task(bob.say([300 + n for n in words]))]
    await reader.until(lambda: sees_one_of(reader, range(10, 30)))
    await reader.until(lambda: sees_one_of(reader, range(300, 320)))
    pids = [testbed.bot.pid] if stands == "bot" else children(testbed.server.pid)
    stopped_s = time.monotonic()
    async with stopped(*pids):
        await asyncio.sleep(seconds)
    woken_s = time.monotonic()
    await asyncio.gather(*talk)
    await reader.until(lambda: reader.bot is not None and not anna.is_away and not bob.is_away)
    await say_until_seen(anna, reader, 1_100)
    await say_until_seen(bob, reader, 1_200)
    await reader.until(lambda: not reader.page.missing)
    found = verdict(testbed, reader)
    assert_nothing_is_wrong(found, reader)
    if stands == "media server" and seconds == 2:
        return  # what it did not take meanwhile waits for it, and is heard late
    assert found.fates[Fate.IN_GAP] > 0
    gap = max(reader.page.gaps, key=lambda gap: gap.end_ms - gap.start_ms)
    assert testbed.origin_s + gap.start_ms / 1000 <= stopped_s + FADES_S
    assert testbed.origin_s + gap.end_ms / 1000 >= woken_s - IN_FLIGHT_S
    if stands == "bot":
        assert gap.reason == GapReason.STOOD_STILL
    spoken = {one.word: one.start_s for person in (anna, bob) for one in person.said}
    for cue in reader.page.shown():
        times = [spoken[one] for one in cue.text.split()]
        assert max(times) < woken_s or min(times) > stopped_s - IN_FLIGHT_S


async def test_a_killed_media_server_is_a_gap_and_a_bot_killed_after_that_knows_its_room(
    testbed: Testbed,
) -> None:
    reader = await testbed.enter("reader")
    anna = await testbed.enter("anna", speaks=True, reads=False)
    await say_until_seen(anna, reader, 1_000)
    talk = asyncio.create_task(anna.say(range(10, 22)))
    await reader.until(lambda: sees_one_of(reader, range(10, 22)))
    await inflict(Fault.SERVER_KILLED, testbed, victim=anna, reader=reader, cable=testbed.cable)
    await talk
    await reader.until(lambda: reader.bot is not None and not anna.is_away, timeout_s=60)
    await say_until_seen(anna, reader, 1_100)
    await reader.until(lambda: bool(reader.page.gaps) and not reader.page.missing)
    found = verdict(testbed, reader)
    assert (found.misattributed, found.doubled, found.made_up) == (0, 0, 0)
    assert not reader.page.faults
    origin = reader.page.origin_utc_ms
    await testbed.enter("another")  # only then are those told the room's new id who were back last
    session = str(reader.page.session)
    await reader.until(lambda: sum(session in room for room in testbed.rooms_on_disk()) == 2)
    await inflict(Fault.BOT_KILLED, testbed, victim=anna, reader=reader, cable=testbed.cable)
    await reader.until(lambda: {g.reason for g in reader.page.gaps} >= {"bot-restarted"})
    assert reader.page.origin_utc_ms == origin


async def test_a_killed_bot_takes_its_decisions_up_again_and_declares_what_nobody_heard(
    testbed: Testbed,
) -> None:
    reader = await testbed.enter("reader")
    host = await testbed.enter("host", speaks=True, host=True)
    bob = await testbed.enter("bob", speaks=True, reads=False)
    await say_until_seen(host, reader, 1_000)
    await bob.ask(CONSENT, {"v": 1, "captioned": False, "kept": True})
    origin, session = reader.page.origin_utc_ms, reader.page.session
    talk = asyncio.create_task(host.say(range(10, 50)))
    await reader.until(lambda: sees_one_of(reader, range(10, 50)))
    before = reader.page.shown()
    await inflict(Fault.BOT_KILLED, testbed, victim=bob, reader=reader, cable=testbed.cable)
    await asyncio.gather(talk, bob.say([200, 201]))
    await say_until_seen(host, reader, 1_100)
    await reader.until(lambda: bool(reader.page.gaps))
    found = verdict(testbed, reader)
    assert_nothing_is_wrong(found, reader)
    assert not {word(200), word(201)} & testbed.recognizer.reached  # bob had refused before
    assert reader.page.origin_utc_ms == origin
    assert reader.page.session != session
    assert {gap.reason for gap in reader.page.gaps} == {"bot-restarted"}
    kept = {one.id for one in reader.page.shown() if one.session == session}
    assert kept >= {one.id for one in before}
    await host.ask(SET, {"v": 1, "enabled": False})
    await testbed.bot.kill()
    await testbed.start_bot()
    await reader.until(lambda: reader.states[-1][1] == "off" and not reader.page.missing)


async def test_a_viewer_who_lost_packets_or_the_link_sees_what_all_others_see(
    testbed: Testbed,
) -> None:
    reader = await testbed.enter("reader")
    deaf = await testbed.enter("deaf")
    anna = await testbed.enter("anna", speaks=True, reads=False)
    async with testbed.far_reader("far") as (far, cable):
        await say_until_seen(anna, far, 1_000)
        deaf.deaf = True
        cable.cut()
        await anna.say(range(10, 25))
        await say_until_seen(anna, reader, 1_100)
        deaf.deaf = False
        cable.mend()
        for healed, first in ((deaf, 1_200), (far, 1_300)):
            await say_until_seen(anna, healed, first)
        await asyncio.gather(*(p.until(lambda p=p: closed(p)) for p in (reader, deaf, far)))  # type: ignore[misc]
        for healed in (deaf, far):
            assert different(reader.page.shown(), healed.page.shown()) == set()
            assert not healed.page.faults
    await assert_a_late_one_sees_the_same(testbed, reader)
    assert_nothing_is_wrong(verdict(testbed, reader), reader)


def closed(person: Participant) -> bool:
    cues = person.page.shown()
    return bool(cues) and all(cue.state == "closed" for cue in cues) and not person.page.missing


async def test_nothing_that_the_bot_leaves_holds_a_word_a_name_or_who_read(
    testbed: Testbed,
) -> None:
    reader = await testbed.enter("reads-quietly")
    anna = await testbed.enter("anna", speaks=True, reads=False)
    await say_until_seen(anna, reader, 1_000)
    await inflict(Fault.TRACK_RAISES, testbed, victim=anna, reader=reader, cable=testbed.cable)
    await testbed.bot.logged("track_failed")
    secrets = [word(n) for n in range(1_000, 1_040)] + [NAME, ROOM, "reads-quietly"]
    left = {
        "log": "\n".join(testbed.bot.lines),
        "metrics": await testbed.metrics(),
        "disk": testbed.on_disk(),
    }
    assert all(left.values())
    assert leaks(left, secrets) == {"log": 0, "metrics": 0, "disk": 0}
