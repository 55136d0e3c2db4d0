"""A room that should have captions has them, whatever happens to its bot, its worker, its machine.

    python -m benchmarks.rooms [ROW …]
    python -m benchmarks.rooms --calls [ROOMS]

Each row on a media server of its own, with real speech; seconds until captions, and what must be.
About five minutes on 2 cores. --calls: what one worker asks of the media server when every one of
ROOMS has its captions.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from captioner.demo.livekit_server import find_or_build
from captioner.worker.reconcile import Bot, Facts, Listed, Reconciler
from captioner.worker.worker import ROUND_S
from eval.rooms.rows import ROWS, Must
from eval.rooms.testbed import running_testbed


async def _measured(program: Path, row: Must) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            async with running_testbed(program, Path(folder)) as made:
                return await row.measure(made)
        except (TimeoutError, AssertionError, ValueError):
            return None


def _calls(rooms: int) -> None:
    """Print the calls of a round, and how long it takes until each room was looked at."""
    listed = [Listed(f"room-{n}", "RM", 10) for n in range(rooms)]
    reconciler = Reconciler("captions")
    round_s = ROUND_S + rooms / 1_000
    looked: set[str] = set()
    calls: list[int] = []
    while len(looked) < rooms:
        now_s = len(calls) * round_s
        chosen = reconciler.next(listed, now_s)
        for name in chosen:
            reconciler.judge(Facts(name, 10, [Bot("bot")]), now_s, 0)
        looked |= set(chosen)
        calls.append(1 + 2 * len(chosen))  # the list; who is there, and whether the bot answers
    print(f"{rooms} rooms: {max(calls)} calls in a round of {round_s:.1f} s, that is"
          f" {max(calls) / round_s:.0f} a second; every room in {len(calls) * round_s:.0f} s"
          " by one worker")  # fmt: skip


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
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(names))
    parser.add_argument("--calls", nargs="?", type=int, const=3_000, metavar="ROOMS")
    given = parser.parse_args()
    if given.calls:
        _calls(given.calls)
        return 0
    return 0 if _table(given.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
