"""A room that should have captions has them, whatever happens to its bot, its worker, its machine.

    python -m benchmarks.rooms [ROW …]
    python -m benchmarks.rooms --dead-machine [ROOMS]

Each row on a media server of its own, with real speech; seconds until captions, and what must be.
About ten minutes on 2 cores. --dead-machine: how soon it is known which of ROOMS lost their bots
with a machine of 50, by the rule itself and a scripted media server.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from captioner.demo.livekit_server import find_or_build
from captioner.worker.facts import Bot, Dispatch, Facts, Listed, worker_of
from captioner.worker.livekit_api import ANSWER_MS
from captioner.worker.plan import AGENT_NAME
from captioner.worker.reconcile import LOOKS_MAX, Reconciler, Verdict
from captioner.worker.worker import CALLS_MAX, DOUBT_S, ROUND_S
from eval.rooms.rows import ROWS, Must
from eval.rooms.testbed import running_testbed

ROOMS_A_WORKER = 50
TRIALS = 20


async def _measured(program: Path, row: Must) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            async with running_testbed(program, Path(folder)) as made:
                return await row.measure(made)
        except (TimeoutError, AssertionError, ValueError):
            return None


def _detection(rooms: int) -> None:
    """Print how soon one worker with free slots, alone among full ones, knows that each room
    of a dead one is without a bot.

    The rule is the product's; the media server and its clock are scripted: a call takes 10 ms, a
    bot that is dead leaves one unanswered, and rooms are looked at CALLS_MAX at a time.
    """
    workers = rooms // ROOMS_A_WORKER
    listed = [Listed(f"room-{n}", "RM", 10) for n in range(rooms)]
    bots = {room.name: f"captions-{n % workers}-{n}" for n, room in enumerate(listed)}
    reconciler, now_s = Reconciler(AGENT_NAME, random.Random(1)), 0.0
    for name, bot in bots.items():  # each room was looked at once
        now_s += 0.1
        reconciler.judge(Facts(name, 10, [Bot(bot)]), now_s, 0)
    took_s = [
        _seconds(copy.deepcopy(reconciler), listed, bots, now_s, seed) for seed in range(TRIALS)
    ]
    print(f"{rooms} rooms, {workers} workers, one dies: all its {ROOMS_A_WORKER} rooms known after"
          f" {statistics.median(took_s):.1f} s, {max(took_s):.1f} s at most in {TRIALS} trials, by"
          f" one worker that looks at {LOOKS_MAX / (ROUND_S + rooms / 1_000):.0f} rooms a second"
          " otherwise")  # fmt: skip


def _seconds(
    reconciler: Reconciler, listed: list[Listed], bots: dict[str, str], now_s: float, seed: int
) -> float:
    asked = [Dispatch("AD", AGENT_NAME, 0)]
    dies_s = now_s + random.Random(seed).uniform(20.0, 30.0)
    missing: dict[str, float] = {}
    while len(missing) < ROOMS_A_WORKER:
        for wave in _waves(reconciler.next(listed, now_s, mine=missing)):
            dead = {name for name in wave if now_s >= dies_s and worker_of(bots[name]) == "0"}
            for name in wave:
                bot = Bot(bots[name], name not in dead)
                facts = Facts(name, 10, [bot], asked if name in dead else [])
                if reconciler.judge(facts, now_s, round(now_s * 1000)) is Verdict.MISSING:
                    missing[name] = now_s + ANSWER_MS / 1000
            now_s += ANSWER_MS / 1000 if dead else 0.03
        now_s += DOUBT_S if reconciler.doubts else ROUND_S + len(listed) / 1_000
    return max(missing.values()) - dies_s


def _waves(names: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(names), CALLS_MAX):
        yield names[first : first + CALLS_MAX]


def _table(wanted: list[str]) -> bool:
    program = find_or_build(print)
    held = True
    print(f"{'given':40} {'measured':>9} {'must':>6}")
    for row in ROWS:
        if wanted and row.measure.__name__ not in wanted:
            continue
        measured = asyncio.run(_measured(program, row))
        fine = measured is not None and row.holds(measured)
        held &= fine
        shown = "never" if measured is None else f"{measured:.1f}"
        must = ("=" if row.exactly else "≤") + format(row.most, "g")
        print(f"{row.given:40} {shown:>9} {must:>6}{'' if fine else '  !'}", flush=True)
    return held


def main() -> int:
    """Print the table; 0 if everything is as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [row.measure.__name__ for row in ROWS]
    parser.add_argument(
        "rows", nargs="*", choices=[[], *names], metavar="ROW", help=", ".join(names)
    )
    parser.add_argument("--dead-machine", nargs="?", type=int, const=3_000, metavar="ROOMS")
    given = parser.parse_args()
    if given.dead_machine:
        _detection(given.dead_machine)
        return 0
    return 0 if _table(given.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
