"""A room that should have captions has them, whatever happens to its bot, its worker, its machine.

    python -m benchmarks.rooms [ROW …]

Each row on a media server of its own, with real speech; seconds until captions, and what must be.
About five minutes on 2 cores.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from captioner.demo.livekit_server import find_or_build
from eval.rooms.rig import rig
from eval.rooms.rows import ROWS, Must


async def _measured(program: Path, row: Must) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            async with rig(program, Path(folder)) as made:
                return await row.measure(made)
        except (TimeoutError, AssertionError, ValueError):
            return None


def main() -> int:
    """Print the table; 0 if everything is as it must be."""
    program = find_or_build(print)
    wanted = sys.argv[1:]
    held = True
    print(f"{'given':40} {'measured':>9} {'must':>6}")
    for row in ROWS:
        if wanted and row.measure.__name__ not in wanted:
            continue
        measured = asyncio.run(_measured(program, row))
        fine = measured is not None and row.holds(measured)
        held &= fine
        shown = "never" if measured is None else f"{measured:.1f}"
        sign = "=" if row.exactly else "≤"
        print(f"{row.given:40} {shown:>9} {sign + format(row.most, 'g'):>6}", "" if fine else "  !",
              flush=True)  # fmt: skip
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
