"""Measure the error of delays, by an engine that knows when it speaks and Chromium's own frames.

    python -m benchmarks.clock [--words N] [--seed N] [--view broadcast]

Through a real media server and Chromium, with an engine that says each word at a time known before.

- *said*: when eval's bot noted that the engine spoke, against the time that its script has for it.
  Both count from the first audio, so a constant difference cancels and the spread remains.
- *shown*: when Chromium showed the frame with the word (Element Timing: its own time of
  presentation, in steps of 4 ms, so 2 ms of error), which eval uses. Where Chromium did not report
  it, eval uses the page's own account; then its usual difference is the error.
- *first show*: the sum of the two, the error of a reported delay. The instants at which audio is
  passed on are those of the publisher itself, and are exact by definition.
- *page's own account*: when it passed the frame on, compared with the same. On a busy machine it is
  tens of ms too early.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from itertools import cycle
from math import isfinite
from pathlib import Path
from statistics import median

import numpy as np

from eval.corpus.manifest import bundled_corpus
from eval.observation import Shown
from eval.runs.through_room import through_room
from eval.runs.watch import RATE, Performance

EVERY_MS = 900
SPREAD_MS = 400
RESOLUTION_MS = 2.0
LETTERS = "bcdfghjklmnpqrstvwxz"


def script(words: int, seed: int) -> list[tuple[int, str]]:
    """Return words unlike any other, at times unrelated to any frame or clock."""
    chance = random.Random(seed)
    return [
        (round(600 + n * EVERY_MS + chance.uniform(0, SPREAD_MS)), _word(n)) for n in range(words)
    ]


def _word(number: int) -> str:
    return "".join(LETTERS[number // 20**place % 20] + "aeiou"[place] for place in range(3))


async def measure(words: int, seed: int, view: str) -> None:
    plan = script(words, seed)
    (clip,) = bundled_corpus()
    sound = np.resize(clip.audio(RATE)[RATE:], (plan[-1][0] // 1000 + 3) * RATE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        async with through_room({}, browser=True, tell=print, script=path, view=view) as watch:
            assert watch.viewer is not None
            offset_ms, half_ms = await watch.viewer.clock()
            await watch.viewer.page.evaluate(KEEP)
            seen = await watch.observe(Performance({"Reader": sound}))
            kept = await watch.viewer.page.evaluate("window.kept.map((one) => one())")
    print(f"the page's clock is {offset_ms:+.1f} ms from ours, known to ± {half_ms:.1f} ms")
    report(plan, seen.shown, {(cue, rev): early for cue, rev, early in kept})


KEEP = """() => {
  window.kept = [];
  addEventListener("painted", ({ detail: { id, rev, painted, mark } }) => {
    if (mark === null) return;
    window.kept.push(() => [id, rev, painted - (window.frames_shown.get(mark) ?? NaN)]);
  });
}"""


def report(
    plan: Sequence[tuple[int, str]],
    shown: Sequence[Shown],
    early: Mapping[tuple[str, int], float | None],
) -> None:
    """early: by cue and revision, the page's own account less the time of the frame, in ms."""
    first = [(due, _first(word, shown)) for due, word in plan]
    found = [(due, one) for due, one in first if one is not None and one.said_ms is not None]
    said = [(one.said_ms or 0) - due for due, one in found]
    said_errors = [value - median(said) for value in said]
    account = [value for value in early.values() if value is not None and isfinite(value)]
    unknown = len(early) - len(account)
    print(f"{len(plan)} words, {len(found)} shown; {len(early)} paintings, ", end="")
    print(f"of {unknown} Chromium did not say when it showed them")
    shown_errors = [RESOLUTION_MS] * len(account) + [median(account)] * unknown
    rows = {
        "said": said_errors,
        "shown": shown_errors,
        "first show": [a + abs(b) for a, b in zip(said_errors, cycle(shown_errors), strict=False)],
        "page's own account": account,
    }
    print(f"{'error in ms':<20}{'median':>8}{'p95 of its size':>18}")
    for name, errors in rows.items():
        print(f"{name:<20}{median(errors):8.1f}{np.percentile(np.abs(errors), 95):18.1f}")
    transport = [one.at_ms - (one.said_ms or 0) for _, one in found]
    print(f"said → shown (bot, network, page; no error): median {median(transport):.0f} ms")


def _first(word: str, shown: Sequence[Shown]) -> Shown | None:
    return next((one for one in shown if word in one.text.lower()), None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--view", default="", help="broadcast: captions alone; else the whole page")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.words, arguments.seed, arguments.view))


if __name__ == "__main__":
    main()
