"""The faults of a simulated meeting; each is over when its function returns."""

from __future__ import annotations

import asyncio

from eval.simulation.fault_proxy import FaultProxy
from eval.simulation.machine import children, starved, stopped
from eval.simulation.participant import Participant
from eval.simulation.script import Fault
from eval.simulation.testbed import CAPACITY, Testbed
from streaming.testing.tone_words import RAISES

AWAY_S = 8.0
DEAF_S = 5.0
CUT_S = 10.0
DEAD_S = 1.0
RAISES_S = 3.0
RAISES_TRIES = 4
HOUR_S = 3_600
SET_S = 10.0
FULL_S = 12.0
STARVED_S = 10.0
STOPPED_S = 15.0
SERVER_STOPPED_S = 8.0


async def inflict(
    fault: Fault,
    testbed: Testbed,
    *,
    victim: Participant,
    reader: Participant,
    cable: FaultProxy,
) -> None:
    """victim: a speaker. reader: who reads over ``cable``."""
    match fault:
        case Fault.RECOGNIZER_KILLED:
            testbed.recognizer.kill()
        case Fault.RECOGNIZER_AWAY:
            await testbed.recognizer_away()
            await asyncio.sleep(AWAY_S)
            await testbed.recognizer_back()
        case Fault.RECOGNIZER_FULL:
            testbed.recognizer.capacity = 0
            testbed.recognizer.kill()
            await asyncio.sleep(AWAY_S)
            testbed.recognizer.capacity = CAPACITY
        case Fault.TRACK_RAISES:
            failed = testbed.bot.count("track_failed")
            for _ in range(RAISES_TRIES):  # the word may be torn in transit
                await victim.say([RAISES])
                await asyncio.sleep(RAISES_S)
                if testbed.bot.count("track_failed") > failed:
                    return
        case Fault.PACKETS_LOST:
            reader.deaf = True
            await asyncio.sleep(DEAF_S)
            reader.deaf = False
        case Fault.VIEWER_CUT | Fault.BOT_CUT:
            cut = cable if fault is Fault.VIEWER_CUT else testbed.cable
            cut.cut()
            await asyncio.sleep(CUT_S)
            cut.mend()
        case Fault.SERVER_KILLED:
            await testbed.server.kill()
            await asyncio.sleep(DEAD_S)
            await testbed.server.start()
        case Fault.BOT_KILLED:
            await testbed.bot.kill()
            await asyncio.sleep(DEAD_S)
            await testbed.start_bot()
        case Fault.CLOCK_BACK:
            await testbed.bot.kill()
            testbed.clock.set(0 if testbed.clock.offset_s else -HOUR_S)
            await asyncio.sleep(DEAD_S)
            await testbed.start_bot()
        case Fault.CLOCK_SET:
            right_s = testbed.clock.offset_s
            testbed.clock.set(right_s - HOUR_S)
            await asyncio.sleep(SET_S)
            testbed.clock.set(right_s)
        case Fault.DISK_FULL:
            await asyncio.to_thread(testbed.disk.fill)
            await asyncio.sleep(FULL_S)
            testbed.disk.empty()
        case Fault.BOT_STARVED:
            async with starved(testbed.bot.pid):
                await asyncio.sleep(STARVED_S)
        case Fault.BOT_STOPPED:
            async with stopped(testbed.bot.pid):
                await asyncio.sleep(STOPPED_S)
        case Fault.SERVER_STOPPED:
            async with stopped(*children(testbed.server.pid)):
                await asyncio.sleep(SERVER_STOPPED_S)
