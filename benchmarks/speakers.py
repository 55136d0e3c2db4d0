"""Measure how many people can speak at once: delay until a word is shown, with computation.

    python -m benchmarks.speakers [--speech FOLDER] [--speakers N …] [--seconds N] [--model base]

The engine alone. Everybody speaks at the same time, each with clips in an order of their own, in
real time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from benchmarks.speech import Speech, chosen_clips, figure, parser_of, played, scored, speeches_of
from captioner.settings import read_settings
from eval.runs.through_engine import through_engine


async def row(speeches: Mapping[str, Speech], model: str) -> str:
    """One line of the table."""
    settings = read_settings(engine="embedded", language="en", fallback="none", model=model)
    async with through_engine(settings, fast=False) as watch:
        began, cpu = time.monotonic(), time.process_time()
        seen = await watch.observe(played(speeches))
        cpu = (time.process_time() - cpu) / (time.monotonic() - began)
    found = scored(speeches, seen, "engine")
    delays = "".join(f"{figure(f'first_show_p{p}', found):7.2f}s" for p in (50, 95))
    return f"{len(speeches):8}{delays} {cpu:8.2f}"


def main() -> None:
    """Print the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--speakers", type=int, nargs="+", default=[1, 2, 4, 6, 8])
    parser.add_argument("--seconds", type=float, default=40.0, help="that each speaks")
    parser.add_argument("--model", default="auto", help="as CAPTIONER_MODEL")
    options = parser.parse_args()
    clips = chosen_clips(options)
    print(f"{'speakers':>8}{'p50':>8}{'p95':>8} {'CPU/s':>8}")
    for speakers in options.speakers:
        speeches = speeches_of(clips, speakers, seconds=options.seconds, seed=options.seed)
        print(asyncio.run(row(speeches, options.model)), flush=True)


if __name__ == "__main__":
    main()
