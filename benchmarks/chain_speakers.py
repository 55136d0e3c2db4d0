"""Measure how many people can speak at once in a real room before their captions are late.

    python -m benchmarks.chain_speakers [--speech FOLDER] [--seconds N] [--least N] [--most N]

For 1, 2, … speakers in one room, each with clips in an order of its own, in real time. The delay is
that from the end of a word (its last sample passed to the publisher's audio source) to the arrival
of the first packet that shows it at a listener; benchmarks.chain includes painting. Ends after the
first number of speakers at which the 95th percentile exceeds 3 s.

Speakers, listener and media server share the machine: *others* is the processor time that this
process and the media server take, in processors.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping

import psutil

from benchmarks.chain import ALWAYS
from benchmarks.speech import Speech, chosen_clips, figure, parser_of, played, scored, speeches_of
from eval.measures.clip_score import Score
from eval.measures.latency import LATE_MS
from eval.runs.through_room import through_room


async def measure(speeches: Mapping[str, Speech]) -> Score:
    """Print a line of the table."""
    async with through_room(ALWAYS, browser=False, tell=print) as watch:
        bot, rig = watch.bot.process, psutil.Process()
        began = time.monotonic()
        spent = -cpu_s(bot), -cpu_s(rig) - cpu_s(*rig.children()) + cpu_s(bot)
        seen = await watch.observe(played(speeches))
        lasted = time.monotonic() - began
        others = (spent[1] + cpu_s(rig) + cpu_s(*rig.children()) - cpu_s(bot)) / lasted
        mine = (spent[0] + cpu_s(bot)) / lasted
    found = scored(speeches, seen, "room")
    delays = "".join(f"{1000 * figure(f'first_show_p{p}', found):9.0f}" for p in (50, 95))
    talk = sum(speech.seconds for speech in speeches.values())
    print(
        f"{len(speeches):>8}{delays}{figure('late', found):9.1%}"
        f"{figure('never_shown', found):12.1%}{mine:9.2f}{others:9.2f}{talk:10.0f}",
        flush=True,
    )
    return found


def cpu_s(*processes: psutil.Process) -> float:
    """User and system time."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def measure_all(arguments: argparse.Namespace) -> None:
    clips = chosen_clips(arguments)
    print(f"{'speakers':>8}{'p50 ms':>9}{'p95 ms':>9}{'> 3 s':>9}", end="")
    print(f"{'never shown':>12}{'bot CPU':>9}{'others':>9}{'speech s':>10}")
    for speakers in range(arguments.least, arguments.most + 1):
        speeches = speeches_of(clips, speakers, seconds=arguments.seconds, seed=arguments.seed)
        found = await measure(speeches)
        if not figure("first_show_p95", found) <= LATE_MS / 1000:
            break


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=45, help="for each number of speakers")
    parser.add_argument("--least", type=int, default=1, help="begin with so many speakers")
    parser.add_argument("--most", type=int, default=8, help="end with so many")
    asyncio.run(measure_all(parser.parse_args()))


if __name__ == "__main__":
    main()
