"""Rooms speak on two media servers, three workers and two speech servers, and one of each fails.

    python -m benchmarks.cluster [--rooms N] [FAULT …]

What became of each word, by the truth of the script: none may be lost without being declared, none
shown twice. Faults by which LiveKit itself splits rooms are inflicted only if named:
"media server long frozen", "Redis emptied". Needs redis-server, and for more rooms than 3 a core
(20 at most by default) a larger machine: what its people cannot say in time counts as lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from captioner.demo.livekit_server import find_or_build
from eval.rooms.cluster import Cluster, Size, running_cluster
from eval.rooms.cluster_faults import FAULTS, SPLITS, Fault
from eval.rooms.redis_server import find_redis
from eval.rooms.tone_room import Count
from eval.simulation.verdict import Fate

BEFORE_S, AFTER_S = 4.0, 20.0
LAST_S = 12.0
ROOMS_A_CORE = 3

Row = tuple[str, Count]


async def play(cluster: Cluster, faults: list[Fault]) -> tuple[list[Row], int]:
    """Inflict one after the other while everybody speaks; what became of the words of each.

    The second value is the number of rooms that have no bot at the end.
    """
    await cluster.open_rooms()
    for room in cluster.rooms:
        room.talk()
    await asyncio.gather(*(room.read() for room in cluster.rooms))
    times = [time.monotonic()]
    for fault in faults:
        print(f"… {fault.name}", file=sys.stderr, flush=True)
        await asyncio.sleep(BEFORE_S)
        await fault.inflict(cluster)
        await asyncio.sleep(AFTER_S)
        times.append(time.monotonic())
    await asyncio.gather(*(room.hush() for room in cluster.rooms))
    await asyncio.sleep(LAST_S)
    counts, without = [Count() for _ in faults], 0
    for room in cluster.rooms:
        without += not await room.read_again()
        for count, more in zip(counts, room.counts(times), strict=True):
            count.add(more)
    return [(fault.name, count) for fault, count in zip(faults, counts, strict=True)], without


def table(rows: list[Row]) -> str:
    """For people."""
    heads = ("said", "shown", "in gaps", "torn", "lost", "doubled")
    lines = [f"{'fault':25}" + "".join(f"{head:>9}" for head in heads)]
    for name, count in rows:
        fates = count.fates
        torn = fates[Fate.TORN] + fates[Fate.NOT_DELIVERED]
        numbers = (count.said, fates[Fate.SHOWN], fates[Fate.IN_GAP], torn, fates[Fate.LOST],
                   count.doubled)  # fmt: skip
        lines.append(f"{name:25}" + "".join(f"{number:9}" for number in numbers))
    return "\n".join(lines)


def _explain(cluster: Cluster) -> None:
    for room in cluster.rooms:
        page, verdict = room.person.page, room.judge()
        origin_s = page.origin_utc_ms / 1000 - (time.time() - time.monotonic())
        print(room.room, "gaps", [(g.start_ms, g.end_ms, g.reason) for g in page.gaps])
        print("lost", [(round((w.start_s - origin_s) * 1000), w.word) for w in verdict.lost])
        print("doubled", verdict.twice)
        print("cues", [(c.session[:4], c.id, c.start_ms, c.text, c.state) for c in page.shown()])
        print("said", [(round((w.start_s - origin_s) * 1000), w.word) for w in room.person.said])
        print("away", [(s.asked_s - origin_s, s.end_done_s - origin_s) for s in room.person.away])


def _show_logs(cluster: Cluster) -> None:
    for number, worker in enumerate(cluster.made):
        for event in worker.events:
            print(number, event, file=sys.stderr)


async def _main(size: Size, faults: list[Fault], *, explain: bool) -> int:
    program, redis = find_or_build(print), find_redis()
    if redis is None:
        sys.exit("redis-server is needed")
    with tempfile.TemporaryDirectory() as folder:
        async with running_cluster(program, Path(folder), size, redis=redis) as cluster:
            try:
                rows, without = await play(cluster, faults)
            finally:
                if explain:
                    _show_logs(cluster)
                    _explain(cluster)
    print(table(rows))
    print(f"rooms without a bot at the end: {without}")
    broken = any(count.fates[Fate.LOST] or count.doubled for _, count in rows)
    return int(broken or without > 0)


def main() -> int:
    """Print the table; 0 if no word was lost undeclared, none doubled, and no room left alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = {fault.name: fault for fault in FAULTS + SPLITS}
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=", ".join(known))
    rooms = min(Size().rooms, ROOMS_A_CORE * (os.cpu_count() or 1))
    parser.add_argument("--rooms", type=int, default=rooms)
    parser.add_argument("--explain", action="store_true", help="Which words, and the logs.")
    given = parser.parse_args()
    if unknown := set(given.faults) - known.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    faults = [known[name] for name in given.faults] or list(FAULTS)
    return asyncio.run(_main(Size(given.rooms), faults, explain=given.explain))


if __name__ == "__main__":
    sys.exit(main())
