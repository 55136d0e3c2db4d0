"""Measure the delay from a spoken word to the screen, through a real media server and Chromium.

    python -m benchmarks.chain [--speech FOLDER] [--clips N] [--seconds N] [--seed N]

Clips with word times are joined with pauses of 0.3 to 1.5 s and spoken in real time into a room.
Figures are those of ``caption-eval run --through browser`` (docs/evaluation.md), for one long clip.

- *all but the model*: two histograms of the bot under the model's full load. *frame taken*: from a
  frame's arrival out of the SDK to the recogniser having taken it. *published*: from a recogniser's
  event to its packets being passed to the SDK. Each is the upper edge of its bucket, so their sum
  exceeds the 95th percentile of the sum. The hop of an event from a model's thread to the loop is
  not included; it counts as the model's.
- *CPU*: user and system time of the whole bot process, divided by the seconds of the clips without
  the pauses between them. It includes what the SDK spends on the room.
"""

from __future__ import annotations

import asyncio
import urllib.request
from math import nan

from benchmarks.speech import Speech, chosen_clips, figure, joined, parser_of, played, scored
from captioner.demo.livekit_server import free_port
from eval.measures.clip_score import Score
from eval.runs.through_room import through_room
from eval.simulation.costs import p95_ms

ALWAYS = {"CAPTIONER_WANT": "always", "CAPTIONER_ENGINE": "embedded", "CAPTIONER_FALLBACK": "none"}
"""A bot with the embedded engine that captions whoever speaks."""


async def measure(speech: Speech) -> None:
    port = free_port()
    environment = ALWAYS | {"CAPTIONER_METRICS_PORT": str(port)}
    async with through_room(environment, browser=True, tell=print) as watch:
        bot = watch.bot.process
        memory, before = bot.memory_info().rss, bot.cpu_times()
        seen = await watch.observe(played({"Reader": speech}))
        after = bot.cpu_times()
        address = f"http://127.0.0.1:{port}/metrics"
        metrics = (await asyncio.to_thread(urllib.request.urlopen, address)).read().decode()
        cpu_s = after.user + after.system - before.user - before.system
        now = bot.memory_info().rss
    report(speech, scored({"Reader": speech}, seen, "browser"))
    frame, publish = (
        p95_ms("", metrics, f"captioner_{name}_seconds") or nan for name in ("frame", "publish")
    )
    print(f"all but the model, p95: frame taken ≤ {frame:g} ms + published ≤ {publish:g} ms")
    print(f"CPU-seconds a second of speech: {cpu_s / speech.seconds:.3f}")
    print(f"memory of the bot: {memory / 2**20:.0f} MB at start, {now / 2**20:.0f} MB at end")


def report(speech: Speech, found: Score) -> None:
    print(f"{speech.seconds:.0f} s of speech, {len(speech.words)} words\n")
    print(f"{'ms':<34}" + "".join(f"{f'p{p}':>9}" for p in (50, 90, 95, 99)))
    for name, label in (("first_show", "first shown"), ("final_show", "final")):
        delays = (1000 * figure(f"{name}_p{p}", found) for p in (50, 90, 95, 99))
        print(f"{f'end of a word → {label}':<34}" + "".join(f"{one:9.0f}" for one in delays))
    for name in ("engine", "bot", "network", "page"):
        half, most = (1000 * figure(f"{name}_p{p}", found) for p in (50, 95))
        print(f"{f'of it, {name}':<34}{half:9.0f}{'':9}{most:9.0f}")
    print(
        f"\nover 3 s {figure('late', found):.1%}, never shown {figure('never_shown', found):.1%}; "
    )
    print(f"WER {figure('wer', found):.1%}; erasure {figure('erasure', found):.3f}, ", end="")
    print(f"raw {figure('erasure_raw', found):.3f}")


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="play at most so long")
    arguments = parser.parse_args()
    speech = joined(chosen_clips(arguments), seconds=arguments.seconds, seed=arguments.seed)
    asyncio.run(measure(speech))


if __name__ == "__main__":
    main()
