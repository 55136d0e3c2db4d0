"""What people cost the bot who are there and say nothing, through a real media server.

    python -m benchmarks.attendees [--people N] [--seconds N]

Processor time of the whole bot process (the SDK included) in each of three situations, less what
it needs for an empty room, for each attendee, in percent of one core. *muted*: a microphone that is
published and muted. *open but quiet*: steady noise at -60 dB, which is no speech.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack

import numpy as np

from captioner.livekit_server import find_or_build
from captioner.speaker import Speaker
from eval.chain import Chain

RATE = 48_000
SETTLE_S = 12.0
"""The noise of a track is known after that."""


async def share(chain: Chain, seconds: float) -> float:
    """Percent of a core that the bot needs."""
    before = chain.bot.process.cpu_times()
    await asyncio.sleep(seconds)
    after = chain.bot.process.cpu_times()
    return 100 * (after.user + after.system - before.user - before.system) / seconds


async def measure(people: int, seconds: float) -> None:
    async with Chain(find_or_build(print)) as chain, AsyncExitStack() as stack:
        await stack.enter_async_context(chain.listener())
        empty = await share(chain, seconds)
        print(f"empty room: {empty:.1f} % of a core", flush=True)
        speakers: list[Speaker] = [
            await stack.enter_async_context(chain.speaker(f"p{n}", f"Person {n}"))
            for n in range(people)
        ]
        chance = np.random.default_rng(0)
        noise = (chance.standard_normal(RATE * 10) * 1e-3).astype(np.float32)
        playing = [asyncio.create_task(speaker.play([noise] * 1_000)) for speaker in speakers]
        await asyncio.sleep(SETTLE_S)
        _tell("open but quiet", await share(chain, seconds) - empty, people)
        for speaker in speakers:
            speaker.mute()
        await asyncio.sleep(2)
        _tell("muted", await share(chain, seconds) - empty, people)
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)


def _tell(what: str, more: float, people: int) -> None:
    print(f"{what}: {more / people:.2f} % of a core an attendee", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each situation")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.people, arguments.seconds))


if __name__ == "__main__":
    main()
