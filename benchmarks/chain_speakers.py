"""How many people can speak at once in a real room before their captions come late.

    python -m benchmarks.chain_speakers [--speech FOLDER] [--seconds N] [--least N] [--most N]

For 1, 2, … speakers in one room, each with clips of its own order, in real time. The delay is that
from the end of a word (its last sample handed to the publisher's audio source) to the arrival of
the first packet that shows it at a listener; painting is left out, benchmarks.chain has it. Ends
after the first number of speakers at which the 95th percentile passes 3 s.

Speakers, listener and media server run on the same machine and take from its processors: *others*
is what this process and the media server spend, in processors.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import deque
from collections.abc import Sequence

import psutil

from benchmarks.chain import Speech, add_speech_arguments, chosen_clips, joined, scored
from captioner.livekit_server import find_or_build
from eval.arrivals import packets_of, shown_by
from eval.chain import Chain, Listener
from eval.corpus import Clip
from eval.latency import LATE_MS, Latency, percentiles, share_late
from eval.timeline import Update
from eval.watching import Handed


def speech_of(
    clips: Sequence[Clip], speaker: int, speakers: int, arguments: argparse.Namespace
) -> Speech:
    """What one of several speakers says: all start at another clip, or at least another pause."""
    order = deque(clips)
    order.rotate(-(len(clips) * speaker // speakers))
    seconds = max(arguments.seconds, 1)
    repeated = list(order) * (1 + int(seconds // sum(clip.seconds for clip in clips)))
    return joined(repeated, seconds=seconds, seed=arguments.seed + speaker)


def updates_of(listener: Listener, speaker: str) -> list[Update]:
    """One speaker's captions as they arrived, in ms of the monotonic clock."""
    arrivals = packets_of(listener.arrivals, {speaker})
    return [one.update() for _, one in shown_by(arrivals, zero_s=0, origin_s=None)]


async def speak(chain: Chain, identity: str, speech: Speech, start: float) -> Handed:
    handed = Handed()
    async with chain.speaker(identity, identity) as speaker:
        await asyncio.sleep(start - time.monotonic())
        await speaker.play([speech.sound], handed.note)
    return handed


async def measure(speeches: Sequence[Speech]) -> Latency:
    """Print a line of the table."""
    async with Chain(find_or_build(print)) as chain, chain.listener() as listener:
        bot, rig = chain.bot.process, psutil.Process()
        start = time.monotonic() + 1 + len(speeches) / 4
        spent = -cpu_s(bot), -cpu_s(rig) - cpu_s(*rig.children()) + cpu_s(bot)
        names = [f"speaker-{n}" for n in range(len(speeches))]
        handed = await asyncio.gather(
            *(
                speak(chain, name, speech, start)
                for name, speech in zip(names, speeches, strict=True)
            )
        )
        lasted = time.monotonic() - start
        others = spent[1] + cpu_s(rig) + cpu_s(*rig.children()) - cpu_s(bot)
        mine = spent[0] + cpu_s(bot)
        await chain.bot.logged("track_ended", times=len(speeches))
        await asyncio.sleep(0.5)  # the last packets are on their way to the listener
        delays = sum(
            scored([h.on_wall(word, 0) for word in speech.words], updates_of(listener, name))
            for name, speech, h in zip(names, speeches, handed, strict=True)
        )
    assert isinstance(delays, Latency)
    say(speeches, delays, bot_cpu=mine / lasted, others=others / lasted)
    return delays


def say(speeches: Sequence[Speech], delays: Latency, *, bot_cpu: float, others: float) -> None:
    found = percentiles(delays.shown) if delays.shown else None
    figures = f"{found.p50:9.0f}{found.p95:9.0f}" if found else f"{'–':>9}{'–':>9}"
    talk = sum(speech.seconds for speech in speeches)
    print(
        f"{len(speeches):>8}{figures}{share_late(delays.shown):9.1%}"
        f"{delays.never_shown / max(len(delays.first), 1):12.1%}{bot_cpu:9.2f}{others:9.2f}"
        f"{talk:10.0f}",
        flush=True,
    )


def cpu_s(*processes: psutil.Process) -> float:
    """User and system time."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def measure_all(arguments: argparse.Namespace) -> None:
    clips = chosen_clips(arguments)
    print(f"{'speakers':>8}{'p50 ms':>9}{'p95 ms':>9}{'> 3 s':>9}", end="")
    print(f"{'never shown':>12}{'bot CPU':>9}{'others':>9}{'speech s':>10}")
    for speakers in range(arguments.least, arguments.most + 1):
        speeches = [speech_of(clips, n, speakers, arguments) for n in range(speakers)]
        delays = await measure(speeches)
        if not delays.shown or percentiles(delays.shown).p95 > LATE_MS:
            break


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_speech_arguments(parser)
    parser.add_argument("--seconds", type=float, default=45, help="for each number of speakers")
    parser.add_argument("--least", type=int, default=1, help="begin with so many speakers")
    parser.add_argument("--most", type=int, default=8, help="end with so many")
    asyncio.run(measure_all(parser.parse_args()))


if __name__ == "__main__":
    main()
