"""The faults of a simulated meeting: each is done, lasts, and is over when its function returns."""

from __future__ import annotations

import asyncio

from eval.simulation.environment import CAPACITY, Stage
from eval.simulation.fault_proxy import Cable
from eval.simulation.participant import Person
from eval.simulation.script import Fault
from streaming.testing.tone_words import RAISES

AWAY_S = 8.0
DEAF_S = 5.0
CUT_S = 10.0
DEAD_S = 1.0
RAISES_S = 3.0
RAISES_TRIES = 4


async def inflict(
    fault: Fault, stage: Stage, *, victim: Person, reader: Person, cable: Cable
) -> None:
    """victim: a speaker. reader: who reads over ``cable``."""
    match fault:
        case Fault.RECOGNIZER_KILLED:
            stage.recognizer.kill()
        case Fault.RECOGNIZER_AWAY:
            await stage.recognizer_away()
            await asyncio.sleep(AWAY_S)
            await stage.recognizer_back()
        case Fault.RECOGNIZER_FULL:
            stage.recognizer.capacity = 0
            stage.recognizer.kill()
            await asyncio.sleep(AWAY_S)
            stage.recognizer.capacity = CAPACITY
        case Fault.TRACK_RAISES:
            failed = stage.bot.count("track_failed")
            for _ in range(RAISES_TRIES):  # the word may be torn on its way
                await victim.say([RAISES])
                await asyncio.sleep(RAISES_S)
                if stage.bot.count("track_failed") > failed:
                    return
        case Fault.PACKETS_LOST:
            reader.deaf = True
            await asyncio.sleep(DEAF_S)
            reader.deaf = False
        case Fault.VIEWER_CUT | Fault.BOT_CUT:
            cut = cable if fault is Fault.VIEWER_CUT else stage.cable
            cut.cut()
            await asyncio.sleep(CUT_S)
            cut.mend()
        case Fault.SERVER_KILLED:
            await stage.server.kill()
            await asyncio.sleep(DEAD_S)
            await stage.server.start()
        case Fault.BOT_KILLED:
            await stage.bot.kill()
            await asyncio.sleep(DEAD_S)
            await stage.start_bot()
