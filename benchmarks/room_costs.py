"""What rooms cost before anybody speaks: until captions are on, in processor time, in memory.

    python -m benchmarks.room_costs [MEASURE …]

Each measure on a media server of its own, in rooms with one silent person each; what was measured,
and what must be. About two minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from captioner.demo.livekit_server import find_or_build
from eval.rooms.costs import MEASURES, Cost, Measure
from eval.rooms.testbed import running_testbed


async def _measured(program: Path, measure: Measure) -> list[Cost]:
    with tempfile.TemporaryDirectory() as folder:
        async with running_testbed(program, Path(folder)) as made:
            return await measure(made)


def main() -> int:
    """Print the table; 0 if everything is as it must be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [measure.__name__ for measure in MEASURES]
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(names))
    wanted = parser.parse_args().measures or names
    program = find_or_build(print)
    held = True
    print(f"{'what':44} {'measured':>9} {'must':>8}")
    for measure in MEASURES:
        if measure.__name__ not in wanted:
            continue
        for cost in asyncio.run(_measured(program, measure)):
            fine = cost.measured <= cost.most
            held &= fine
            must = f"≤{cost.most:g}"
            print(f"{cost.what:44} {cost.measured:>9.2f} {must:>8} {cost.unit}"
                  f"{'' if fine else '  !'}", flush=True)  # fmt: skip
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
