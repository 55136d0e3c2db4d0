"""Measure the cost of keeping a transcript: time per cue in the event loop, and the file's age.

    python -m benchmarks.transcript [--seconds 20] [--rate 5] [--folder DIR]

rate: cues finished per second (ten people who all speak finish about three). The folder decides
which disk is measured; the default is a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from captioner import log
from captioner.captions.cues import Cue, CueClosed
from captioner.contract import Caption
from captioner.transcript.folder import TranscriptPolicy
from captioner.transcript.keeper import TranscriptKeeper

TEXT = "and what we would have to know before we decide is how much of it was spent last year"


def caption(number: int, at_ms: int) -> Caption:
    cue = Cue(f"t1-{number}", "anna", at_ms, at_ms + 3_000, TEXT, "en")
    return Caption(CueClosed(cue, 9), "anna", "Anna Martin", "TR_1", at_ms)


async def measure(folder: Path, seconds: float, rate: float, before: int) -> None:
    keeper = TranscriptKeeper(
        TranscriptPolicy(folder, "benchmark"), room="r", origin_utc_ms=0, session="s",
        kept=lambda _: True, refused=lambda _: False,
    )  # fmt: skip
    await keeper.open()
    keeper.start(0, "en")
    started = time.perf_counter()
    for number in range(before):
        keeper.publish(caption(number, 1_000 + number))
    if before:
        took = time.perf_counter() - started
        print(f"{before} cues as fast as it goes: {before / took:,.0f} a second")
    taken, ages, processor = [], [], time.process_time()
    vtt = folder / "benchmark.vtt"
    for number in range(before, before + int(seconds * rate)):
        began = time.perf_counter()
        keeper.publish(caption(number, 1_000 + number))
        taken.append((time.perf_counter() - began) * 1000)
        finished, shown = time.monotonic(), f"t1-{number}\n".encode()
        if number % 10 == 0:
            await asyncio.to_thread(wait_for, shown, vtt)
            ages.append((time.monotonic() - finished) * 1000)
        await asyncio.sleep(max(1 / rate - (time.monotonic() - finished), 0))
    busy = (time.process_time() - processor) / seconds
    await keeper.close()
    print(f"cue → journal, ms in the event loop: {spread(taken)}")
    print(f"cue → in the .vtt file, ms:          {spread(ages)}")
    print(f"processor: {busy:.1%} of a core (looking at the file included); lost {keeper.lost}")


def wait_for(text: bytes, path: Path) -> None:
    while text not in path.read_bytes():
        time.sleep(0.01)


def spread(values: list[float]) -> str:
    values = sorted(values)
    pick = {name: values[int(len(values) * q)] for name, q in (("p50", 0.5), ("p99", 0.99))}
    return ", ".join(f"{k} {v:.2f}" for k, v in pick.items()) + f", worst {values[-1]:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--before", type=int, default=5_000, help="cues already there")
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    log.configure(form="console", level=log.WARNING)
    with tempfile.TemporaryDirectory(dir=args.folder) as place:
        asyncio.run(measure(Path(place), args.seconds, args.rate, args.before))


if __name__ == "__main__":
    main()
