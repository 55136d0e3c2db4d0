"""How far the measured delays err: an engine that knows when it speaks, and a film of the screen.

    python -m benchmarks.clock [--words N] [--seed N]

Through a real media server and Chromium, with an engine that says each word at a time known before.

- *said*: when eval's bot noted that the engine spoke, against the time that its script has for it.
  Both count from the first sound heard, which is what all of them have in common: the spread.
- *painted*: when eval says that a word was on the screen, against the first picture of Chromium's
  screencast in which the screen has changed after the word was said. The pictures are stamped by
  the compositor, whose clock is not the page's.
- *first show*: the sum of the two, which is what a reported delay errs by. The instants at which
  sound is handed over are those of the publisher itself, and are exact by definition.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from eval.corpus import bundled_corpus
from eval.observation import Shown
from eval.through_room import through_room
from eval.watching import RATE, Played

EVERY_MS = 900
SPREAD_MS = 400
LETTERS = "bcdfghjklmnpqrstvwxz"
CHANGED = 8.0
"""Mean difference of grey levels over the tenth of the pixels that changed most."""


def script(words: int, seed: int) -> list[tuple[int, str]]:
    """Words that no other is like, at times that no frame or clock has a share in."""
    chance = random.Random(seed)
    return [
        (round(600 + n * EVERY_MS + chance.uniform(0, SPREAD_MS)), _word(n)) for n in range(words)
    ]


def _word(number: int) -> str:
    return "".join(LETTERS[number // 20**place % 20] + "aeiou"[place] for place in range(3))


async def measure(words: int, seed: int) -> None:
    plan = script(words, seed)
    (clip,) = bundled_corpus()
    sound = np.resize(clip.audio(RATE)[RATE:], (plan[-1][0] // 1000 + 3) * RATE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        async with through_room(
            {}, browser=True, tell=print, script=path, view="broadcast"
        ) as watch:
            assert watch.viewer is not None
            offset_ms, half_ms = await watch.viewer.clock()
            film = await watch.viewer.film()
            seen = await watch.observe(Played({"Reader": sound}))
            zero_ms = watch.zero_ms
    print(f"the page's clock is {offset_ms:+.1f} ms from ours, known to ± {half_ms:.1f} ms")
    report(plan, seen.shown, [(at * 1000 - zero_ms, _grey(jpeg)) for at, jpeg in film])


def report(
    plan: Sequence[tuple[int, str]],
    shown: Sequence[Shown],
    film: Sequence[tuple[float, NDArray[np.float32]]],
) -> None:
    first = {word: _first(word, shown) for _, word in plan}
    found = [(due, one) for due, word in plan if (one := first[word]) is not None]
    said = [one.said_ms - due for due, one in found if one.said_ms is not None]
    said_errors = [value - median(said) for value in said]
    painted_errors = [
        one.at_ms - truth
        for _, one in found
        if one.said_ms is not None and (truth := _changed(film, one.said_ms)) is not None
    ]
    both = [a + b for a, b in zip(said_errors, painted_errors, strict=False)]
    print(f"{len(plan)} words, {len(found)} shown, {len(film)} pictures")
    print(f"{'error in ms':<14}{'median':>8}{'p95 of its size':>18}")
    for name, errors in (("said", said_errors), ("painted", painted_errors), ("first show", both)):
        print(f"{name:<14}{median(errors):8.1f}{np.percentile(np.abs(errors), 95):18.1f}")
    transport = [one.at_ms - one.said_ms for _, one in found if one.said_ms is not None]
    print(f"said → painted (bot, network, page; no error): median {median(transport):.0f} ms")


def _first(word: str, shown: Sequence[Shown]) -> Shown | None:
    return next((one for one in shown if word in one.text.lower()), None)


def _changed(film: Sequence[tuple[float, NDArray[np.float32]]], said_ms: float) -> float | None:
    """When the first picture that differs from the last before ``said_ms`` was drawn."""
    before = next((picture for at, picture in reversed(film) if at <= said_ms), None)
    for at, picture in film:
        if before is not None and at > said_ms:
            difference = np.sort(np.abs(picture - before), axis=None)
            if difference[-len(difference) // 1000 :].mean() > CHANGED:
                return at
    return None


def _grey(jpeg: bytes) -> NDArray[np.float32]:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--words", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.words, arguments.seed))


if __name__ == "__main__":
    main()
